package key

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// FormLife is for how long a form that makes a key can be sent.
const FormLife = 24 * time.Hour

// Purposes of form tokens.
const createPurpose = "key.create"

// CreatePurpose is the purpose of the token of the form that makes a key.
func CreatePurpose() string { return createPurpose }

// RotatePurpose is that of the form that rotates the key id.
func RotatePurpose(id db.ID) string { return "key.rotate " + id.String() }

// GatewayPurpose is that of the form that makes a gateway key for the API id.
func GatewayPurpose(apiID db.ID) string { return "key.gateway " + apiID.String() }

const (
	formNonce = 16
	formHead  = formNonce + 8
)

// NewFormToken makes the token of a form by which the actor makes a key once. Nothing is stored until the form is sent: the token
// carries its own expiry and a MAC over it, its purpose and the user.
func (s *Store) NewFormToken(a actor.Actor, purpose string) string {
	head := make([]byte, formHead)
	_, _ = rand.Read(head[:formNonce])                                                    // never fails, says crypto/rand
	binary.BigEndian.PutUint64(head[formNonce:], uint64(s.db.Now().Add(FormLife).Unix())) //nolint:gosec // after 1970
	mac := s.forms.Sign(formData(head, a, purpose))
	return base64.RawURLEncoding.EncodeToString(slices.Concat(head, mac[:]))
}

func formData(head []byte, a actor.Actor, purpose string) []byte {
	data := append([]byte{}, head...)
	data = append(data, a.UserID[:]...)
	return append(data, purpose...)
}

// spendForm uses the token up for the key id. When it was used before, it returns the key that it made then. Whoever has no browser
// (the operator, the program itself, a key) has no form and needs no token. Faults: Invalid for a token that is not this form's, or too old.
func (s *Store) spendForm(tx *db.Tx, a actor.Actor, purpose, token string, id db.ID) (made db.ID, again bool, err error) {
	if (a.Trusted() || a.Program()) && token == "" {
		return id, false, nil
	}
	if !a.SignedIn() {
		return db.ID{}, false, fault.Missing()
	}
	stale := fault.New(fault.Invalid, "This form is too old or not yours. Open it again.")
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) != formHead+sha256.Size || !s.forms.Verify(formData(raw[:formHead], a, purpose), raw[formHead:]) {
		return db.ID{}, false, stale
	}
	expires := time.Unix(int64(binary.BigEndian.Uint64(raw[formNonce:formHead])), 0).UTC() //nolint:gosec // we wrote it
	if !tx.Now.Before(expires) {
		return db.ID{}, false, stale
	}
	digest := sha256.Sum256(raw)
	// The digest does not come first: gorm takes bytes right behind a parenthesis for a list.
	n, err := tx.Run(`INSERT INTO form_tokens (user_id, digest, purpose, made_id, used_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (digest) DO NOTHING`, a.UserID, digest[:], purpose, id, tx.Now, expires)
	if err != nil || n == 1 {
		return id, false, err
	}
	var found []db.ID
	if err := tx.Raw("SELECT made_id FROM form_tokens WHERE digest = ? AND user_id = ?", digest[:], a.UserID).Scan(&found).Error; err != nil {
		return db.ID{}, false, err
	}
	if len(found) == 0 {
		return db.ID{}, false, stale
	}
	return found[0], true, nil
}
