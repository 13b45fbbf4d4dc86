package activity_test

import (
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org/activity"
)

// U1: domains, shares, directories and open invitations are told by their names, what is gone by its id.
func TestAnOrganizationReadsTheNamesOfItsThings(t *testing.T) {
	each(t, func(w *world) {
		domain, gone, invitation, group := db.NewID(), db.NewID(), db.NewID(), db.NewID()
		w.Tx(func(tx *db.Tx) error {
			for _, one := range []struct {
				sql  string
				args []any
			}{
				{"INSERT INTO domains (id, organization_id, name, token, created_at) VALUES (?, ?, 'north.example', 'x', ?)", []any{domain, w.North, tx.Now}},
				{"INSERT INTO invitations (id, organization_id, email, role, digest, invited_by, sent_at, expires_at, created_at) VALUES (?, ?, 'bob@example.com', 'viewer', ?, ?, ?, ?, ?)", []any{invitation, w.North, []byte("x"), w.Owner.UserID, tx.Now, tx.Now, tx.Now}},
				{"INSERT INTO scim_groups (id, organization_id, display_name, name_key, created_at, updated_at) VALUES (?, ?, 'Engineers', 'engineers', ?, ?)", []any{group, w.North, tx.Now, tx.Now}},
			} {
				if _, err := tx.Run(one.sql, one.args...); err != nil {
					return err
				}
			}
			return nil
		})
		for _, e := range []audit.Event{
			{Act: audit.DomainProven, TargetKind: "domain", TargetID: domain, Details: map[string]string{"domain": "north.example"}},
			{Act: audit.DomainRemoved, TargetKind: "domain", TargetID: gone, Details: map[string]string{"domain": "old.example"}},
			{Act: audit.InvitationResent, TargetKind: "invitation", TargetID: invitation, Personal: map[string]string{"email": "bob@example.com"}},
			{Act: audit.InvitationRevoked, TargetKind: "invitation", TargetID: gone, Personal: map[string]string{"email": "eve@example.com"}},
			{Act: audit.DirectoryGroupAdded, TargetKind: "directory_group", TargetID: group},
		} {
			e.OrganizationID = w.North
			w.record(w.Owner, e)
		}

		program := actor.Actor{Kind: actor.Key, KeyID: w.Key(w.Shop, "Web", w.API, w.Read), OrganizationID: w.North}
		byProgram := w.list(program, activity.Filter{Noun: "invitation."}) // U8: programs get no addresses

		rows := w.list(w.Owner, activity.Filter{})

		if len(byProgram) != 2 || byProgram[1].TargetName != "" {
			w.t.Errorf("%+v", byProgram)
		}
		for i, want := range []struct {
			name string
			own  bool
		}{{"Engineers", true}, {"", false}, {"bob@example.com", true}, {"old.example", false}, {"north.example", true}} {
			if got := rows[i]; got.TargetName != want.name || got.Own != want.own {
				w.t.Errorf("%s: %q %v, want %q %v", got.Act, got.TargetName, got.Own, want.name, want.own)
			}
		}
	})
}

// Z4: the other organization of a share is named once it was accepted; an offer alone tells nobody whether whom it names exists.
func TestTheOtherOrganizationOfAnOfferIsNotNamed(t *testing.T) {
	each(t, func(w *world) {
		share := db.NewID()
		w.Tx(func(tx *db.Tx) error {
			_, err := tx.Run("INSERT INTO app_shares (id, app_id, lender_id, receiver_id, usage_read, reason, ends_at, created_at) VALUES (?, ?, ?, ?, TRUE, 'x', ?, ?)", share, w.Shop, w.North, w.Contoso, tx.Now, tx.Now)
			return err
		})
		w.record(w.Owner, audit.Event{Act: audit.ShareOffered, TargetKind: "share", TargetID: share, OrganizationID: w.North, Details: map[string]string{"name": "Shop", "with": w.Contoso.Show("org")}})
		offered := w.list(w.Owner, activity.Filter{})[0]
		w.Tx(func(tx *db.Tx) error {
			_, err := tx.Run("UPDATE app_shares SET accepted_at = ? WHERE id = ?", tx.Now, share)
			return err
		})

		accepted := w.list(w.Owner, activity.Filter{})[0]

		if offered.With != "" || accepted.With != "Contoso" || !accepted.Own || accepted.TargetName != "Shop" {
			w.t.Errorf("%+v\n%+v", offered, accepted)
		}
	})
}

// Z4: what others did by a share is told with the app that is shared, also once that has ended; the app of somebody else's share is not named.
func TestWhatWasDoneByAShareNamesTheApp(t *testing.T) {
	each(t, func(w *world) {
		own, foreign := db.NewID(), db.NewID()
		share := func(id, lender, receiver db.ID) {
			w.Tx(func(tx *db.Tx) error {
				app := db.NewID()
				_, err := tx.Run("INSERT INTO apps (id, organization_id, name, created_at, updated_at) VALUES (?, ?, 'Till', ?, ?)", app, lender, tx.Now, tx.Now)
				if err == nil {
					_, err = tx.Run("INSERT INTO app_shares (id, app_id, lender_id, receiver_id, usage_read, reason, ends_at, ended_at, accepted_at, created_at) VALUES (?, ?, ?, ?, TRUE, 'x', ?, ?, ?, ?)",
						id, app, lender, receiver, tx.Now, tx.Now, tx.Now, tx.Now)
				}
				return err
			})
			w.record(w.Other, audit.Event{Act: audit.KeyRotated, TargetKind: "key", TargetID: db.NewID(), OrganizationID: w.North, Details: map[string]string{"share": id.Show("shr"), "with": receiver.Show("org")}})
		}
		share(foreign, w.Contoso, w.Company)
		share(own, w.North, w.Contoso)

		rows := w.list(w.Owner, activity.Filter{})

		if rows[0].Shared != "Till" || rows[0].With != "Contoso" || rows[1].Shared != "" {
			w.t.Errorf("%+v\n%+v", rows[0], rows[1])
		}
	})
}

// U1: an act on a person names them, not the app into which they were let; also once they are no member.
func TestAnActOnAPersonIsToldByTheirName(t *testing.T) {
	each(t, func(w *world) {
		dev := w.Person("Dana Dev", "")
		w.Join(w.North, dev, "developer")
		let := audit.Event{Act: audit.AppMemberAdded, TargetKind: "user", TargetID: dev.UserID, OrganizationID: w.North, Details: map[string]string{"app": w.Shop.Show("app"), "name": "Shop"}}
		w.record(w.Owner, let)
		member := w.list(w.Owner, activity.Filter{})[0]
		let.TargetID = w.Other.UserID // of whom the organization knows nothing
		w.record(w.Owner, let)
		unknown := w.list(w.Owner, activity.Filter{})[0]
		w.Tx(func(tx *db.Tx) error {
			_, err := tx.Run("DELETE FROM members WHERE user_id = ?", dev.UserID)
			audit.Record(tx, w.Owner, audit.Event{Act: audit.MemberRemoved, TargetKind: "user", TargetID: dev.UserID, OrganizationID: w.North})
			return err
		})

		former := w.list(w.Owner, activity.Filter{})[2]

		if member.TargetName != "Dana Dev" || former.TargetName != "Dana Dev" || former.Act != string(audit.AppMemberAdded) || unknown.TargetName != "" {
			w.t.Errorf("%+v\n%+v\n%+v", member, former, unknown)
		}
	})
}
