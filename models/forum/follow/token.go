package follow

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// claimKind is what a link in a mail lets its reader do, without signing in.
type claimKind byte

const (
	endFollow    claimKind = 'f' // ID is the follow
	endQuestions claimKind = 'n' // staff's choice to hear of new questions; ID is the user
	sayIfSolved  claimKind = 's' // ID is the answer
)

// claim is what a token says. It stands in the token itself, signed: no row is needed, and what is not signed by us says nothing.
type claim struct {
	Kind    claimKind
	ID      db.ID
	User    db.ID
	Expires time.Time // zero: never
	Mailbox mailbox   // of sayIfSolved: a link to one address ends when the account has another
}

// mailbox stands for a mail address in a claim.
type mailbox [8]byte

func mailboxOf(email string) mailbox {
	sum := sha256.Sum256([]byte(strings.ToLower(email)))
	return mailbox(sum[:8])
}

const (
	idSize     = 16
	claimSize  = 1 + 2*idSize + 8 + 8
	macSize    = 32
	solvedLife = 14 * 24 * time.Hour
)

func (s *Store) seal(c claim) string {
	b := append(append([]byte{byte(c.Kind)}, c.ID[:]...), c.User[:]...)
	var until uint64
	if !c.Expires.IsZero() {
		until = uint64(c.Expires.Unix()) //nolint:gosec // after 1970
	}
	b = append(binary.BigEndian.AppendUint64(b, until), c.Mailbox[:]...)
	mac := s.signer.Sign(b)
	return base64.RawURLEncoding.EncodeToString(append(b, mac[:]...))
}

// open reads a token. Faults: NotFound for one that is not ours, is over, or is for something else.
func (s *Store) open(token string, kinds ...claimKind) (claim, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) != claimSize+macSize || !s.signer.Verify(b[:claimSize], b[claimSize:]) {
		return claim{}, wrongLink()
	}
	c := claim{Kind: claimKind(b[0]), ID: db.ID(b[1 : 1+idSize]), User: db.ID(b[1+idSize : 1+2*idSize]), Mailbox: mailbox(b[claimSize-8 : claimSize])}
	if until := binary.BigEndian.Uint64(b[1+2*idSize:]); until > 0 {
		c.Expires = time.Unix(int64(until), 0) //nolint:gosec // we wrote it
		if !s.db.Now().Before(c.Expires) {
			return claim{}, fault.New(fault.NotFound, "This link is too old. Sign in and open the question instead.")
		}
	}
	var wanted []byte
	for _, k := range kinds {
		wanted = append(wanted, byte(k))
	}
	if !bytes.Contains(wanted, []byte{byte(c.Kind)}) {
		return claim{}, wrongLink()
	}
	return c, nil
}

func wrongLink() error {
	return fault.New(fault.NotFound, "This link is not whole. Open it from the mail again, or copy all of it.")
}
