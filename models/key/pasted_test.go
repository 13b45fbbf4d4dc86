package key_test

import (
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// K1, Z2
func TestAPastedKeyIsTracedForWhoMayManageItAndTheirOwnersAreTold(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		made := w.make(w.developer, "web")
		mails := func() (n int64) {
			if err := d.Read(bg).Raw("SELECT COUNT(*) FROM mails WHERE kind = 'key_pasted'").Scan(&n).Error; err != nil {
				t.Fatal(err)
			}
			return n
		}

		row, own, err := w.keys.Pasted(bg, w.developer, made.Secret)
		afterOwn := mails()
		_, viewer, err2 := w.keys.Pasted(bg, w.viewer, made.Secret)
		afterViewer := mails()
		_, stranger, err3 := w.keys.Pasted(bg, w.stranger, made.Secret)
		_, nobody, err4 := w.keys.Pasted(bg, actor.Actor{}, made.Secret)
		again := mails()

		if err != nil || err2 != nil || err3 != nil || err4 != nil || !own || row.ID != made.Key.ID || viewer || stranger || nobody {
			t.Fatal(err, err2, err3, err4, own, viewer, stranger, nobody)
		}
		if afterOwn != 0 {
			t.Error("told of a key that its owner pasted")
		}
		if afterViewer == 0 || again != afterViewer {
			t.Error("told once a day:", afterViewer, again)
		}
		clock.Advance(25 * time.Hour)
		if _, _, err := w.keys.Pasted(bg, w.stranger, made.Secret); err != nil || mails() != 2*afterViewer {
			t.Fatal(err, mails())
		}
		n := 0
		err = audit.Each(bg, d, audit.Filter{Act: string(audit.KeyPasted)}, func(e audit.Entry) error {
			n++
			if db.Deref(e.TargetID) != made.Key.ID || e.Facts["hint"] != made.Secret.Hint() {
				t.Errorf("%+v", e)
			}
			return nil
		})
		if err != nil || n != 5 {
			t.Fatal(err, n)
		}
	})
}
