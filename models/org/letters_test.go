package org_test

import (
	"slices"
	"testing"
	"time"

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
		"an owner is there":                   {},
		"the owner is suspended":              {changes: []string{suspendOwner}, seen: true},
		"the suspension is over":              {changes: []string{"UPDATE users SET suspended_at = created_at, suspended_until = created_at WHERE id IN (SELECT user_id FROM members WHERE organization_id = ? AND role = 'owner')"}},
		"the technical address is a member’s": {changes: []string{suspendOwner, technical}},
		"but of one who is suspended":         {changes: []string{suspendOwner, technical, "UPDATE users SET suspended_at = created_at WHERE email = (SELECT technical_email FROM organizations WHERE id = ?)"}, seen: true},
		"nobody has the factor":               {changes: []string{"UPDATE organizations SET factor_from = created_at WHERE id = ?"}, seen: true},
		"it is suspended itself":              {changes: []string{suspendOwner, "UPDATE organizations SET suspended_at = created_at WHERE id = ?"}},
		"it is a person’s own":                {changes: []string{suspendOwner, "UPDATE organizations SET kind = 'personal' WHERE id = ?"}},
		"the owners are gone":                 {changes: []string{"DELETE FROM members WHERE organization_id = ?"}, seen: true},
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
