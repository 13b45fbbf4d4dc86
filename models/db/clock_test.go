package db_test

import (
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// K4, REL-12: what the database said of the time counts when it came back quickly; a slow answer is off by up to half of what it took, and would set the clock back and
// forth by seconds.
func TestSlowAnswerDoesNotSetTheClock(t *testing.T) {
	far := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	ahead := func(r *db.Reading) time.Duration { return r.Now().Sub(far).Round(time.Second) }
	now := time.Now()
	var r db.Reading
	took := func(said time.Time, took time.Duration) error { return r.Take(said, now, now.Add(took)) }

	first := took(far.Add(time.Hour), 4*time.Second)
	taken := ahead(&r)
	quicker := took(far.Add(2*time.Hour), 2*time.Second)
	better := ahead(&r)
	quick := took(far, 100*time.Millisecond)
	slow := took(far.Add(3*time.Hour), 251*time.Millisecond)
	kept := ahead(&r)
	again := took(far.Add(4*time.Hour), 250*time.Millisecond)
	moved := ahead(&r)

	if first == nil || taken.Round(time.Minute) != time.Hour || quicker == nil || better.Round(time.Minute) != 2*time.Hour {
		t.Error("at the start a slow answer is better than none, and a quicker one better:", first, taken, quicker, better)
	}
	if quick != nil || slow == nil || kept.Abs() > time.Minute {
		t.Error("a slow answer set the clock:", quick, slow, kept)
	}
	if again != nil || moved.Round(time.Minute) != 4*time.Hour {
		t.Error("a quick one did not:", again, moved)
	}
}
