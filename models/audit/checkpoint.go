package audit

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Checkpoint says what the head of the log was at a time, signed. One that is kept where nobody reaches who owns the database proves that all
// events up to it are still the same. It is also how one is written down: as a line of JSON.
type Checkpoint struct {
	Type      string `json:"type"` // checkpoint; or end, of an export
	Seq       int64  `json:"seq"`
	Hash      string `json:"hash"`      // of event Seq, in hex
	At        string `json:"at"`        // RFC 3339, UTC
	Key       string `json:"key"`       // the Ed25519 public key, base64
	Signature string `json:"signature"` // over Text, base64
}

const (
	checkpointType = "checkpoint"
	endType        = "end" // nobody cuts an export behind one of its checkpoints and has it look whole
)

// Text is what is signed.
func (c Checkpoint) Text() string {
	return fmt.Sprintf("gatehouse audit %s 1\n%d\n%s\n%s\n", c.Type, c.Seq, c.Hash, c.At)
}

// ErrSignature is returned for a checkpoint that its key did not sign, or that a key signed which is not known.
var ErrSignature = errors.New("the signature of the checkpoint is wrong")

// Check fails with ErrSignature unless the checkpoint is signed by its key, and that is one of keys.
func (c Checkpoint) Check(keys []string) error { return check(c.Key, c.Signature, c.Text(), keys) }

// Signer signs checkpoints with a key that is derived from the root secret. Safe for concurrent use.
type Signer struct {
	key   ed25519.PrivateKey
	known []string
}

// NewSigner makes a signer of seeds of 32 bytes, the current one first.
func NewSigner(seeds [][]byte) *Signer {
	s := &Signer{}
	for i, seed := range seeds {
		key := ed25519.NewKeyFromSeed(seed)
		if i == 0 {
			s.key = key
		}
		public, _ := key.Public().(ed25519.PublicKey) // always of that type, says crypto/ed25519
		s.known = append(s.known, base64.StdEncoding.EncodeToString(public))
	}
	return s
}

// Keys are the public keys of all seeds in base64, the current one first: what a checkpoint of this installation is signed with.
func (s *Signer) Keys() []string { return slices.Clone(s.known) }

// Sign makes the checkpoint of an event.
func (s *Signer) Sign(seq int64, hash []byte, at time.Time) Checkpoint {
	return s.sign(checkpointType, seq, hash, at)
}

// End makes what closes an export. It is a checkpoint of its last event, too.
func (s *Signer) End(seq int64, hash []byte, at time.Time) Checkpoint {
	return s.sign(endType, seq, hash, at)
}

func (s *Signer) sign(kind string, seq int64, hash []byte, at time.Time) Checkpoint {
	c := Checkpoint{Type: kind, Seq: seq, Hash: hex.EncodeToString(hash), At: at.UTC().Format(time.RFC3339), Key: s.known[0]}
	c.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(s.key, []byte(c.Text())))
	return c
}

// Pace says when a checkpoint is due: after so many events, or when there are any and the last one is so long ago.
type Pace struct {
	Events int64
	Time   time.Duration
}

// Checkpoints makes checkpoints and has them written down.
type Checkpoints struct {
	DB     *db.DB
	Signer *Signer
	Pace   Pace
	Write  func(context.Context, Checkpoint) error // outside; nil: they stay in the database alone
}

// Run makes a checkpoint when one is due, and writes down those that wait, the oldest first. What fails is tried again at the next run: a checkpoint can be
// written down twice, and is never left out. The one that was just made is written down whatever the database says of it: who owns that could have it say that it was.
func (c *Checkpoints) Run(ctx context.Context) error {
	made, err := c.make(ctx)
	if err := errors.Join(err, c.keepKeys(ctx)); err != nil {
		return fmt.Errorf("audit: checkpoint: %w", err)
	}
	if c.Write == nil {
		return nil
	}
	last, err := c.tellWaiting(ctx)
	if err != nil || made == nil || last >= made.Seq {
		return err
	}
	return c.tell(ctx, *made)
}

