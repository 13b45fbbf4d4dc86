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
