package key_test

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// What is read in parts is what is read one by one, of each key that works or may work again; the others are left out.
func TestPartsHoldLivingKeysAsTheyAreReadOneByOne(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		var made []key.Made
		for i := range 5 {
			made = append(made, w.make(w.developer, fmt.Sprint(i), readOrders, writeOrders))
		}
		w.run("UPDATE keys SET revoked_at = ? WHERE id = ?", clock.Now(), made[1].Key.ID)
		w.run("UPDATE keys SET expires_at = ? WHERE id = ?", clock.Now(), made[2].Key.ID)
		w.run("UPDATE keys SET paused_at = ?, rate_requests = 5, rate_period_seconds = 10 WHERE id = ?", clock.Now(), made[3].Key.ID)
		w.run("DELETE FROM key_grants WHERE key_id = ?", made[4].Key.ID)
		var got []keyring.Loaded
		var after keyring.ID
		for range 3 {
			part, err := w.keys.Loader().LoadPart(bg, after, 2)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, part...)
			if len(part) < 2 {
				break
			}
			after = part[1].Facts.ID
		}

		living := map[keyring.Digest]bool{w.digest(made[0]): true, w.digest(made[3]): true, w.digest(made[4]): true}
		for _, l := range got {
			one, err := w.keys.Loader().LoadKey(bg, l.Digest)
			if err != nil || !reflect.DeepEqual(one, l.Facts) {
				t.Errorf("in a part %+v, alone %+v: %v", l.Facts, one, err)
			}
			delete(living, l.Digest)
		}
		if len(got) != 3 || len(living) != 0 {
			t.Errorf("%d keys, %d missing", len(got), len(living))
		}
	})
}

// Several keys read together are what each is when it is read alone, whatever their state; those that are gone are left out.
func TestSeveralKeysAreReadTogetherAsTheyAreReadOneByOne(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		var ids []keyring.ID
		for i := range 5 {
			ids = append(ids, keyring.ID(w.make(w.developer, fmt.Sprint(i), readOrders, writeOrders).Key.ID))
		}
		w.run("UPDATE keys SET revoked_at = ? WHERE id = ?", clock.Now(), db.ID(ids[1]))
		w.run("UPDATE keys SET expires_at = ? WHERE id = ?", clock.Now(), db.ID(ids[2]))
		w.run("DELETE FROM key_grants WHERE key_id = ?", db.ID(ids[3]))

		got, err := w.keys.Loader().LoadSome(bg, append(ids, keyring.ID{1}))
		none, noErr := w.keys.Loader().LoadSome(bg, nil)

		if err != nil || len(got) != len(ids) || none != nil || noErr != nil {
			t.Fatalf("%d of %d keys: %v; of none %v %v", len(got), len(ids), err, none, noErr)
		}
		for _, l := range got {
			one, err := w.keys.Loader().LoadKey(bg, l.Digest)
			if err != nil || !reflect.DeepEqual(one, l.Facts) {
				t.Errorf("together %+v, alone %+v: %v", l.Facts, one, err)
			}
		}
	})
}
