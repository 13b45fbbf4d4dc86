// Package idempotency has a call of a program act once, however often it is sent. A caller chooses a text for an act; its first call claims the text, acts, and
// keeps its answer with it. A repeat gets that answer.
//
// The answer is kept after the act was committed, not with it: a process that dies between the two leaves a claim without an answer. Such a claim is never
// given out again, since nobody can tell whether the act was done; its repeats are refused until it is swept. So an act may be done once or not at
// all, and never twice.
package idempotency

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Keep is for how long an answer is kept.
const Keep = 24 * time.Hour

// Codes of the faults of Claim.
const (
	CodeMismatch = "IDEMPOTENCY_MISMATCH"
	CodeRunning  = "IDEMPOTENCY_IN_PROGRESS"
)

// Store keeps claims. Safe for concurrent use.
type Store struct{ db *db.DB }

// NewStore returns the store over d.
func NewStore(d *db.DB) *Store { return &Store{d} }

// Call is a call that is to act once.
type Call struct {
	Caller    db.ID  // the key that calls
	Operation string // what is done, and to what
	Text      string // of the caller's choice
	Request   []byte // all that is asked
}

func (c Call) digest() []byte {
	sum := sha256.Sum256([]byte(c.Operation + "\x00" + c.Text))
	return sum[:]
}

func (c Call) request() []byte {
	sum := sha256.Sum256(c.Request)
	return sum[:]
}

// Answer is what the first call was answered.
type Answer struct {
	Status int
	Body   string
}

// Claim takes the text for this call. It returns nil when the call is to act, and must then be followed by Finish or Release; or the answer of the call that
// acted before. Faults: Invalid with CodeMismatch when that one asked for something else, Conflict with CodeRunning when it has no answer yet.
func (s *Store) Claim(ctx context.Context, c Call) (*Answer, error) {
	var before *Answer
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		before = nil
		if _, err := tx.Run("DELETE FROM idempotency_keys WHERE caller_id = ? AND digest = ? AND created_at <= ?", c.Caller, c.digest(), tx.Now.Add(-Keep)); err != nil {
			return err
		}
		n, err := tx.Run(`INSERT INTO idempotency_keys (caller_id, digest, request_digest, created_at) VALUES (?, ?, ?, ?) ON CONFLICT (caller_id, digest) DO NOTHING`,
			c.Caller, c.digest(), c.request(), tx.Now)
		if err != nil || n == 1 {
			return err
		}
		before, err = kept(tx, c)
		return err
	})
	return before, err
}

func kept(tx *db.Tx, c Call) (*Answer, error) {
	var rows []struct {
		Same   int
		Status *int
		Answer string
	}
	err := tx.Raw("SELECT CASE WHEN request_digest = ? THEN 1 ELSE 0 END AS same, status, answer FROM idempotency_keys WHERE caller_id = ? AND digest = ?", c.request(), c.Caller, c.digest()).Scan(&rows).Error
	switch {
	case err != nil:
		return nil, err
	case len(rows) == 1 && rows[0].Same == 0:
		return nil, &fault.Error{Kind: fault.Invalid, Code: CodeMismatch, Key: "This Idempotency-Key was sent before with another request. Choose another for another act."}
	case len(rows) == 1 && rows[0].Status != nil:
		return &Answer{*rows[0].Status, rows[0].Answer}, nil
	}
	return nil, &fault.Error{Kind: fault.Conflict, Code: CodeRunning, Key: "The first call with this Idempotency-Key has no answer yet. If that stays so, look whether it was done before you send it anew under another."}
}

// Finish keeps the answer for repeats. The body must hold no secret (K1).
func (s *Store) Finish(ctx context.Context, c Call, a Answer) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Run("UPDATE idempotency_keys SET status = ?, answer = ? WHERE caller_id = ? AND digest = ?", a.Status, a.Body, c.Caller, c.digest())
		return err
	})
}

// Release gives the text back, for a call that surely did nothing.
func (s *Store) Release(ctx context.Context, c Call) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Run("DELETE FROM idempotency_keys WHERE caller_id = ? AND digest = ? AND status IS NULL", c.Caller, c.digest())
		return err
	})
}

// Sweep forgets answers that are older than Keep.
func (s *Store) Sweep(ctx context.Context) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Run("DELETE FROM idempotency_keys WHERE created_at <= ?", tx.Now.Add(-Keep))
		return err
	})
}
