package handover

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Departure is what a member who goes leaves behind.
type Departure struct {
	OrganizationID   db.ID
	OrganizationName string
	UserID           db.ID
	Name             string
	Role             string
	Self             bool // it is the actor
	Keys             []LeftKey
}

// LeftKey is a key that lives and for which the person answers.
type LeftKey struct {
	ID       db.ID
	Name     string
	Prefix   string
	LastFour string
	AppName  string
}

// Hint is what is shown of the key's text.
func (k LeftKey) Hint() string { return k.Prefix + "…" + k.LastFour }

// namedKeys is how many keys a page names before somebody goes.
const namedKeys = 100

// answersFor is true of keys k for which a person answers; one argument.
const answersFor = "COALESCE(k.responsible_id, k.created_by) = ? AND k.overlap_ends_at IS NULL"

// Departure looks ahead of Remove, and of Leave for the actor. It leaves out keys of apps that the actor doesn't reach. Faults: NotFound, Forbidden, Conflict for the last owner.
func (s *Store) Departure(ctx context.Context, a actor.Actor, organizationID, userID db.ID) (Departure, error) {
	d := Departure{OrganizationID: organizationID, UserID: userID, Self: a.SignedIn() && a.UserID == userID}
	err := s.db.View(ctx, func(tx *db.Tx) error {
		role, err := mayGo(tx, a, organizationID, userID)
		if err != nil {
			return err
		}
		d.Role = role
		var names []struct{ Organization, Person string }
		if err := tx.Raw("SELECT o.name AS organization, u.name AS person FROM organizations o JOIN users u ON u.id = ? WHERE o.id = ?", userID, organizationID).Scan(&names).Error; err != nil || len(names) == 0 {
			return err
		}
		d.OrganizationName, d.Name = names[0].Organization, names[0].Person
		d.Keys = nil
		if _, err := org.Require(tx.DB, a, organizationID, permission.OrgRead); d.Self && fault.Is(err, fault.NotFound) { // shut out: they go, and read nothing
			return nil
		} else if err != nil {
			return err
		}
		unseen, hidden := a.Hidden() // who goes may answer for keys of an app that is limited to others by now (Z2)
		return tx.Raw(`SELECT k.id, k.name, k.prefix, k.last_four, a.name AS app_name FROM keys k JOIN apps a ON a.id = k.app_id
			WHERE a.organization_id = ? AND a.deleted_at IS NULL AND `+answersFor+" AND "+living+" AND a.id NOT IN "+unseen+" ORDER BY LOWER(a.name), LOWER(k.name), k.id LIMIT ?",
			append(append([]any{organizationID, userID, tx.Now, tx.Now}, hidden...), namedKeys)...).Scan(&d.Keys).Error
	})
	return d, err
}

// mayGo gives the role of a member whom the actor may make go, themself or another. It locks the organization until the commit, so that of two owners
// who go at once one stays (Z5). Faults: NotFound for no organization of the actor's and no member of it, Forbidden, Conflict for the last owner.
func mayGo(tx *db.Tx, a actor.Actor, organizationID, userID db.ID) (string, error) {
	if err := org.LockMembers(tx, organizationID); err != nil {
		return "", err
	}
	self := a.SignedIn() && a.UserID == userID // who is shut out for want of a second factor can go, too
	if !self {
		if _, err := org.Require(tx.DB, a, organizationID, permission.OrgRead); err != nil {
			return "", err
		}
	}
	role, err := org.RoleOf(tx.DB, userID, organizationID)
	if err != nil {
		return "", err
	}
	if role == "" {
		return "", fault.Missing()
	}
	if !self {
		needs := permission.MembersManage
		if role == permission.Owner {
			needs = permission.OwnersManage
		}
		if _, err := org.Require(tx.DB, a, organizationID, needs); err != nil {
			return "", err
		}
	}
	if role != permission.Owner {
		return role, nil
	}
	return role, org.OwnerStays(tx, organizationID, userID)
}

// Remove takes a member out of an organization; they lose all of it on their next request (Z7). Their keys go on, marked, and the organization's admins
// are mailed which (K6). The person is told. Faults: as Departure.
func (s *Store) Remove(ctx context.Context, a actor.Actor, organizationID, userID db.ID) error {
	ctx = db.Urgent(ctx) // who is taken out is out although the disk is full (REL-8)
	return s.db.Tx(ctx, func(tx *db.Tx) error { return s.RemoveTx(tx, a, organizationID, userID) })
}

