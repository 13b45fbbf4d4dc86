package activity_test

import (
	"context"
	"maps"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/catalog/catalogtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/org/activity"
)

type world struct {
	*catalogtest.World
	t     *testing.T
	store *activity.Store
}

func each(t *testing.T, body func(w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		body(&world{catalogtest.New(t, d), t, activity.NewStore(d)})
	})
}

func (w *world) record(a actor.Actor, e audit.Event) {
	w.t.Helper()
	w.Tx(func(tx *db.Tx) error { audit.Record(tx, a, e); return nil })
}

func (w *world) list(a actor.Actor, f activity.Filter) []activity.Event {
	w.t.Helper()
	page, err := w.store.List(w.t.Context(), a, w.North, f, db.PageRequest{})
	if err != nil {
		w.t.Fatal(err)
	}
	return page.Rows
}

// Z1, Z5: a viewer and a developer read nothing of it, and to others the organization is not there.
func TestOnlyAdminsReadTheActivityOfTheirOrganization(t *testing.T) {
	each(t, func(w *world) {
		for role, want := range map[string]fault.Kind{"viewer": fault.Forbidden, "developer": fault.Forbidden, "": fault.NotFound, "admin": 0} {
			who := w.Person("Person "+role+"x", "")
			if role != "" {
				w.Join(w.North, who, role)
			}
			_, err := w.store.List(w.t.Context(), who, w.North, activity.Filter{}, db.PageRequest{})
			each := w.store.Each(w.t.Context(), who, w.North, activity.Filter{}, func(activity.Event) error { return nil })
			if role == "admin" && (err != nil || each != nil) || role != "admin" && (!fault.Is(err, want) || !fault.Is(each, want)) {
				w.t.Errorf("%q: %v, %v", role, err, each)
			}
		}
		if _, err := w.store.List(w.t.Context(), w.Staff, w.North, activity.Filter{}, db.PageRequest{}); !fault.Is(err, fault.NotFound) {
			w.t.Error("staff read it at the audit log, not here", err)
		}
	})
}

// Z2, Z4: neither acts elsewhere, nor what staff note among themselves, nor who of staff it was.
func TestAnOrganizationSeesNothingOfOthers(t *testing.T) {
	each(t, func(w *world) {
		key := w.Key(w.Shop, "Web", w.API, w.Read)
		staff := w.Staff
		staff.Address = netip.MustParseAddr("203.0.113.9")
		w.record(staff, audit.Event{Act: audit.KeyRevoked, TargetKind: "key", TargetID: key, OrganizationID: w.North, Details: map[string]string{"reason": "Seen on a forum", "report": "rep_1", "note": "ask Sam"}})
		w.record(w.Other, audit.Event{Act: audit.KeyPasted, TargetKind: "key", TargetID: key, OrganizationID: w.North, Result: audit.Refused})
		w.record(w.Support, audit.Event{Act: audit.NoteWritten, TargetKind: "question", TargetID: db.NewID(), OrganizationID: w.North})
		w.record(w.Other, audit.Event{Act: audit.KeyRevoked, TargetKind: "key", TargetID: key, OrganizationID: w.Contoso})

		rows := w.list(w.Owner, activity.Filter{})

		if len(rows) < 2 || rows[0].Act != "key.pasted" || !rows[0].Refused || rows[0].By != activity.Stranger || rows[1].By != activity.Staff || rows[1].Facts["reason"] != "Seen on a forum" {
			w.t.Fatalf("%+v", rows)
		}
		for _, r := range rows {
			if r.By != activity.Member && (r.Name != "" || r.Network != "" || !r.ActorID.IsZero()) || strings.HasPrefix(r.Act, "note") || r.Facts["note"] != "" || r.Facts["report"] != "" {
				w.t.Errorf("%+v", r)
			}
		}
	})
}

// U1, Z4: who was made what is told; of an app that was moved in, where it comes from is not.
func TestAChangeTellsWhatWasBeforeAndOfNoOtherOrganization(t *testing.T) {
	each(t, func(w *world) {
		change := map[string]string{"from": "developer", "to": "owner"}
		w.record(w.Owner, audit.Event{Act: audit.MemberRoleChanged, TargetKind: "user", TargetID: w.Owner.UserID, OrganizationID: w.North, Details: change})
		w.record(w.Owner, audit.Event{Act: audit.AppMoved, TargetKind: "app", TargetID: w.Shop, OrganizationID: w.North, Details: map[string]string{"from": w.Contoso.Show(org.Prefix), "to": w.North.Show(org.Prefix)}})

		rows := w.list(w.Owner, activity.Filter{})

		if moved, changed := rows[0].Facts, rows[1].Facts; len(moved) != 0 || !maps.Equal(changed, change) {
			w.t.Error(moved, changed)
		}
	})
}

