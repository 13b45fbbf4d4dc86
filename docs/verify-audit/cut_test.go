package main

import (
	"encoding/json"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// U3: an export from before the last event is whole in itself; the checkpoint of that event, which was kept elsewhere, says what it lacks.
func TestAnExportThatLacksItsLastEventDiffersFromAKeptCheckpoint(t *testing.T) {
	d := dbtest.SQLite(t, dbtest.NewClock())
	s := signer()
	before := exported(t, d, s, audit.Filter{})
	err := d.Tx(t.Context(), func(tx *db.Tx) error {
		audit.Record(tx, actor.ForSystem(), audit.Event{Act: audit.KeyRevoked, TargetKind: "key", TargetID: db.NewID()})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := (&audit.Checkpoints{DB: d, Signer: s, Pace: audit.Pace{Events: 1}}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	last, err := audit.LastCheckpoint(t.Context(), d)
	if err != nil || last.Seq != events+1 {
		t.Fatal(last, err)
	}

	_, alone := verify(s.Keys(), nil, strings.NewReader(before))
	_, compared := verify(s.Keys(), map[uint64][]line{events + 1: {{Seq: events + 1, Hash: last.Hash, At: last.At}}}, strings.NewReader(before))

	if alone != nil || compared == nil {
		t.Error(alone, compared)
	}
}

// U3, U8: the closing of a part, genuine as it is, closes no other events than its own.
func TestAClosingIsNotTakenForThatOfAnotherLog(t *testing.T) {
	s := signer()
	var parts [2][]string
	for i := range parts {
		clock := dbtest.NewClock()
		f, _ := archived(t, dbtest.SQLite(t, clock), clock, s)
		text, err := os.ReadFile(f[0])
		if err != nil {
			t.Fatal(err)
		}
		parts[i] = strings.SplitAfter(strings.TrimSuffix(string(text), "\n"), "\n")
	}
	ours, theirs := parts[0], parts[1]
	end := len(ours) - 1

	_, whole := verify(s.Keys(), nil, strings.NewReader(strings.Join(ours, "")))
	_, mixed := verify(s.Keys(), nil, strings.NewReader(strings.Join(theirs[:end], "")+ours[end]))

	if whole != nil || mixed == nil || len(theirs) != len(ours) {
		t.Error(whole, mixed, len(ours), len(theirs))
	}
}

// U3: whichever value of an event's line is changed, it is found.
func TestEveryValueOfAnEventIsInItsHash(t *testing.T) {
	s := signer()
	text := exported(t, dbtest.SQLite(t, dbtest.NewClock()), s, audit.Filter{})
	lines := strings.SplitAfter(text, "\n")
	var whole map[string]any
	if err := json.Unmarshal([]byte(lines[3]), &whole); err != nil || len(whole) != 17 {
		t.Fatal(err, len(whole))
	}
	for name, value := range whole {
		changed := maps.Clone(whole)
		switch was := value.(type) {
		case float64:
			changed[name] = was + 100
		case string:
			changed[name] = was + " "
		default:
			continue // personal values stand beside the chain
		}
		line, err := json.Marshal(changed)
		if err != nil {
			t.Fatal(err)
		}

		_, err = verify(s.Keys(), nil, strings.NewReader(strings.Join(lines[:3], "")+string(line)+"\n"+strings.Join(lines[4:], "")))

		if err == nil {
			t.Errorf("%s was changed, and nobody noticed", name)
		}
	}
}