// RemoveTx is Remove as a part of a transaction.
func (s *Store) RemoveTx(tx *db.Tx, a actor.Actor, organizationID, userID db.ID) error {
	return s.depart(tx, a, organizationID, userID, audit.MemberRemoved)
}

// Leave is Remove of oneself. Faults: as Departure.
func (s *Store) Leave(ctx context.Context, a actor.Actor, organizationID db.ID) error {
	if !a.SignedIn() {
		return fault.Missing()
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		return s.depart(tx, a, organizationID, a.UserID, audit.MemberLeft)
	})
}

func (s *Store) depart(tx *db.Tx, a actor.Actor, organizationID, userID db.ID, act audit.Act) error {
	role, err := mayGo(tx, a, organizationID, userID)
	if err != nil {
		return err
	}
	return s.goes(tx, a, organizationID, userID, role, act)
}

// DepartTx is Remove as a part of the transaction of a caller who holds org.LockMembers and has found that they may: for the directory of the organization. Faults:
// NotFound for no member, Conflict for the last owner.
func (s *Store) DepartTx(tx *db.Tx, a actor.Actor, organizationID, userID db.ID) error {
	role, err := org.RoleOf(tx.DB, userID, organizationID)
	if err != nil {
		return err
	}
	if role == "" {
		return fault.Missing()
	}
	if role == permission.Owner {
		if err := org.OwnerStays(tx, organizationID, userID); err != nil {
			return err
		}
	}
	return s.goes(tx, a, organizationID, userID, role, audit.MemberRemoved)
}

func (s *Store) goes(tx *db.Tx, a actor.Actor, organizationID, userID db.ID, role string, act audit.Act) error {
	n, err := tx.Run("DELETE FROM members WHERE organization_id = ? AND user_id = ?", organizationID, userID)
	if err != nil {
		return err
	}
	if n == 0 { // the same was done meanwhile
		return fault.Missing()
	}
	if _, err := tx.Run(`UPDATE organizations SET technical_email = '', updated_at = ? WHERE id = ? AND technical_email <> '' AND technical_email = (SELECT email FROM users WHERE id = ?)`, tx.Now, organizationID, userID); err != nil {
		return err
	}
	if err := forget(tx, userID, organizationID); err != nil {
		return err
	}
	if role == permission.Owner {
		if err := account.EndUnspared(tx, userID); err != nil {
			return err
		}
	}
	audit.Record(tx, a, audit.Event{Act: act, TargetKind: "user", TargetID: userID, OrganizationID: organizationID, Details: map[string]string{"role": role}})
	if err := s.bar(tx, a, organizationID, userID, act); err != nil {
		return err
	}
	if act == audit.MemberRemoved {
		told, err := org.LetterTx(tx, a, userID)
		if err == nil && told {
			err = s.tellRemoved(tx, organizationID, userID)
		}
		if err != nil {
			return err
		}
	}
	if err := s.left(tx, a, userID, organizationID); err != nil {
		return err
	}
	return s.tellShares(tx, a, organizationID, role)
}

// Gone ends what a person held by an address alone, forgets what they were told and what was due of their personal organization's keys, and tells the admins of
// each organization in which they had keys, or could share apps: for when an account is deleted. It runs in the transaction that does so, after the memberships are gone.
func (s *Store) Gone(tx *db.Tx, who account.Gone) error {
	userID := who.UserID
	for _, query := range []string{
		"DELETE FROM key_calendars WHERE user_id = ?",
		"DELETE FROM key_notices_told WHERE user_id = ?",
		"DELETE FROM key_policy_dues WHERE key_id IN (SELECT k.id FROM keys k JOIN apps a ON a.id = k.app_id JOIN organizations o ON o.id = a.organization_id WHERE o.personal_user_id = ?)",
	} {
		if _, err := tx.Run(query, userID); err != nil {
			return err
		}
	}
	if _, err := tx.Run("UPDATE key_handovers SET cancelled_at = ?, sealed = NULL WHERE made_by = ? AND "+unopened, tx.Now, userID); err != nil {
		return err
	}
	var orgs []db.ID
	err := tx.Raw("SELECT DISTINCT o.id FROM keys k JOIN apps a ON a.id = k.app_id JOIN organizations o ON o.id = a.organization_id WHERE a.deleted_at IS NULL AND o.deleted_at IS NULL AND "+
		answersFor+" AND "+living+" AND "+orphaned+" ORDER BY o.id", userID, tx.Now, tx.Now).Scan(&orgs).Error
	for _, o := range orgs {
		if err == nil {
			err = s.left(tx, actor.Actor{}, userID, o)
		}
	}
	for _, m := range who.Memberships {
		if err == nil {
			err = s.tellShares(tx, actor.Actor{}, m.OrganizationID, m.Role)
		}
	}
	return err
}

