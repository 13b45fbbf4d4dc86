// Package share lets an organization give another one some rights on one of its apps, for a time: offered with a reason and an end, accepted there, and ended by either.
// What an accepted share opens is said by actor.Shared alone; this package says who offers, answers, ends and sees shares.
package share

import (
	"context"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Prefix is how ids of shares are shown; an id opens nothing by itself.
const Prefix = "shr"

// Times of shares.
const (
	MaxDays  = 365                 // from the offer to the end
	OfferAge = 14 * 24 * time.Hour // after which an offer that nobody answered lapses
	Ahead    = 7 * 24 * time.Hour  // how long before the end both are told
	kept     = 90 * 24 * time.Hour // for how long a share that ended stays in the database
)

// Bounds against lists and mail without end (L7).
const (
	MaxOpen    = 20  // shares and offers of one app
	MaxReason  = 500 // characters
	listed     = 200
	perLender  = 50 // offers in a window
	toReceiver = 15 // mails about offers in a window; beyond it the offer stands on the console alone
	window     = 24 * time.Hour
)

// Cause says why a share ended.
type Cause string

// The causes.
const (
	Withdrawn  Cause = "withdrawn" // the lender took the offer back
	Declined   Cause = "declined"
	ByLender   Cause = "lender"
	ByReceiver Cause = "receiver"
	Expired    Cause = "expired"
	Lapsed     Cause = "lapsed" // nobody answered the offer
	Moved      Cause = "moved"  // the app is another organization's
	Gone       Cause = "gone"   // the app or one of the organizations was deleted
)

// Share is an app that one organization, the lender, shares with another, the receiver, as its reader may see it.
type Share struct {
	ID           db.ID
	AppID        db.ID
	LenderID     db.ID
	ReceiverID   db.ID
	UsageRead    bool
	KeysRead     bool
	RotateTest   bool
	RotateAll    bool
	Reason       string
	EndsAt       time.Time
	AcceptedAt   *time.Time // nil: an offer
	CreatedAt    time.Time
	AppName      string
	LenderName   string
	ReceiverName string // empty while it is an offer: whoever offers learns nothing of who has the id
	ReceiverKind string // empty as the name
	LenderRole   string // the reader's there; empty for who is no member
	ReceiverRole string
	Halted       bool       // one of the two is suspended: it opens nothing until that ends
	AsksFactor   bool       // the lender requires a second factor: it opens nothing to who has none
	FactorFrom   *time.Time // from when on the lender requires one; nil: it does not
}

// Rights are what it gives, the least first.
func (s Share) Rights() []actor.Right {
	has := map[actor.Right]bool{actor.ReadUsage: s.UsageRead, actor.ReadKeys: s.KeysRead, actor.RotateTest: s.RotateTest, actor.RotateAll: s.RotateAll}
	return slices.DeleteFunc(slices.Clone(actor.Rights), func(r actor.Right) bool { return !has[r] })
}

// Offered reports whether it waits for an answer.
func (s Share) Offered() bool { return s.AcceptedAt == nil }

// LapsesAt is when an offer ends by itself.
func (s Share) LapsesAt() time.Time {
	if at := s.CreatedAt.Add(OfferAge); at.Before(s.EndsAt) {
		return at
	}
	return s.EndsAt
}

// Lends reports whether the reader is of the lender; MayLend whether they may end it there.
func (s Share) Lends() bool { return s.LenderRole != "" }

// MayLend is described at Lends.
func (s Share) MayLend() bool { return permission.Org(s.LenderRole, permission.AppsManage) }

// Receives reports whether the reader is of the receiver; MayAnswer whether they may accept, decline and end it there.
func (s Share) Receives() bool { return s.ReceiverRole != "" }

// MayAnswer is described at Receives.
func (s Share) MayAnswer() bool { return permission.Org(s.ReceiverRole, permission.AppsManage) }

// Refusal tells a member of either side who is no admin there what they lack, in their own organization.
func (s Share) Refusal() error {
	if s.Lends() {
		return fault.Lacking(string(permission.AppsManage), s.LenderID.Show(org.Prefix))
	}
	return fault.Lacking(string(permission.AppsManage), s.ReceiverID.Show(org.Prefix))
}

// Options of a Store.
type Options struct {
	DB     *db.DB
	Outbox *outbox.Outbox
	Link   func(path string) string // absolute address under the base URL
}

// Store keeps shares. Safe for concurrent use.
type Store struct {
	db     *db.DB
	outbox *outbox.Outbox
	link   func(string) string
}

// NewStore makes a store.
func NewStore(o Options) *Store { return &Store{db: o.DB, outbox: o.Outbox, link: o.Link} }

// stopped is true of a suspended row, lenderStopped also of the organization of a suspended person; their arguments are now, twice of the lender.
const (
	lenderStopped = `(l.suspended_at IS NOT NULL AND (l.suspended_until IS NULL OR l.suspended_until > ?)
		OR EXISTS (SELECT 1 FROM users lu WHERE lu.id = l.personal_user_id AND lu.suspended_at IS NOT NULL AND (lu.suspended_until IS NULL OR lu.suspended_until > ?)))`
	receiverStopped = "(r.suspended_at IS NOT NULL AND (r.suspended_until IS NULL OR r.suspended_until > ?))"
)

// What a Share is read by, and what is true of those that have not ended at now, twice an argument after the time from which on offers have not lapsed.
const (
	shareColumns = `SELECT s.id, s.app_id, s.lender_id, s.receiver_id, s.usage_read, s.keys_read, s.rotate_test, s.rotate_all, s.reason, s.ends_at, s.accepted_at, s.created_at,
		a.name AS app_name, l.name AS lender_name, CASE WHEN s.accepted_at IS NULL THEN '' ELSE COALESCE(r.name, '') END AS receiver_name,
		CASE WHEN s.accepted_at IS NULL THEN '' ELSE COALESCE(r.kind, '') END AS receiver_kind,
		CASE WHEN ` + lenderStopped + " OR " + receiverStopped + ` THEN 1 ELSE 0 END AS halted,
		CASE WHEN l.factor_from <= ? THEN 1 ELSE 0 END AS asks_factor, l.factor_from, `
	shareTables = ` FROM app_shares s JOIN apps a ON a.id = s.app_id AND a.organization_id = s.lender_id AND a.deleted_at IS NULL
		JOIN organizations l ON l.id = s.lender_id AND l.deleted_at IS NULL LEFT JOIN organizations r ON r.id = s.receiver_id AND r.deleted_at IS NULL `
	shareRuns = " s.ended_at IS NULL AND s.ends_at > ? AND (s.accepted_at IS NOT NULL OR s.created_at > ?) "
)

// from selects the shares that the actor may know of, up to further conditions, and its arguments: as a member of the lender who reaches the app; as a member of the
// receiver, offers only for who may answer them. Who is kept out of the app as a member of the lender does not find it as one of the receiver either.
func from(a actor.Actor, now time.Time) (query string, args []any) {
	members, arg := a.Members()
	unseen, hidden := a.Hidden()
	query = shareColumns + "COALESCE(lm.role, '') AS lender_role, COALESCE(rm.role, '') AS receiver_role" + shareTables +
		"LEFT JOIN " + members + " lm ON lm.organization_id = s.lender_id LEFT JOIN " + members + " rm ON rm.organization_id = s.receiver_id AND r.id IS NOT NULL WHERE" + shareRuns +
		"AND (lm.role IS NOT NULL OR rm.role IS NOT NULL AND (s.accepted_at IS NOT NULL OR rm.role IN ?)) AND a.id NOT IN " + unseen
	args = append([]any{now, now, now, now, arg, arg, now, now.Add(-OfferAge), permission.OrgRoles(permission.AppsManage)}, hidden...)
	return query, args
}

func find(q *gorm.DB, a actor.Actor, now time.Time, id db.ID) (Share, error) {
	if !a.SignedIn() {
		return Share{}, fault.Missing()
	}
	var rows []Share
	query, args := from(a, now)
	if err := q.Raw(query+" AND s.id = ?", append(args, id)...).Scan(&rows).Error; err != nil {
		return Share{}, err
	}
	if len(rows) == 0 {
		return Share{}, fault.Missing()
	}
	return rows[0], nil
}

// Get reads one share or offer that has not ended. Faults: NotFound for one of others, one that ended, and one that the reader may not know of alike.
func (s *Store) Get(ctx context.Context, a actor.Actor, id db.ID) (Share, error) {
	return find(s.db.Read(ctx), a, s.db.Now(), id)
}

// OfApp lists the shares and offers of one of the actor's apps, the newest first. Faults: NotFound for who does not reach the app.
func (s *Store) OfApp(ctx context.Context, a actor.Actor, appID db.ID) ([]Share, error) {
	q := s.db.Read(ctx)
	if _, _, err := org.AppFor(q, a, appID, permission.AppsRead); err != nil {
		return nil, err
	}
	var rows []Share
	query, args := from(a, s.db.Now())
	err := q.Raw(query+" AND s.app_id = ? ORDER BY s.created_at DESC, s.id DESC LIMIT ?", append(args, appID, listed)...).Scan(&rows).Error
	return rows, err
}

// Received lists what others share with the actor's organizations: the offers that the actor may answer first, then by app; at most 200.
func (s *Store) Received(ctx context.Context, a actor.Actor) ([]Share, error) {
	if !a.SignedIn() {
		return nil, nil
	}
	var rows []Share
	query, args := from(a, s.db.Now())
	err := s.db.Read(ctx).Raw(query+" AND rm.role IS NOT NULL ORDER BY CASE WHEN s.accepted_at IS NULL THEN 0 ELSE 1 END, LOWER(a.name), s.id LIMIT ?", append(args, listed)...).Scan(&rows).Error
	return rows, err
}

// Opened are the rights that shares give the actor now, by share, the least first: none of one that opens nothing to them, by their role or for want of a second factor.
func (s *Store) Opened(ctx context.Context, a actor.Actor) (map[db.ID][]actor.Right, error) {
	out := map[db.ID][]actor.Right{}
	for _, r := range actor.Rights {
		var ids []db.ID
		opened, args := a.SharedAll(r, s.db.Now())
		if err := s.db.Read(ctx).Raw("SELECT s.id FROM app_shares s WHERE s.id IN "+opened, args...).Scan(&ids).Error; err != nil {
			return nil, err
		}
		for _, id := range ids {
			out[id] = append(out[id], r)
		}
	}
	return out, nil
}

// Parties are the two organizations of a share.
type Parties struct {
	LenderID     db.ID
	ReceiverID   db.ID
	ReceiverName string
	EndsAt       time.Time // of the share
}

// PartiesTx reads them, and keeps the share as it is until the commit: whoever acts by it asks after that what it opens. Faults: NotFound.
func PartiesTx(tx *db.Tx, id db.ID) (Parties, error) {
	if err := locked(tx, "SELECT 1 FROM app_shares WHERE id = ? FOR SHARE", id); err != nil {
		return Parties{}, err
	}
	var rows []Parties
	err := tx.Raw("SELECT s.lender_id, s.receiver_id, COALESCE(r.name, '') AS receiver_name, s.ends_at FROM app_shares s LEFT JOIN organizations r ON r.id = s.receiver_id WHERE s.id = ?", id).Scan(&rows).Error
	if err == nil && len(rows) == 0 {
		err = fault.Missing()
	}
	if err != nil {
		return Parties{}, err
	}
	return rows[0], nil
}
