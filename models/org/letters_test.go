package org_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog/catalogtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/staff"
)

// A12, Z7: letters name apps and keys of the organization. Who is suspended, or kept out for want of a second factor, would not read that on a page either.
func TestOnlyManagersWhoCanReadItsPagesAreWrittenTo(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, clock *dbtest.Clock) {
		day := clock.Now().Add(24 * time.Hour)
		suspended := func(a actor.Actor, until *time.Time) {
			w.Tx(func(tx *db.Tx) error {
				_, err := tx.Run("UPDATE users SET suspended_at = ?, suspended_until = ? WHERE id = ?", tx.Now, until, a.UserID)
				return err
			})
		}
		for _, name := range []string{"Ann Admin", "Zoe Suspended", "Tom Tomorrow", "Tess Technical"} {
			who, role := w.Person(name, ""), permission.Admin
			if name == "Tess Technical" {
				role = permission.Viewer
			}
			w.Join(w.North, who, role)
			switch name {
			case "Zoe Suspended":
				suspended(who, nil)
			case "Tom Tomorrow", "Tess Technical":
				suspended(who, &day)
			}
		}
		withFactor(t, w, w.Owner)
		written := func() (emails []string) {
			w.Tx(func(tx *db.Tx) error {
				if _, err := tx.Run("UPDATE organizations SET technical_email = 'tess.technical@example.com' WHERE id = ?", w.North); err != nil {
					return err
				}
				to, err := org.Managers(tx, w.North)
				for _, r := range to {
					emails = append(emails, r.Email)
				}
				return err
			})
			slices.Sort(emails)
			return emails
		}
		const ann, tom, tess, owner = "ann.admin@example.com", "tom.tomorrow@example.com", "tess.technical@example.com", "nora.north@example.com"

		while := written()
		clock.Advance(24 * time.Hour)
		after := written()
		if err := w.Org.RequireFactor(t.Context(), at(w.Owner, clock), w.North, 7, "Our auditor asks for it."); err != nil {
			t.Fatal(err)
		}
		before := written()
		clock.Advance(7 * 24 * time.Hour)

		if shut := written(); !slices.Equal(shut, []string{owner}) {
			t.Error("without a second factor", shut)
		}
		if !slices.Equal(while, []string{ann, owner}) || !slices.Equal(after, []string{ann, owner, tess, tom}) || !slices.Equal(before, after) {
			t.Error(while, after, before)
		}
	})
}

// A12, Z7: where nobody is left who can be told, the technical address stands in, and staff sees it when that is nobody's either.
func TestStaffSeesWhichOrganizationsNobodyCanBeReachedOf(t *testing.T) {
	for what, c := range map[string]struct {
		changes []string // of o, the organization
		seen    bool
	}{
		"an owner is there":                         {},
		"the owner is suspended":                    {changes: []string{suspendOwner}, seen: true},
		"the suspension is over":                    {changes: []string{"UPDATE users SET suspended_at = created_at, suspended_until = created_at WHERE id IN (SELECT user_id FROM members WHERE organization_id = ? AND role = 'owner')"}},
		"the technical address is a member’s":       {changes: []string{suspendOwner, technical}},
		"but of one who is suspended":               {changes: []string{suspendOwner, technical, "UPDATE users SET suspended_at = created_at WHERE email = (SELECT technical_email FROM organizations WHERE id = ?)"}, seen: true},
		"nobody has the factor, so the owner hears": {changes: []string{"UPDATE organizations SET factor_from = created_at WHERE id = ?"}},
		"nobody has it, and the owner is suspended": {changes: []string{"UPDATE organizations SET factor_from = created_at WHERE id = ?", technical, suspendOwner}, seen: true},
		"it is suspended itself":                    {changes: []string{suspendOwner, "UPDATE organizations SET suspended_at = created_at WHERE id = ?"}},
		"it is a person’s own":                      {changes: []string{suspendOwner, "UPDATE organizations SET kind = 'personal' WHERE id = ?"}},
		"the owners are gone":                       {changes: []string{"DELETE FROM members WHERE organization_id = ?"}, seen: true},
	} {
		t.Run(what, func(t *testing.T) {
			each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
				w.Join(w.North, w.Person("Tess Technical", ""), permission.Viewer)
				w.Tx(func(tx *db.Tx) error {
					for _, change := range c.changes {
						if _, err := tx.Run(change, w.North); err != nil {
							return err
						}
					}
					return nil
				})

				one, _, err := w.Org.Any(t.Context(), w.Support, w.North)
				list, listErr := w.Org.All(t.Context(), w.Support, org.StaffFilter{State: org.Unreachable}, db.PageRequest{})
				all, allErr := w.Org.All(t.Context(), w.Support, org.StaffFilter{}, db.PageRequest{})
				overview, overErr := staff.NewStore(w.DB, nil, nil).Overview(t.Context(), w.Support)

				if err != nil || listErr != nil || allErr != nil || overErr != nil {
					t.Fatal(err, listErr, allErr, overErr)
				}
				if one.Unreached != c.seen || (len(list.Rows) == 1) != c.seen || (overview.Unreached == 1) != c.seen || len(all.Rows) != 3 {
					t.Error(one.Unreached, list.Rows, overview.Unreached, len(all.Rows))
				}
			})
		})
	}
}

