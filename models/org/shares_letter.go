package org

import (
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Letters of one organization about what it shares: who lowers and raises roles to and fro writes no mail without end (L7).
const (
	shareLetters = 20
	shareWindow  = 24 * time.Hour
)

// lent are the shares and offers of an organization that have not ended, with their apps; its arguments are the organization and now.
const lent = " FROM app_shares h JOIN apps a ON a.id = h.app_id AND a.organization_id = h.lender_id AND a.deleted_at IS NULL WHERE h.lender_id = ? AND h.ended_at IS NULL AND h.ends_at > ? "

// Shares reports whether an organization shares apps with others, or offers to.
func Shares(tx *db.Tx, organizationID db.ID) (bool, error) {
	n, err := count(tx.DB, "SELECT COUNT(*)"+lent, organizationID, tx.Now)
	return n > 0, err
}

// Sharer reports whether a role is one that shares apps.
func Sharer(role string) bool {
	return slices.Contains(permission.OrgRoles(permission.AppsManage), role)
}

// TellShares mails those who manage an organization what it shares, when somebody who could share it no longer can: with whom is for people to judge.
func TellShares(tx *db.Tx, a actor.Actor, box *outbox.Outbox, link func(string) string, organizationID db.ID) error {
	var apps []struct {
		ID                 db.ID
		Name, Organization string
	}
	err := tx.Raw("SELECT DISTINCT a.id, a.name, (SELECT o.name FROM organizations o WHERE o.id = h.lender_id) AS organization"+lent+"ORDER BY a.name, a.id LIMIT 20", organizationID, tx.Now).Scan(&apps).Error
	if err != nil || len(apps) == 0 {
		return err
	}
	named := make([]db.ID, len(apps))
	for i, app := range apps {
		named[i] = app.ID
	}
	to, err := Managers(tx, organizationID, named...)
	if err != nil {
		return err
	}
	if told, err := NoticesTx(tx, a, len(to)); err != nil || !told {
		return err
	}
	if told, err := account.TakeTx(tx, "letters of shares of "+organizationID.String(), shareLetters, shareWindow); err != nil || !told { // what is done is done without a letter
		return err
	}
	l := outbox.Letter{Kind: "shares_remain", Subject: outbox.L("Look through what your organization shares")}
	l.Lines = []outbox.Line{outbox.L("Somebody who could share apps of %s no longer can: they are gone, or have a lower role. It shares these apps with other organizations, and that goes on:", apps[0].Organization)}
	for _, app := range apps {
		l.Lines = append(l.Lines, outbox.L("“%s”", app.Name))
	}
	l.After = []outbox.Line{outbox.L("End what you did not mean to share.")}
	button := outbox.L("See the organization")
	l.Button, l.URL = &button, link("/console/organizations/"+organizationID.Show(Prefix))
	for _, r := range to {
		l.To, l.UserID, l.Language, l.TimeZone = r.Email, r.ID, r.Language, r.TimeZone
		if err := box.Queue(tx, l); err != nil {
			return err
		}
	}
	return nil
}
