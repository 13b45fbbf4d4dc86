package audit_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// sink takes batches, or part of one and then fails.
type sink struct {
	seqs []int64
	away error
}

func (s *sink) send(_ context.Context, batch []audit.Streamed) error {
	for i, e := range batch {
		if s.away != nil && i == len(batch)/2 {
			return s.away
		}
		var line struct{ Seq int64 }
		if err := json.Unmarshal(e.Line, &line); err != nil {
			return err
		}
		s.seqs = append(s.seqs, line.Seq)
	}
	return nil
}

// At least once, in order, whatever happens to the collector; another collector is given all of it.
func TestTheCollectorIsGivenEveryEventAtLeastOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		to := &sink{away: errors.New("no route")}
		stream := &audit.Stream{DB: d, Signer: audit.NewSigner([][]byte{seed(1)}), Target: "tls://siem.example:6514", Send: to.send}
		const n = audit.StreamBatch*2 + 5
		fill(t, d, n)
		clock.Advance(time.Hour)

		first := stream.Run(t.Context())
		behind, waiting, err := stream.Behind(t.Context())
		to.away = nil
		second := stream.Run(t.Context())
		fill(t, d, 3)
		third := stream.Run(t.Context())
		none, left, err2 := stream.Behind(t.Context())

		seen := map[int64]bool{}
		for i, seq := range to.seqs {
			seen[seq] = true
			if i > 0 && seq != to.seqs[i-1]+1 && seq != 1 {
				t.Fatal("out of order", to.seqs[i-1], seq)
			}
		}
		if first == nil || second != nil || third != nil || len(seen) != n+3 || behind < time.Hour || waiting != n || err != nil || none != 0 || left != 0 || err2 != nil {
			t.Error(first, second, third, len(seen), behind, waiting, err, none, left, err2)
		}
		before := len(to.seqs)
		if err := stream.Run(t.Context()); err != nil || len(to.seqs) != before {
			t.Error("what was taken was sent again", err)
		}
		other := &sink{}
		if err := (&audit.Stream{DB: d, Signer: audit.NewSigner([][]byte{seed(1)}), Target: "https://other.example/in", Send: other.send}).Run(t.Context()); err != nil || len(other.seqs) != n+3 {
			t.Error(err, len(other.seqs))
		}
	})
}

// U3, U4: who owns the database can’t hold events back from the collector by what is noted of it: what is not signed by this installation, or is of another log, is
// no position, and is told as long as all has not been handed on again.
func TestAMovedPositionHoldsNoEventBack(t *testing.T) {
	for what, move := range map[string]string{
		"beyond the end":     `UPDATE settings SET value = REPLACE(value, '"seq":40', '"seq":9000000') WHERE name = 'audit.stream'`,
		"to the end":         `UPDATE settings SET value = REPLACE(value, '"seq":40', '"seq":50') WHERE name = 'audit.stream'`,
		"by cutting the log": "DELETE FROM audit_events WHERE seq >= 40",
		"by another event":   "UPDATE audit_events SET hash = previous_hash WHERE seq = 40",
	} {
		t.Run(what, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
				to := &sink{}
				stream := &audit.Stream{DB: d, Signer: audit.NewSigner([][]byte{seed(1)}), Target: "tls://siem.example:6514", Send: to.send}
				fill(t, d, 40)
				if err := stream.Run(t.Context()); err != nil || len(to.seqs) != 40 {
					t.Fatal(err, to.seqs)
				}
				to.seqs = nil
				fill(t, d, 10)
				loose(t, d)
				if _, err := d.Writer().Exec(move); err != nil {
					t.Fatal(err)
				}
				clock.Advance(time.Hour)

				behind, waiting, err := stream.Behind(t.Context())
				taken, err2 := stream.Taken(t.Context())
				sent := stream.Run(t.Context())
				none, _, err3 := stream.Behind(t.Context())

				if behind < time.Hour || waiting < 50 || taken != 0 || sent != nil || none != 0 || err != nil || err2 != nil || err3 != nil || len(to.seqs) < 39 || to.seqs[0] != 1 {
					t.Error(behind, waiting, taken, sent, none, to.seqs, err, err2, err3)
				}
			})
		})
	}
}
