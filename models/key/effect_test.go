package key_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// K8, K9: what other areas do to keys in their own transactions.
func TestAnActOnKeysInACallersTransactionHitsEachOnceAndIsTold(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		soon := clock.Now().Add(10 * day)
		for name, c := range map[string]struct {
			act   func(*db.Tx, []key.Row) error
			want  string
			state key.StateName
		}{
			"revoke":  {func(tx *db.Tx, rows []key.Row) error { return w.keys.RevokeTx(tx, w.staff, rows, "leaked", nil) }, "key.revoked", key.Revoked},
			"pause":   {func(tx *db.Tx, rows []key.Row) error { return w.keys.PauseTx(tx, w.staff, rows, "bulk", nil) }, "key.paused", key.Paused},
			"shorten": {func(tx *db.Tx, rows []key.Row) error { return w.keys.ShortenTx(tx, w.staff, rows, soon, nil) }, "key.shortened", key.ExpiringNow},
		} {
			ids := []db.ID{w.make(w.developer, name+" one").Key.ID, w.make(w.developer, name+" two").Key.ID}
			gone := w.make(w.developer, name+" gone").Key.ID
			if err := w.keys.Revoke(bg, w.developer, gone, ""); err != nil {
				t.Fatal(err)
			}
			before, last := w.events(), w.lastChange()

			for range 2 { // again changes nothing
				err := d.Tx(bg, func(tx *db.Tx) error {
					rows, err := key.RowsTx(tx, append([]db.ID{gone}, ids...))
					if err != nil {
						return err
					}
					return c.act(tx, rows)
				})
				if err != nil {
					t.Fatal(name, err)
				}
			}

			if diff := cmp.Diff([]string{c.want, c.want}, w.acts(before)); diff != "" {
				t.Error(name, diff)
			}
			for _, id := range ids {
				if got := w.state(id); got != c.state {
					t.Error(name, got)
				}
			}
			changes, err := change.Since(bg, d, last, 10)
			if err != nil || len(changes) != 2 || changes[0].Kind != change.Key || changes[0].SubjectID == changes[1].SubjectID {
				t.Error(name, "verification is told of each key once:", changes, err)
			}
		}
	})
}

func TestAnEndIsBroughtForwardAndNeverPutOff(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		made := w.make(w.developer, "Shop").Key
		shorten := func(to time.Time) error {
			return d.Tx(bg, func(tx *db.Tx) error {
				rows, err := key.RowsTx(tx, []db.ID{made.ID})
				if err != nil {
					return err
				}
				return w.keys.ShortenTx(tx, w.staff, rows, to, nil)
			})
		}

		late, now, soon := shorten(made.ExpiresAt.Add(day)), shorten(clock.Now()), shorten(clock.Now().Add(day))

		after, err := w.keys.GetAny(bg, w.staff, made.ID)
		expect(t, "a moment that is over", now, fault.Invalid)
		if late != nil || soon != nil || err != nil || !after.ExpiresAt.Equal(clock.Now().Add(day)) {
			t.Fatal(late, soon, err, after.ExpiresAt)
		}
	})
}

// Z9, U3: many at once are as many events, chained, with as many statements as a few.
func TestHundredsOfKeysAreRevokedInOneTransaction(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		var ids []db.ID
		for i := range 620 {
			id := db.NewID()
			ids = append(ids, id)
			w.run(`INSERT INTO keys (id, app_id, environment, name, prefix, last_four, digest_algorithm, pepper_version, digest, created_at, updated_at)
				VALUES (?, ?, 'live', ?, 'gk_live_', 'abcd', 'hmac-sha256', '1', ?, ?, ?)`, id, w.app, fmt.Sprint("Key ", i), id[:], clock.Now(), clock.Now())
		}
		before := w.events()

		err := d.Tx(bg, func(tx *db.Tx) error {
			rows, err := key.RowsTx(tx, ids)
			if err != nil {
				return err
			}
			return w.keys.RevokeTx(tx, w.staff, rows, "all", nil)
		})

		var left int
		if scan := d.Read(bg).Raw("SELECT COUNT(*) FROM keys WHERE revoked_at IS NULL").Scan(&left).Error; err != nil || scan != nil || left != 0 || len(w.acts(before)) != 620 {
			t.Fatal(err, scan, left, len(w.acts(before)))
		}
	})
}