const (
	suspendOwner = "UPDATE users SET suspended_at = created_at WHERE id IN (SELECT user_id FROM members WHERE organization_id = ? AND role = 'owner')"
	technical    = "UPDATE organizations SET technical_email = 'tess.technical@example.com' WHERE id = ?"
)

// vouched is that a provider of somebody showed a second factor, or none, when they signed in by it last.
func vouched(w *catalogtest.World, a actor.Actor, shown bool) {
	w.Tx(func(tx *db.Tx) error {
		at := &tx.Now
		if !shown {
			at = nil
		}
		_, err := tx.Run("INSERT INTO identities (id, user_id, issuer, subject, last_used_at, factor_at, created_at) VALUES (?, ?, 'https://login.northwind.example', ?, ?, ?, ?)",
			db.NewID(), a.UserID, a.Name, tx.Now, at, tx.Now)
		return err
	})
}

func managers(t *testing.T, w *catalogtest.World, apps ...db.ID) (names []string) {
	t.Helper()
	w.Tx(func(tx *db.Tx) error {
		to, err := org.Managers(tx, w.North, apps...)
		names = nil
		for _, r := range to {
			name, _, _ := strings.Cut(r.Email, "@")
			names = append(names, name)
		}
		return err
	})
	slices.Sort(names)
	return names
}

// A12, 0017: whoever shows the second factor at their provider is no less let in than who has one here, and hears of the organization all the same. It is not asked for a
// session: they may be on holiday.
func TestWhoShowsTheFactorAtTheirProviderIsToldOfTheOrganization(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, clock *dbtest.Clock) {
		ann, bob, cas := w.Person("Ann Admin", ""), w.Person("Bob Bare", ""), w.Person("Cas Careless", "")
		for _, a := range []actor.Actor{ann, bob, cas} {
			w.Join(w.North, a, permission.Admin)
		}
		withFactor(t, w, w.Owner)
		vouched(w, ann, true)
		vouched(w, cas, false) // their provider asks for none
		if err := w.Org.RequireFactor(t.Context(), at(w.Owner, clock), w.North, 7, ""); err != nil {
			t.Fatal(err)
		}
		written := []string{}
		for _, name := range []string{"ann.admin", "bob.bare", "cas.careless", "nora.north"} {
			if slices.Contains(w.Mails(name+"@example.com"), "factor_required") {
				written = append(written, name)
			}
		}
		members, err := w.Org.Members(t.Context(), at(w.Owner, clock), w.North)
		if err != nil {
			t.Fatal(err)
		}
		clock.Advance(8 * 24 * time.Hour)

		told := managers(t, w)
		byPassword, byProvider := at(ann, clock), at(ann, clock)
		byProvider.Factor = true
		_, shut := w.Org.Get(t.Context(), byPassword, w.North)
		_, open := w.Org.Get(t.Context(), byProvider, w.North)

		if !slices.Equal(told, []string{"ann.admin", "nora.north"}) {
			t.Error("told", told)
		}
		if !slices.Equal(written, []string{"bob.bare", "cas.careless"}) {
			t.Error("said to have none", written)
		}
		for _, m := range members {
			if m.HasFactor != (m.UserID == ann.UserID || m.UserID == w.Owner.UserID) {
				t.Error(m.Name, m.HasFactor)
			}
		}
		wantKind(t, "a session that showed none", shut, fault.NotFound)
		if open != nil {
			t.Error("a session that showed one", open)
		}
	})
}

