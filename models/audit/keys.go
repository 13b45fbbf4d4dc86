package audit

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// keysName is the setting that holds the public keys of root secrets before the current one, signed by the current one: so that old checkpoints are known
// for ours when their secret is long gone, and nobody who only owns the database adds a key.
const keysName = "audit.keys"

type keyList struct {
	Keys      []string  `json:"keys"`
	By        string    `json:"by"` // the key that signed
	Signature string    `json:"signature"`
	At        time.Time `json:"at"`
}

func (l keyList) text() string { return "gatehouse audit keys 1\n" + strings.Join(l.Keys, "\n") + "\n" }

// genuine reports whether one of known signed the list.
func (l keyList) genuine(known []string) bool {
	if !slices.Contains(known, l.By) {
		return false
	}
	key, err := base64.StdEncoding.DecodeString(l.By)
	signed, err2 := base64.StdEncoding.DecodeString(l.Signature)
	return err == nil && err2 == nil && len(key) == ed25519.PublicKeySize && ed25519.Verify(key, []byte(l.text()), signed)
}

// KnownKeys are the public keys with which checkpoints of this installation were ever signed, the current one first.
func KnownKeys(ctx context.Context, d *db.DB, s *Signer) ([]string, error) {
	keys := s.Keys()
	var stored []string
	if err := d.Read(ctx).Raw("SELECT value FROM settings WHERE name = ?", keysName).Scan(&stored).Error; err != nil {
		return nil, err
	}
	var l keyList
	if len(stored) == 0 || json.Unmarshal([]byte(stored[0]), &l) != nil || !l.genuine(keys) {
		return keys, nil //nolint:nilerr // a list that can't be read is none of ours
	}
	for _, k := range l.Keys {
		if !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

// keepKeys signs the list anew when the root secret was changed.
func (c *Checkpoints) keepKeys(ctx context.Context) error {
	keys, err := KnownKeys(ctx, c.DB, c.Signer)
	if err != nil || len(keys) == 1 {
		return err
	}
	l := keyList{Keys: keys, By: keys[0], At: c.DB.Now().UTC().Truncate(time.Second)}
	l.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(c.Signer.key, []byte(l.text())))
	var stored []string
	if err := c.DB.Read(ctx).Raw("SELECT value FROM settings WHERE name = ?", keysName).Scan(&stored).Error; err != nil {
		return err
	}
	var old keyList
	if len(stored) > 0 && json.Unmarshal([]byte(stored[0]), &old) == nil && old.By == l.By && slices.Equal(old.Keys, l.Keys) {
		return nil
	}
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return c.DB.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Run("INSERT INTO settings (name, value, updated_at) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at", keysName, string(text), tx.Now)
		return err
	})
}