func (w *world) lastChange() int64 {
	w.t.Helper()
	seq, err := change.Last(bg, w.db)
	if err != nil {
		w.t.Fatal(err)
	}
	return seq
}

func TestAStrongerCauseOfAPauseTakesTheWeakersPlace(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		id := w.make(w.developer, "Shop").Key.ID
		pause := func(cause string) string {
			err := d.Tx(bg, func(tx *db.Tx) error {
				rows, err := key.RowsTx(tx, []db.ID{id})
				if err != nil {
					return err
				}
				return w.keys.PauseTx(tx, w.staff, rows, cause, nil)
			})
			after, getErr := w.keys.GetAny(bg, w.staff, id)
			if err != nil || getErr != nil {
				t.Fatal(err, getErr)
			}
			return after.PausedCause
		}

		got := []string{pause(""), pause(key.PausedIdle), pause(key.PausedBulk), pause(key.PausedAge), pause(key.PausedLeak), pause(key.PausedBulk)}

		if diff := cmp.Diff([]string{"", "", "bulk", "bulk", "leak", "leak"}, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestOnlyStaffResumeWhatStaffPaused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		id := w.make(w.developer, "Shop").Key.ID
		if err := d.Tx(bg, func(tx *db.Tx) error {
			rows, err := key.RowsTx(tx, []db.ID{id})
			if err != nil {
				return err
			}
			return w.keys.PauseTx(tx, w.staff, rows, key.PausedBulk, nil)
		}); err != nil {
			t.Fatal(err)
		}

		byMaker, bySupport, byStaff := w.keys.Resume(bg, w.developer, id), w.keys.ResumeByStaff(bg, w.support, id), w.keys.ResumeByStaff(bg, w.staff, id)

		expect(t, "its maker", byMaker, fault.Conflict)
		expect(t, "staff without the permission", bySupport, fault.Forbidden)
		if byStaff != nil || w.state(id) != key.Active {
			t.Fatal(byStaff, w.state(id))
		}
	})
}

// K9: what staff paused stays paused by staff, also when the key's own people end the pause for a leak; whichever came first.
func TestPauseByStaffOutlivesThatForALeak(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		for name, c := range map[string]struct {
			pauses []string
			lifted bool // by staff, before the leak is decided
			want   key.StateName
		}{
			"staff first":   {[]string{key.PausedBulk, key.PausedLeak}, false, key.Paused},
			"leak first":    {[]string{key.PausedLeak, key.PausedBulk}, false, key.Paused},
			"lifted before": {[]string{key.PausedBulk, key.PausedLeak}, true, key.Active},
			"a leak alone":  {[]string{key.PausedLeak}, false, key.Active},
		} {
			id := w.make(w.developer, name).Key.ID
			for _, cause := range c.pauses {
				w.withRow(id, func(tx *db.Tx, r key.Row) error { return w.keys.PauseTx(tx, w.staff, []key.Row{r}, cause, nil) })
			}
			if c.lifted {
				w.withRow(id, func(tx *db.Tx, r key.Row) error {
					_, err := w.keys.ApplyTx(tx, w.staff, key.Effect{Verb: key.Resuming}, []db.ID{id})
					return err
				})
			}
			if got := w.state(id); got != key.Paused {
				t.Error(name, "before the leak is decided:", got)
			}

			w.withRow(id, func(tx *db.Tx, r key.Row) error { return w.keys.ResumeTx(tx, w.developer, r, nil) })

			if got := w.state(id); got != c.want {
				t.Errorf("%s: %s, want %s", name, got, c.want)
			}
		}
	})
}

// withRow acts on a key in a transaction.
func (w *world) withRow(id db.ID, act func(*db.Tx, key.Row) error) {
	w.t.Helper()
	err := w.db.Tx(bg, func(tx *db.Tx) error {
		rows, err := key.RowsTx(tx, []db.ID{id})
		if err != nil {
			return err
		}
		return act(tx, rows[0])
	})
	if err != nil {
		w.t.Fatal(err)
	}
}
