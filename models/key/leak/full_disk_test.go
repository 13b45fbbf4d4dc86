package leak_test

import (
	"encoding/json"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/leak"
)

// REL-8, 4.5: a reported key is stopped although the disk is full, whether it was reported before or after; invented ones get the same answer and no room.
func TestReportedKeyIsStoppedOnAFullDisk(t *testing.T) {
	clock := dbtest.NewClock()
	d, fill := dbtest.Small(t, clock)
	w := newWorld(t, d, clock)
	w.ok(w.leaks.SetPolicy(bg, w.staff, leak.Policy{Live: leak.Revoke, Test: leak.Pause, NoticeDays: 3}))
	before, after, signed, spared := w.make("Before", "live"), w.make("After", "live"), w.make("Signed", "live"), w.make("Spared", "live")
	report := func(text string) (int, error) {
		return w.leaks.HandIn(bg, actor.Actor{}, leak.Handed{Source: leak.Page, Texts: []string{text}, Place: "a public wiki"})
	}
	_, err := report(before.Secret.Reveal())
	w.ok(err)
	var waiting string
	w.ok(d.Read(bg).Raw("SELECT payload FROM jobs WHERE kind = ?", leak.JobKind).Scan(&waiting).Error)
	fill()

	queued := w.leaks.Job(bg, json.RawMessage(waiting))
	known, atOnce := report(after.Secret.Reveal())
	unknown, invented := report(w.invented())
	_, delivered := w.leaks.Deliver(bg, []byte("[]"), []leak.Match{{Token: signed.Secret.Reveal()}})
	var many error
	for range 60 {
		_, many = report(w.invented())
	}

	if queued != nil || atOnce != nil || delivered != nil || invented != nil || known != unknown {
		t.Errorf("before: %v; after: %v; signed: %v; invented: %v; %d and %d found", queued, atOnce, delivered, invented, known, unknown)
	}
	if got := []key.StateName{w.state(before.Key.ID), w.state(after.Key.ID), w.state(signed.Key.ID), w.state(spared.Key.ID)}; got[0] != key.Revoked || got[1] != key.Revoked || got[2] != key.Revoked || got[3] != key.Active {
		t.Error(got)
	}
	if !fault.Is(many, fault.RateLimited) {
		t.Error("so many at once:", many)
	}
}