// U2: members, those who were, and programs are each shown as such, with the network and not the address.
func TestWhoDidItIsShownAsWhatTheyAre(t *testing.T) {
	each(t, func(w *world) {
		dev := w.Person("Dana Dev", "")
		w.Join(w.North, dev, "developer")
		dev.Address = netip.MustParseAddr("198.51.100.77")
		key := w.Key(w.Shop, "Web", w.API, w.Read)
		w.record(dev, audit.Event{Act: audit.KeyCreated, TargetKind: "key", TargetID: key, OrganizationID: w.North, Details: map[string]string{"name": "Web before it was renamed", "hint": "gk_live…abcd"}})
		w.record(actor.Actor{Kind: actor.Key, KeyID: key, OrganizationID: w.North}, audit.Event{Act: audit.KeyPaused, TargetKind: "key", TargetID: key, OrganizationID: w.North})
		before := w.list(w.Owner, activity.Filter{})

		w.Tx(func(tx *db.Tx) error {
			_, err := tx.Run("DELETE FROM members WHERE user_id = ?", dev.UserID)
			audit.Record(tx, w.Owner, audit.Event{Act: audit.MemberRemoved, TargetKind: "user", TargetID: dev.UserID, OrganizationID: w.North})
			return err
		})
		after := w.list(w.Owner, activity.Filter{})

		if p, m := before[0], before[1]; p.By != activity.Program || p.Name != "Web" || m.By != activity.Member || m.Name != "Dana Dev" || m.Network != "198.51.100.0/24" || m.TargetName != "Web before it was renamed" || !m.Own {
			w.t.Errorf("%+v\n%+v", p, m)
		}
		if r, m := after[0], after[2]; r.TargetName != "Dana Dev" || r.Own || m.By != activity.Former || m.Name != "Dana Dev" || m.Network != "" {
			w.t.Errorf("%+v\n%+v", r, m)
		}
	})
}

// Z4, Z7: what somebody did by a share is told with their organization, never with their name, also when they are of the staff; without a share they are a stranger.
func TestWhoActsByAShareIsShownByTheirOrganization(t *testing.T) {
	each(t, func(w *world) {
		key := w.Key(w.Shop, "Web", w.API, w.Read)
		by := map[string]string{"share": "shr_1", "with": w.Contoso.Show("org")}
		for _, a := range []actor.Actor{w.Other, w.Staff} {
			w.record(a, audit.Event{Act: audit.KeyRotated, TargetKind: "key", TargetID: key, OrganizationID: w.North, Details: by})
		}
		w.record(w.Other, audit.Event{Act: audit.ShareAccepted, TargetKind: "share", TargetID: db.NewID(), OrganizationID: w.North, Details: map[string]string{"with": w.Contoso.Show("org")}})
		w.record(w.Owner, audit.Event{Act: audit.KeyRotated, TargetKind: "key", TargetID: key, OrganizationID: w.North, Details: by})

		rows := w.list(w.Owner, activity.Filter{})

		for i, want := range []activity.By{activity.Member, activity.Stranger, activity.Sharer, activity.Sharer} {
			if rows[i].By != want || want == activity.Sharer && (rows[i].Name != "Contoso" || !rows[i].ActorID.IsZero() || rows[i].Network != "") {
				w.t.Errorf("%+v, want %s", rows[i], want)
			}
		}
	})
}

// Z3: who of the staff or of strangers it was is not found out by asking for one of them either; one's own people and keys are found.
func TestAskingForAStrangerTellsNothing(t *testing.T) {
	each(t, func(w *world) {
		key := w.Key(w.Shop, "Web", w.API, w.Read)
		for _, a := range []actor.Actor{w.Other, w.Staff, w.Owner, {Kind: actor.Key, KeyID: key, OrganizationID: w.North}} {
			w.record(a, audit.Event{Act: audit.KeyPaused, TargetKind: "key", TargetID: key, OrganizationID: w.North})
		}
		count := func(id db.ID) (listed, exported int) {
			listed = len(w.list(w.Owner, activity.Filter{Actor: id, Noun: "key."}))
			if err := w.store.Each(w.t.Context(), w.Owner, w.North, activity.Filter{Actor: id, Noun: "key."}, func(activity.Event) error { exported++; return nil }); err != nil {
				w.t.Error(err)
			}
			return listed, exported
		}

		for id, want := range map[db.ID]int{w.Other.UserID: 0, w.Staff.UserID: 0, w.Owner.UserID: 1, key: 1} {
			if listed, exported := count(id); listed != want || exported != want {
				w.t.Errorf("%s: %d and %d, want %d", id, listed, exported, want)
			}
		}
	})
}