// A12: when the rule lets in nobody who manages the organization, its owners hear of it: they can add a second factor. Nobody else does, and an owner who can't sign in doesn't either.
func TestOwnersAreToldWhenTheRuleLetsInNobodyWhoManages(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, clock *dbtest.Clock) {
		ann, sue := w.Person("Ann Admin", ""), w.Person("Sue Suspended", "")
		w.Join(w.North, ann, permission.Admin)
		w.Join(w.North, sue, permission.Owner)
		w.Tx(func(tx *db.Tx) error {
			_, err := tx.Run("UPDATE organizations SET factor_from = ? WHERE id = ?", tx.Now, w.North)
			if err == nil {
				_, err = tx.Run("UPDATE users SET suspended_at = ? WHERE id = ?", tx.Now, sue.UserID)
			}
			return err
		})
		left := managers(t, w)
		ofApp := managers(t, w, w.Shop)
		o, _, err := w.Org.Any(t.Context(), w.Support, w.North)
		if err != nil || o.Unreached {
			t.Error(err, "said to reach nobody", o.Unreached)
		}
		if err := w.Org.SuspendOrganization(t.Context(), w.Staff, w.North, org.Suspension{Reason: "A test of stops."}); err != nil {
			t.Fatal(err)
		}
		mails := w.Mails("nora.north@example.com")
		vouched(w, ann, true)

		if again := managers(t, w); !slices.Equal(again, []string{"ann.admin"}) {
			t.Error("an admin is let in", again)
		}
		if !slices.Equal(left, []string{"nora.north"}) || !slices.Equal(ofApp, left) || !slices.Contains(mails, "organization_suspended") {
			t.Error(left, ofApp, mails)
		}
	})
}

// Z2: a letter that names a limited app goes to nobody who does not find it on a page, be their address the technical one or they manage another organization that hears of it.
func TestALetterThatNamesALimitedAppGoesToNobodyToWhomItIsHidden(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, clock *dbtest.Clock) {
		tess := w.Person("Tess Technical", "")
		w.Join(w.North, tess, permission.Viewer)
		w.Tx(func(tx *db.Tx) error {
			if _, err := tx.Run("UPDATE apps SET limited = TRUE WHERE id = ?", w.Shop); err != nil {
				return err
			}
			_, err := tx.Run("UPDATE organizations SET technical_email = 'tess.technical@example.com' WHERE id IN (?, ?)", w.North, w.Contoso)
			return err
		})
		other := db.NewID()
		w.Tx(func(tx *db.Tx) error {
			_, err := tx.Run("INSERT INTO apps (id, organization_id, name, created_at, updated_at) VALUES (?, ?, 'Till', ?, ?)", other, w.North, tx.Now, tx.Now)
			return err
		})

		both := managers(t, w, other, w.Shop)
		if err := w.Org.SuspendApp(t.Context(), w.Staff, w.Shop, org.Suspension{Reason: "A test of stops."}); err != nil {
			t.Fatal(err)
		}
		hidden := w.Mails("tess.technical@example.com")
		w.Join(w.Contoso, tess, permission.Owner)
		var there []org.Recipient
		w.Tx(func(tx *db.Tx) (err error) {
			there, err = org.Managers(tx, w.Contoso, w.Shop)
			return err
		})

		if owner := []string{"nora.north"}; !slices.Equal(both, owner) || len(hidden) > 0 || !slices.Contains(w.Mails("nora.north@example.com"), "app_suspended") {
			t.Error(both, hidden)
		}
		if slices.ContainsFunc(there, func(r org.Recipient) bool { return r.ID == tess.UserID }) || len(there) == 0 {
			t.Error("as an owner of another organization", there)
		}
		if all := managers(t, w); !slices.Equal(all, []string{"nora.north", "tess.technical"}) {
			t.Error("of the organization", all)
		}
		if all := managers(t, w, other); !slices.Equal(all, []string{"nora.north", "tess.technical"}) {
			t.Error("of an app that is not limited", all)
		}
		w.Tx(func(tx *db.Tx) error {
			_, err := tx.Run("INSERT INTO app_members (app_id, user_id, created_at) VALUES (?, ?, ?)", w.Shop, tess.UserID, tx.Now)
			return err
		})
		if all := managers(t, w, w.Shop, other); !slices.Equal(all, []string{"nora.north", "tess.technical"}) {
			t.Error("let in", all)
		}
	})
}
