package handover

import (
	"slices"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/org/invitation"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// BarTx has somebody who is no member come in by a new invitation alone, or by the directory: neither by their address, nor by an invitation from before, nor by what is shared with
// another organization of theirs. It is part of the transaction of a caller who holds org.LockMembers.
func (s *Store) BarTx(tx *db.Tx, a actor.Actor, organizationID, userID db.ID) error {
	if err := invitation.EndTx(tx, a, organizationID, userID); err != nil {
		return err
	}
	_, err := tx.Run("INSERT INTO domain_barred (organization_id, user_id, created_at) VALUES (?, ?, ?) ON CONFLICT (organization_id, user_id) DO NOTHING", organizationID, userID, tx.Now)
	return err
}

// shares are what an organization shares; one argument more is now.
const shares = " FROM app_shares h JOIN apps a ON a.id = h.app_id AND a.organization_id = h.lender_id AND a.deleted_at IS NULL WHERE h.lender_id = ? AND h.ended_at IS NULL AND h.ends_at > ? "

// bar is BarTx of who was removed, and of who left but may have shared apps with another organization of theirs before.
func (s *Store) bar(tx *db.Tx, a actor.Actor, organizationID, userID db.ID, role string, act audit.Act) error {
	if act != audit.MemberRemoved {
		var own int64
		err := tx.Raw("SELECT COUNT(*)"+shares+"AND h.receiver_id IN (SELECT m.organization_id FROM members m WHERE m.user_id = ?)", organizationID, tx.Now, userID).Scan(&own).Error
		if err != nil || own == 0 || !sharer(role) {
			return err
		}
	}
	return s.BarTx(tx, a, organizationID, userID)
}

func sharer(role string) bool {
	return slices.Contains(permission.OrgRoles(permission.AppsManage), role)
}

// tellShares mails those who manage an organization what it shares, when somebody is gone who could share it: with whom is for people to judge.
func (s *Store) tellShares(tx *db.Tx, a actor.Actor, organizationID db.ID, role string) error {
	if !sharer(role) {
		return nil
	}
	var apps []struct{ Name, Organization string }
	err := tx.Raw("SELECT DISTINCT a.name, (SELECT o.name FROM organizations o WHERE o.id = h.lender_id) AS organization"+shares+"ORDER BY 1 LIMIT 20", organizationID, tx.Now).Scan(&apps).Error
	if err != nil || len(apps) == 0 {
		return err
	}
	to, err := org.Managers(tx, organizationID)
	if err != nil {
		return err
	}
	if told, err := org.NoticesTx(tx, a, len(to)); err != nil || !told {
		return err
	}
	l := outbox.Letter{Kind: "shares_remain", Subject: outbox.L("Look through what your organization shares")}
	l.Lines = []outbox.Line{outbox.L("Somebody who could share apps is no longer a member of %s. It shares these apps with other organizations, and that goes on:", apps[0].Organization)}
	for _, app := range apps {
		l.Lines = append(l.Lines, outbox.L("“%s”", app.Name))
	}
	l.After = []outbox.Line{outbox.L("End what you did not mean to share.")}
	button := outbox.L("See the organization")
	l.Button, l.URL = &button, s.link("/console/organizations/"+organizationID.Show(org.Prefix))
	return s.write(tx, to, l)
}
