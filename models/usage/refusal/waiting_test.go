package refusal_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/usage/refusal"
)

// moved is a recorder of a process whose database was moved, in a data folder.
func moved(t *testing.T, dir string) *refusal.Recorder {
	t.Helper()
	d := dbtest.SQLite(t, dbtest.NewClock())
	hold, err := d.Hold(t.Context())
	if err == nil {
		err = hold.Finish(t.Context(), time.Time{})
	}
	if err != nil {
		t.Fatal(err)
	}
	return refusal.NewRecorder(d, nil).KeepingIn(dir)
}

// storm has a recorder refuse so many calls; it returns the first.
func (w *world) storm(r *refusal.Recorder, n int) (first refusal.Record) {
	for i := range n {
		rec := w.refused(keyring.KeyPaused, keyring.Paused)
		rec.Path = "/v2/" + w.text
		s := refusal.Subject{App: rec.App, Org: rec.Org, API: rec.API, Publisher: rec.Publisher, Code: rec.Code}
		if r.Wants(rec.At, &s) {
			r.Put(rec)
		}
		if i == 0 {
			first = rec
		}
	}
	return first
}

func waiting(t *testing.T, dir string) (paths []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "refusals-*"))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func (w *world) look() {
	w.t.Helper()
	w.clock.Advance(time.Minute)
	w.flush()
}

// K1, REL-4, REL-8: what a process refused after its database was moved opens by its request id in the new one.
func TestRefusalsOfAMovedDatabaseAreTakenInByTheNext(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		dir := t.TempDir()
		old := moved(t, dir)
		w.recorder.KeepingIn(dir)
		everything := refusal.View{Actor: w.Staff, Everything: true}
		first := w.storm(old, 3)
		failed := old.Flush(bg)
		w.look()
		living := len(w.list(everything))
		w.storm(old, refusal.MostOfOne)
		_ = old.Flush(bg)
		w.storm(old, 2)

		closed := old.Close()
		left := waiting(t, dir)
		if failed == nil || closed != nil || len(left) != 1 {
			t.Fatal(failed, closed, left)
		}
		text, err := os.ReadFile(left[0])
		info, bad := os.Stat(left[0])
		if err != nil || bad != nil || info.Mode().Perm() != 0o600 || strings.Contains(string(text), w.text) {
			t.Error("the file holds a key, or is open to others:", err, bad, info)
		}
		w.look()
		found, err := w.store.Open(bg, refusal.View{Actor: w.Person}, first.RequestID)
		if err != nil || found.Why() != keyring.KeyPaused || !found.At.Equal(first.At) || len(found.Seen.Networks) != 1 {
			t.Error(err, found)
		}
		if rest := waiting(t, dir); living != 0 || len(rest) != 0 {
			t.Error("taken in while its process lives:", living, "not removed:", rest)
		}
		if err := os.WriteFile(left[0], text, 0o600); err != nil {
			t.Fatal(err)
		}
		w.look()
		if rows, n := len(w.list(everything)), w.leftOut(everything); rows != refusal.MostOfOne+3 || n != 2 || len(waiting(t, dir)) != 0 {
			t.Error(rows, "refusals,", n, "left out:", waiting(t, dir))
		}
	})
}

// REL-8: a process that is killed, with or without its last bytes, leaves what it had kept.
func TestRefusalsOfAKilledProcessAreTakenIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		theirs, dir := t.TempDir(), t.TempDir()
		old := moved(t, theirs)
		w.recorder.KeepingIn(dir)
		first := w.storm(old, 2)
		_ = old.Flush(bg)
		w.storm(old, 2)
		_ = old.Flush(bg)
		text, err := os.ReadFile(waiting(t, theirs)[0]) // the lock on it dies with the process
		if err != nil {
			t.Fatal(err)
		}
		for name, data := range map[string]string{
			"refusals-torn.waiting": string(text[:len(text)-7]), "refusals-empty.waiting": "", "refusals-later.waiting": "gatehouse refusals 2\nwhat nobody knows\n",
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
				t.Fatal(err)
			}
		}

		w.look()

		_, err = w.store.Open(bg, refusal.View{Actor: w.Person}, first.RequestID)
		rows, rest := w.list(refusal.View{Actor: w.Staff, Everything: true}), waiting(t, dir)
		if err != nil || len(rows) != 2 || len(rest) != 2 {
			t.Error(err, len(rows), rest)
		}
	})
}

func TestWhatIsWrittenLaterLeavesNoFile(t *testing.T) { // REL-8
	each(t, func(t *testing.T, w *world) {
		dir := t.TempDir()
		w.recorder.KeepingIn(dir)
		gone, end := context.WithCancel(bg)
		end()
		for range 3 {
			w.storm(w.recorder, 1)
			if err := w.recorder.Flush(gone); err == nil {
				t.Fatal("a database that is away took them")
			}
		}
		while, state := waiting(t, dir), w.recorder.State()

		w.flush()

		if rest := waiting(t, dir); len(while) != 1 || len(rest) != 0 || w.recorder.Close() != nil {
			t.Error(while, rest)
		}
		if got := w.recorder.State(); state.Waiting != 3 || got != (refusal.State{Kept: 3}) || len(w.list(refusal.View{Actor: w.Person})) != 3 {
			t.Errorf("%+v, then %+v", state, got)
		}
	})
}
