package audit

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Closing is the signed statement that a part of the log was archived: its file ends with it, and what comes after the part begins with it. A checkpoint of
// the same event is none: its text is another, so nobody makes a log that lacks its beginning look archived.
type Closing struct {
	Type      string `json:"type"` // archive
	First     int64  `json:"first"`
	Last      int64  `json:"last"`
	Previous  string `json:"previous_hash"` // of the event before the first, in hex; zeros before the first of all
	Hash      string `json:"hash"`          // of event Last
	At        string `json:"at"`            // RFC 3339, UTC
	Key       string `json:"key"`           // the Ed25519 public key, base64
	Signature string `json:"signature"`     // over Text, base64
}

const closingType = "archive"

// Text is what is signed.
func (c Closing) Text() string {
	return fmt.Sprintf("gatehouse audit archive 1\n%d\n%d\n%s\n%s\n%s\n", c.First, c.Last, c.Previous, c.Hash, c.At)
}

// Check fails with ErrSignature unless the statement is signed by its key, and that is one of keys.
func (c Closing) Check(keys []string) error { return check(c.Key, c.Signature, c.Text(), keys) }

// Name is that of the part's file. Parts sort by it.
func (c Closing) Name() string { return fmt.Sprintf("audit-%012d-%012d.jsonl", c.First, c.Last) }

func (c Closing) hash() []byte {
	b, err := hex.DecodeString(c.Hash)
	if err != nil {
		return nil
	}
	return b
}

// Close signs that a part of the log was archived.
func (s *Signer) Close(first, last int64, previous, hash []byte, at time.Time) Closing {
	c := Closing{Type: closingType, First: first, Last: last, Previous: hex.EncodeToString(previous), Hash: hex.EncodeToString(hash), At: at.UTC().Format(time.RFC3339), Key: s.known[0]}
	c.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(s.key, []byte(c.Text())))
	return c
}

// Archived is a part of the log that stands in a file.
type Archived struct {
	Closing
	At       time.Time
	Released bool // the operator took the file elsewhere for good
}

// ArchivedParts are all of them, the oldest first.
func ArchivedParts(ctx context.Context, d *db.DB) ([]Archived, error) {
	var rows []struct {
		FirstSeq, LastSeq    int64
		PreviousHash, Hash   []byte
		At                   time.Time
		PublicKey, Signature string
		ReleasedAt           *time.Time
	}
	err := d.Read(ctx).Raw("SELECT first_seq, last_seq, previous_hash, hash, at, public_key, signature, released_at FROM audit_archives ORDER BY last_seq").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("audit: archives: %w", err)
	}
	out := make([]Archived, len(rows))
	for i, r := range rows {
		out[i] = Archived{Closing{
			Type: closingType, First: r.FirstSeq, Last: r.LastSeq, Previous: hex.EncodeToString(r.PreviousHash), Hash: hex.EncodeToString(r.Hash),
			At: r.At.UTC().Format(time.RFC3339), Key: r.PublicKey, Signature: r.Signature,
		}, r.At, r.ReleasedAt != nil}
	}
	return out, nil
}

// joined says which of the parts does not follow the one before it or, where there are keys, is not signed by one of them; "" when all are right.
func joined(parts []Archived, keys []string) (first int64, why string) {
	last, prev := int64(0), make([]byte, 32)
	for _, p := range parts {
		switch {
		case p.First != last+1 || p.Last < p.First || p.Previous != hex.EncodeToString(prev):
			return last + 1, "the archived part that begins at event " + fmt.Sprint(p.First) + " does not follow what is before it"
		case len(keys) > 0 && p.Check(keys) != nil:
			return p.First, "that the part up to event " + fmt.Sprint(p.Last) + " was archived is not signed by a key of this installation"
		}
		last, prev = p.Last, p.hash()
	}
	return 0, ""
}

// ending is the last of the parts; its zero value, whose hash is that before the first event, when there is none.
func ending(parts []Archived) (last int64, hash []byte) {
	if len(parts) == 0 {
		return 0, make([]byte, 32)
	}
	p := parts[len(parts)-1]
	return p.Last, p.hash()
}

func sameEnding(a, b []Archived) bool {
	last, hash := ending(a)
	last2, hash2 := ending(b)
	return last == last2 && bytes.Equal(hash, hash2)
}

func check(publicKey, signature, text string, keys []string) error {
	key, err := base64.StdEncoding.DecodeString(publicKey)
	signed, err2 := base64.StdEncoding.DecodeString(signature)
	if err != nil || err2 != nil || len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, []byte(text), signed) {
		return ErrSignature
	}
	if !slices.Contains(keys, publicKey) {
		return fmt.Errorf("%w: its key %s is not one of this installation", ErrSignature, publicKey)
	}
	return nil
}

// Release notes that the operator took the file of a part elsewhere for good: it is missed no longer, and erasing what it holds of persons is theirs.
// Fault: NotFound for a name that no part has, or that was released.
func Release(ctx context.Context, d *db.DB, a actor.Actor, name string) error {
	parts, err := ArchivedParts(ctx, d)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(parts, func(p Archived) bool { return p.Name() == name && !p.Released })
	if i < 0 {
		return fault.Missing()
	}
	return d.Tx(ctx, func(tx *db.Tx) error {
		Record(tx, a, Event{Act: LogReleased, TargetKind: "audit", Details: map[string]string{"file": name}})
		_, err := tx.Run("UPDATE audit_archives SET released_at = ? WHERE last_seq = ? AND released_at IS NULL", tx.Now, parts[i].Last)
		return err
	})
}