func TestActivityIsNarrowedAndPaged(t *testing.T) {
	each(t, func(w *world) {
		key := w.Key(w.Shop, "Web", w.API, w.Read)
		for range 5 {
			w.record(w.Owner, audit.Event{Act: audit.KeyPaused, TargetKind: "key", TargetID: key, OrganizationID: w.North})
		}
		now := w.DB.Now()

		keys, apps := w.list(w.Owner, activity.Filter{Noun: "key."}), w.list(w.Owner, activity.Filter{Noun: "app."})
		foreign, later := w.list(w.Owner, activity.Filter{Actor: w.Other.UserID}), w.list(w.Owner, activity.Filter{From: now.Add(time.Hour)})
		one, err := w.store.List(w.t.Context(), w.Owner, w.North, activity.Filter{Target: key}, db.PageRequest{Size: 3})
		two, err2 := w.store.List(w.t.Context(), w.Owner, w.North, activity.Filter{Target: key}, db.PageRequest{Size: 3, After: one.Next})
		var all int
		err3 := w.store.Each(context.Background(), w.Owner, w.North, activity.Filter{Noun: "key."}, func(activity.Event) error { all++; return nil })

		if len(keys) != 5 || len(apps) != 1 || len(foreign) != 0 || len(later) != 0 || err != nil || err2 != nil || len(one.Rows) != 3 || len(two.Rows) != 2 || err3 != nil || all != 5 {
			w.t.Error(len(keys), len(apps), len(foreign), len(later), err, err2, len(one.Rows), len(two.Rows), err3, all)
		}
	})
}

// Z7: a program reads nothing of what is done in apps that are limited to others, as it reaches nothing else of them; admins do.
func TestAProgramReadsNothingOfLimitedApps(t *testing.T) {
	each(t, func(w *world) {
		owner := w.Person("Ola Owner", "")
		w.Join(w.North, owner, "owner")
		secret, open, lent, key := db.NewID(), db.NewID(), db.NewID(), db.NewID()
		w.Tx(func(tx *db.Tx) error {
			for id, limited := range map[db.ID]bool{secret: true, open: false} {
				if _, err := tx.Run("INSERT INTO apps (id, organization_id, name, limited, created_at, updated_at) VALUES (?, ?, 'App', ?, ?, ?)", id, w.North, limited, tx.Now, tx.Now); err != nil {
					return err
				}
			}
			_, err := tx.Run("INSERT INTO access (id, app_id, api_id, plan_id, state, purpose, created_at, updated_at) SELECT ?, ?, p.api_id, p.id, 'approved', 'test', ?, ? FROM plans p LIMIT 1", lent, secret, tx.Now, tx.Now)
			return err
		})
		w.record(owner, audit.Event{Act: audit.AccessApproved, TargetKind: "access", TargetID: lent, OrganizationID: w.North, Details: map[string]string{"name": "Secret merger"}})
		w.record(owner, audit.Event{Act: audit.AppCreated, TargetKind: "app", TargetID: secret, OrganizationID: w.North, Details: map[string]string{"name": "Secret merger"}})
		w.record(owner, audit.Event{Act: audit.AppCreated, TargetKind: "app", TargetID: open, OrganizationID: w.North, Details: map[string]string{"name": "Open app"}})
		program := actor.Actor{Kind: actor.Key, KeyID: key, OrganizationID: w.North}

		page, err := w.store.List(w.t.Context(), program, w.North, activity.Filter{}, db.PageRequest{})
		var all []string
		err2 := w.store.Each(w.t.Context(), program, w.North, activity.Filter{}, func(e activity.Event) error {
			all = append(all, e.TargetName)
			return nil
		})

		if err != nil || err2 != nil || len(page.Rows) != 3 || page.Rows[0].TargetName != "Open app" || strings.Join(all, ",") != "Northwind,Shop,Open app" {
			w.t.Error(err, err2, len(page.Rows), all)
		}
		if n := len(w.list(owner, activity.Filter{})); n != 5 {
			w.t.Error(n)
		}
	})
}