// tellWaiting writes down what waits, and returns the number of the last event of it; 0 when nothing waits.
func (c *Checkpoints) tellWaiting(ctx context.Context) (last int64, err error) {
	for {
		var rows []checkpointRow
		err := c.DB.Read(ctx).Raw("SELECT seq, hash, at, public_key, signature FROM audit_checkpoints WHERE told_at IS NULL AND seq > ? ORDER BY seq LIMIT 1", last).Scan(&rows).Error
		if err != nil || len(rows) == 0 {
			return last, err
		}
		if err := c.tell(ctx, rows[0].checkpoint()); err != nil {
			return last, err
		}
		last = rows[0].Seq
	}
}

func (c *Checkpoints) tell(ctx context.Context, point Checkpoint) error {
	if err := c.Write(ctx, point); err != nil {
		return fmt.Errorf("audit: the checkpoint at event %d waits, since it could not be written down: %w", point.Seq, err)
	}
	return c.DB.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Run("UPDATE audit_checkpoints SET told_at = ? WHERE seq = ?", tx.Now, point.Seq)
		return err
	})
}

// make makes a checkpoint when one is due; nil when none is.
func (c *Checkpoints) make(ctx context.Context) (made *Checkpoint, err error) {
	err = c.DB.Tx(ctx, func(tx *db.Tx) error {
		made = nil
		var heads []struct {
			Seq  int64
			Hash []byte
		}
		if err := tx.Raw("SELECT seq, hash FROM audit_head WHERE id = 1").Scan(&heads).Error; err != nil {
			return err
		}
		var last []checkpointRow
		if err := tx.Raw("SELECT seq, hash, at, public_key, signature FROM audit_checkpoints ORDER BY seq DESC LIMIT 1").Scan(&last).Error; err != nil {
			return err
		}
		if len(heads) == 0 || !c.due(heads[0].Seq, last, tx.Now) {
			return nil
		}
		at := tx.Now.Truncate(time.Second) // as it is signed
		signed := c.Signer.Sign(heads[0].Seq, heads[0].Hash, at)
		made = &signed
		_, err := tx.Run("INSERT INTO audit_checkpoints (seq, hash, at, public_key, signature) VALUES (?, ?, ?, ?, ?) ON CONFLICT (seq) DO NOTHING",
			signed.Seq, heads[0].Hash, at, signed.Key, signed.Signature)
		return err
	})
	return made, err
}

func (c *Checkpoints) due(head int64, last []checkpointRow, now time.Time) bool {
	if len(last) == 0 {
		return head > 0
	}
	since := head - last[0].Seq
	return since >= c.Pace.Events || since > 0 && now.Sub(last[0].At) >= c.Pace.Time
}

type checkpointRow struct {
	Seq       int64
	Hash      []byte
	At        time.Time
	PublicKey string
	Signature string
}

func (r checkpointRow) checkpoint() Checkpoint {
	return Checkpoint{Type: checkpointType, Seq: r.Seq, Hash: hex.EncodeToString(r.Hash), At: r.At.UTC().Format(time.RFC3339), Key: r.PublicKey, Signature: r.Signature}
}

// LastCheckpoint is the newest one. Fault: NotFound when there is none, since nothing was ever done.
func LastCheckpoint(ctx context.Context, d *db.DB) (Checkpoint, error) {
	var rows []checkpointRow
	err := d.Read(ctx).Raw("SELECT seq, hash, at, public_key, signature FROM audit_checkpoints ORDER BY seq DESC LIMIT 1").Scan(&rows).Error
	if err == nil && len(rows) == 0 {
		err = fault.Missing()
	}
	if err != nil {
		return Checkpoint{}, err
	}
	return rows[0].checkpoint(), nil
}

// WaitingSince is when the oldest checkpoint was made that is not yet written down outside; zero when none waits.
func WaitingSince(ctx context.Context, d *db.DB) (time.Time, error) {
	var rows []checkpointRow
	err := d.Read(ctx).Raw("SELECT seq, hash, at, public_key, signature FROM audit_checkpoints WHERE told_at IS NULL ORDER BY seq LIMIT 1").Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return time.Time{}, err
	}
	return rows[0].At, nil
}
