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
		stream := &audit.Stream{DB: d, Target: "tls://siem.example:6514", Send: to.send}
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
		if err := (&audit.Stream{DB: d, Target: "https://other.example/in", Send: other.send}).Run(t.Context()); err != nil || len(other.seqs) != n+3 {
			t.Error(err, len(other.seqs))
		}
	})
}
