package change_test

import (
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/usage/usagetest"
)

// paused pauses a key, as another process would: this one hears of it from the feed.
func paused(t *testing.T, d *db.DB, key db.ID) {
	t.Helper()
	err := d.Tx(bg, func(tx *db.Tx) error {
		change.Record(tx, change.Key, key)
		_, err := tx.Run("UPDATE keys SET paused_at = ? WHERE id = ?", tx.Now, key)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func rowsOf(t *testing.T, d *db.DB) (n int) {
	t.Helper()
	if err := d.Read(bg).Raw("SELECT COUNT(*) FROM changes").Row().Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func sweep(t *testing.T, d *db.DB) {
	t.Helper()
	if err := change.Sweep(bg, d); err != nil {
		t.Fatal(err)
	}
}

// D5, 4.4: a replica that read the feed within StaleMax finds what it has not read yet; one that was cut off for longer than rows stay believes nothing that it knew.
func TestNoReplicaMissesAChangeWhenTheFeedIsSwept(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := usagetest.New(t, d)
		first, firstText := w.AddKey(w.App, "First", w.Orders, w.OrdersRead)
		second, secondText := w.AddKey(w.App, "Second", w.Orders, w.OrdersRead)
		many := make([]db.ID, 2500)
		for i := range many {
			many[i] = db.NewID()
		}
		if err := d.Tx(bg, func(tx *db.Tx) error { change.RecordMany(tx, change.Session, many); return nil }); err != nil {
			t.Fatal(err)
		}
		cutOff := w.Ring()
		w.Facts(cutOff, firstText)
		paused(t, d, first)
		clock.Advance(change.Kept + time.Minute)
		near := w.Ring()
		w.Facts(near, secondText)
		at := near.Position()
		paused(t, d, second)
		clock.Advance(9 * time.Second)

		sweep(t, d)

		if n := rowsOf(t, d); n != 1 {
			t.Error(n, "rows are left")
		}
		if err := near.Poll(bg); err != nil || !w.Facts(near, secondText).Paused || near.Position() != at+1 {
			t.Error("a replica within StaleMax missed it", err, near.Position(), at)
		}
		if err := cutOff.Poll(bg); err != nil || !w.Facts(cutOff, firstText).Paused {
			t.Error("a replica that was cut off believes what it knew", err)
		}
	})
}

// 4.14: a feed that went back is a restored backup, and then everything is read anew; a sweep must not look like that.
func TestSweptFeedEndsWhereItEnded(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := usagetest.New(t, d)
		id, _ := w.AddKey(w.App, "Worker", w.Orders, w.OrdersRead)
		paused(t, d, id)
		paused(t, d, id)
		before, err := change.Last(bg, d)
		clock.Advance(change.Kept + time.Minute)

		sweep(t, d)
		sweep(t, d)

		if after, err2 := change.Last(bg, d); err != nil || err2 != nil || before == 0 || after != before || rowsOf(t, d) != 1 {
			t.Error(before, after, rowsOf(t, d), err, err2)
		}
	})
}