// forget ends what somebody who has left holds of an organization by an address alone: the limited apps into which they were let, their calendar, and the links that they made and nobody opened.
// Invited again, they make new ones.
func forget(tx *db.Tx, userID, organizationID db.ID) error {
	if _, err := tx.Run("DELETE FROM app_members WHERE user_id = ? AND app_id IN (SELECT id FROM apps WHERE organization_id = ?)", userID, organizationID); err != nil {
		return err
	}
	if _, err := tx.Run("DELETE FROM key_calendars WHERE organization_id = ? AND user_id = ?", organizationID, userID); err != nil {
		return err
	}
	_, err := tx.Run("UPDATE key_handovers SET cancelled_at = ?, sealed = NULL WHERE made_by = ? AND "+unopened+
		" AND key_id IN (SELECT k.id FROM keys k JOIN apps a ON a.id = k.app_id WHERE a.organization_id = ?)", tx.Now, userID, organizationID)
	return err
}

// unopened is true of links that still hold a text.
const unopened = "opened_at IS NULL AND cancelled_at IS NULL AND sealed IS NOT NULL"

// left mails the organization's admins, in one digest, which keys nobody answers for now.
func (s *Store) left(tx *db.Tx, a actor.Actor, userID, organizationID db.ID) error {
	var ids []db.ID
	err := tx.Raw("SELECT k.id FROM keys k JOIN apps a ON a.id = k.app_id WHERE a.organization_id = ? AND a.deleted_at IS NULL AND "+answersFor+" AND "+living+" ORDER BY LOWER(a.name), LOWER(k.name), k.id",
		organizationID, userID, tx.Now, tx.Now).Scan(&ids).Error
	if err != nil || len(ids) == 0 {
		return err
	}
	rows, err := key.RowsTx(tx, ids)
	if err != nil {
		return err
	}
	to, err := org.Managers(tx, organizationID, key.AppsOf(rows)...)
	if err != nil {
		return err
	}
	if told, err := org.NoticesTx(tx, a, len(to)); err != nil || !told {
		return err
	}
	l := outbox.Letter{Kind: "keys_unowned", Subject: outbox.L("API keys need an owner")}
	l.Lines = append([]outbox.Line{outbox.L("Somebody who answered for keys is no longer a member of %s. These keys go on working:", rows[0].OrganizationName)}, key.KeyLines(rows)...)
	l.After = []outbox.Line{outbox.L("Say who is responsible for each, or rotate it if that person may have kept a copy.")}
	button := outbox.L("See the keys")
	l.Button, l.URL = &button, s.link("/console/keys?state="+string(key.Unowned)+"&org="+organizationID.Show(org.Prefix))
	return s.write(tx, to, l)
}

func (s *Store) tellRemoved(tx *db.Tx, organizationID, userID db.ID) error {
	var to []org.Recipient
	if err := tx.Raw("SELECT id, email, language, time_zone FROM users WHERE id = ? AND deleted_at IS NULL AND email_verified_at IS NOT NULL", userID).Scan(&to).Error; err != nil {
		return err
	}
	var names []string
	if err := tx.Raw("SELECT name FROM organizations WHERE id = ?", organizationID).Scan(&names).Error; err != nil || len(names) == 0 {
		return err
	}
	button := outbox.L("Open the console")
	return s.write(tx, to, outbox.Letter{
		Kind: "member_removed", Subject: outbox.L("You are no longer a member of an organization"),
		Lines:  []outbox.Line{outbox.L("You were removed from the organization %s. You no longer see its apps, keys and usage; the keys that you made there go on.", names[0])},
		Button: &button, URL: s.link("/console"),
	})
}
