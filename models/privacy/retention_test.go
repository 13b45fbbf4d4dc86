package privacy_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/privacy"
)

// B2-5, U8: addresses and networks go when their time is over, by the time that staff set, and the chain of the audit log holds.
func TestAddressesAndNetworksGoByPolicy(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		admin := actor.Actor{Kind: actor.User, UserID: db.NewID(), StaffRole: permission.StaffAdmin}
		count := func(query string) (n int64) {
			t.Helper()
			if err := d.Read(t.Context()).Raw(query).Row().Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		left := func() [2]int64 {
			t.Helper()
			if err := privacy.Sweep(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			return [2]int64{count("SELECT COUNT(*) FROM audit_personal WHERE field = 'address'"), count("SELECT COUNT(*) FROM devices WHERE network <> ''")}
		}
		visit := func() {
			t.Helper()
			err := d.Tx(t.Context(), func(tx *db.Tx) error {
				user := db.NewID()
				audit.Record(tx, actor.Actor{Kind: actor.User, UserID: user, Name: "Ada", Address: netip.MustParseAddr("203.0.113.7")}, audit.Event{Act: audit.UserSignedIn, TargetKind: "user", TargetID: user})
				if _, err := tx.Run("INSERT INTO users (id, email, name, display_name, language, time_zone, created_at, updated_at) VALUES (?, ?, 'Ada', 'Ada', 'en', 'UTC', ?, ?)", user, user.String()+"@example.com", tx.Now, tx.Now); err != nil {
					return err
				}
				_, err := tx.Run("INSERT INTO devices (id, user_id, digest, network, last_seen_at, created_at) VALUES (?, ?, ?, '203.0.113.0/24', ?, ?)", db.NewID(), user, []byte(user.String()), tx.Now, tx.Now)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		visit()
		clock.Advance(89 * 24 * time.Hour)
		visit()

		going, counted := privacy.Policies{DB: d}.Going(t.Context(), privacy.Retention{Addresses: 30, Networks: 7})
		fresh := left()
		clock.Advance(2 * 24 * time.Hour)
		networksGone := left()
		clock.Advance(90 * 24 * time.Hour)
		addressGone := left()
		bad := privacy.Policies{DB: d}.SetRetention(t.Context(), admin, privacy.Retention{Addresses: 8, Networks: 30})
		nobody := privacy.Policies{DB: d}.SetRetention(t.Context(), actor.Actor{Kind: actor.User, UserID: db.NewID()}, privacy.Retention{Addresses: 7, Networks: 7})
		if err := (privacy.Policies{DB: d}.SetRetention(t.Context(), admin, privacy.Retention{Addresses: 7, Networks: 7})); err != nil {
			t.Fatal(err)
		}
		none := left()

		if want := [][2]int64{{2, 2}, {2, 1}, {1, 0}, {0, 0}}; !slices.Equal(want, [][2]int64{fresh, networksGone, addressGone, none}) {
			t.Error(fresh, networksGone, addressGone, none)
		}
		if counted != nil || going != (privacy.Going{Addresses: 1, Networks: 1}) {
			t.Error(going, counted)
		}
		if !fault.Is(bad, fault.Invalid) || !fault.Is(nobody, fault.Forbidden) {
			t.Error(bad, nobody)
		}
		if n := count("SELECT COUNT(*) FROM audit_personal WHERE field = 'actor'"); n != 2 {
			t.Error("names went, too", n)
		}
		if v, err := audit.Verify(t.Context(), d); err != nil || !v.Sound {
			t.Error(v, err)
		}
	})
}

// Whatever the table of tables names is told on the page of records, and nothing else is.
func TestEveryRecordIsToldAndHasTables(t *testing.T) {
	named, told := map[string]bool{}, map[string]bool{}
	for _, table := range privacy.Tables() {
		if table.Record != "" {
			named[table.Record] = true
		}
	}
	for _, r := range privacy.Records(privacy.Retention{Addresses: 30, Networks: 7}) {
		told[r.ID] = true
		if !named[r.ID] {
			t.Errorf("%s has no table", r.ID)
		}
		if strings.Contains(r.Keep, "%d") != (r.Days > 0) {
			t.Errorf("%s: %q does not fit %d", r.ID, r.Keep, r.Days)
		}
	}
	for id := range named {
		if !told[id] {
			t.Errorf("%s is not told", id)
		}
	}
}
