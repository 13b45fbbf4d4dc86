package share

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// DayLayout is how forms write a day.
const DayLayout = time.DateOnly

// Input is what somebody offers.
type Input struct {
	Receiver string // the id of the other organization as its page shows it
	Rights   []actor.Right
	Reason   string
	EndsOn   string         // a day: it ends when that is over
	Zone     *time.Location // where; nil: UTC
}

// check reads the input as it is at now into a share.
func (in Input) check(now time.Time, lender db.ID) (Share, error) {
	var p fault.Problems
	s := Share{ID: db.NewID(), LenderID: lender, CreatedAt: now}
	receiver, err := db.ParseID(org.Prefix, strings.TrimSpace(in.Receiver))
	switch {
	case err != nil:
		p.Add("receiver", "Enter the id of the organization, such as org_…: its members find it on its page.")
	case receiver == lender:
		p.Add("receiver", "This is the organization of the app itself. Enter the id of another one.")
	}
	s.ReceiverID = receiver
	has := func(r actor.Right) bool { return slices.Contains(in.Rights, r) }
	s.UsageRead, s.RotateAll = has(actor.ReadUsage), has(actor.RotateAll)
	s.RotateTest = s.RotateAll || has(actor.RotateTest)
	s.KeysRead = s.RotateTest || has(actor.ReadKeys)
	p.Check(s.UsageRead || s.KeysRead, "rights", "Choose what the other organization may do.")
	s.Reason = org.CheckText(&p, "reason", in.Reason, MaxReason)
	p.Check(s.Reason != "", "reason", "Say what it is for. Both organizations read it.")
	s.EndsAt = in.over(now, &p)
	return s, p.Err()
}

// over is the first moment after the chosen day.
func (in Input) over(now time.Time, p *fault.Problems) time.Time {
	zone := in.Zone
	if zone == nil {
		zone = time.UTC
	}
	day, err := time.ParseInLocation(DayLayout, in.EndsOn, zone)
	end := day.AddDate(0, 0, 1).UTC()
	switch last := now.In(zone).AddDate(0, 0, MaxDays); {
	case err != nil:
		p.Add("ends_on", "Choose the day on which it ends.")
	case !end.After(now):
		p.Add("ends_on", "Choose a day that is not over.")
	case day.After(last):
		p.Add("ends_on", "Choose a day within the next %d days.", MaxDays)
	}
	return end
}

// Offer asks another organization whether it takes rights on an app. Whether there is an organization with the id is never told: an offer to none lapses as one that
// nobody answers. Faults: NotFound, Forbidden below admin, Invalid (receiver, rights, reason, ends_on), Conflict when the organization is suspended, the app has
// MaxOpen shares and offers or one to the same receiver; RateLimited.
func (s *Store) Offer(ctx context.Context, a actor.Actor, appID db.ID, in Input) (Share, error) {
	var out Share
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		if !a.SignedIn() {
			return fault.Missing()
		}
		seen, _, err := org.AppFor(tx.DB, a, appID, permission.AppsManage)
		if err != nil { // nobody locks what they can't see
			return err
		}
		if err := org.LockMembers(tx, seen.OrganizationID); err != nil { // who leaves meanwhile is barred from what they offered, or offers nothing any more
			return err
		}
		if err := locked(tx, "SELECT 1 FROM apps WHERE id = ? FOR UPDATE", appID); err != nil {
			return err
		}
		app, _, err := org.AppFor(tx.DB, a, appID, permission.AppsManage)
		if err == nil && app.OrganizationID != seen.OrganizationID { // moved meanwhile
			err = fault.Missing()
		}
		if err != nil {
			return err
		}
		out, err = in.check(tx.Now, app.OrganizationID)
		if err != nil {
			return err
		}
		out.AppID, out.AppName = app.ID, app.Name
		if err := s.room(tx, a, out); err != nil {
			return err
		}
		_, err = tx.Run(`INSERT INTO app_shares (id, app_id, lender_id, receiver_id, usage_read, keys_read, rotate_test, rotate_all, reason, ends_at, created_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			out.ID, app.ID, out.LenderID, out.ReceiverID, out.UsageRead, out.KeysRead, out.RotateTest, out.RotateAll, out.Reason, out.EndsAt, tx.Now)
		if err != nil {
			return err
		}
		if err := record(tx, a, out, audit.ShareOffered, audit.ShareReceived, ""); err != nil {
			return err
		}
		return s.tellOffered(tx, out)
	})
	return out, err
}

// room refuses an offer beyond the bounds.
func (s *Store) room(tx *db.Tx, a actor.Actor, offer Share) error {
	o, err := org.ByID(tx.DB, offer.LenderID)
	if err != nil {
		return err
	}
	if o.Suspended(tx.Now) {
		return fault.New(fault.Conflict, "This organization is suspended, and shares nothing until that ends.")
	}
	var open []db.ID
	err = tx.Raw("SELECT s.receiver_id FROM app_shares s WHERE s.app_id = ? AND s.lender_id = ? AND"+shareRuns, offer.AppID, offer.LenderID, tx.Now, tx.Now.Add(-OfferAge)).Scan(&open).Error
	switch {
	case err != nil:
		return err
	case slices.Contains(open, offer.ReceiverID):
		return fault.New(fault.Conflict, "This app is shared with that organization, or offered to it, already. End that first.")
	case len(open) >= MaxOpen:
		return fault.New(fault.Conflict, "This app has %d shares and offers, which is the most that one can have.", len(open))
	}
	ok, err := account.TakeTx(tx, "share offers of "+offer.LenderID.String(), perLender, window)
	if err == nil && !ok {
		return fault.Later(window, "That were too many offers for one day. Try again tomorrow.")
	}
	return err
}

// locked keeps a row as it is until the commit. SQLite has one writer anyway.
func locked(tx *db.Tx, query string, id db.ID) error {
	if tx.Home.Dialect != db.Postgres {
		return nil
	}
	return tx.Exec(query, id).Error
}

// record tells of an act in both organizations, of each in its own words. Of the other one only its id is told: names can be those of people.
func record(tx *db.Tx, a actor.Actor, s Share, lender, receiver audit.Act, cause Cause) error {
	var there int
	if err := tx.Raw("SELECT COUNT(*) FROM organizations WHERE id = ?", s.ReceiverID).Scan(&there).Error; err != nil {
		return err
	}
	details := func(with db.ID) map[string]string {
		d := map[string]string{"name": s.AppName, "with": with.Show(org.Prefix), "rights": rightsText(s), "ends": s.EndsAt.UTC().Format(time.RFC3339), "app": s.AppID.Show(org.AppPrefix)}
		if cause != "" {
			d["cause"] = string(cause)
		}
		return d
	}
	audit.Record(tx, a, audit.Event{Act: lender, TargetKind: "share", TargetID: s.ID, OrganizationID: s.LenderID, Details: details(s.ReceiverID)})
	if there > 0 {
		audit.Record(tx, a, audit.Event{Act: receiver, TargetKind: "share", TargetID: s.ID, OrganizationID: s.ReceiverID, Details: details(s.LenderID)})
	}
	return nil
}

func rightsText(s Share) string {
	var words []string
	for _, r := range s.Rights() {
		words = append(words, string(r))
	}
	return strings.Join(words, " ")
}
