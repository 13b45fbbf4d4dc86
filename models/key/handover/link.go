package handover

import (
	"context"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// LinkPrefix is how the id of a link is shown; the id opens nothing.
const LinkPrefix = "hnd"

// Lives are for how long a link can be made to work.
var Lives = []time.Duration{15 * time.Minute, time.Hour, 4 * time.Hour, 24 * time.Hour}

// Bounds of business flows (L7).
const (
	linksPerPerson  = 60
	triesPerNetwork = 60
	linkWindow      = time.Hour
	shownLinks      = 20
	unknownNetwork  = "unknown"
	madeBucket      = "hand-over links of "
	openBucket      = "hand-over tries from "
)

// Link hands the text of one key over, once.
type Link struct {
	ID            db.ID
	KeyID         db.ID
	MadeBy        *db.ID // nil: the operator
	MakerName     string
	ExpiresAt     time.Time
	OpenedAt      *time.Time
	OpenedNetwork string     // cut to /24 or /48; empty when unknown
	TriedAgainAt  *time.Time // the first try after it was opened
	CancelledAt   *time.Time
	CreatedAt     time.Time
}

// Waiting reports whether the link can still be opened, as far as it knows itself.
func (l Link) Waiting(now time.Time) bool {
	return l.OpenedAt == nil && l.CancelledAt == nil && now.Before(l.ExpiresAt)
}

// MadeLink is a link that was just made. Token is in it alone and is kept nowhere; it is unset until the key is made.
type MadeLink struct {
	ID        db.ID
	Token     secret.Text
	ExpiresAt time.Time
}

// ByLink is the way of a new key's text into a link that opens once within life: the Deliver of a request that makes or rotates a key. The link is in
// what it returns once that request was carried out. The request's faults then also are Invalid (link_life) for a life that is none of Lives, and
// RateLimited.
func (s *Store) ByLink(life time.Duration) (*MadeLink, key.Deliver) {
	made := &MadeLink{}
	return made, func(tx *db.Tx, a actor.Actor, keyID db.ID, text apikey.Secret) error {
		*made = MadeLink{}
		if !slices.Contains(Lives, life) {
			return fault.BadField("link_life", "Choose for how long the link works.")
		}
		if a.SignedIn() {
			if ok, err := account.TakeTx(tx, madeBucket+a.UserID.String(), linksPerPerson, linkWindow); err != nil || !ok {
				return orTooOften(err)
			}
		}
		r, err := key.RowTx(tx, keyID)
		if err != nil {
			return err
		}
		token, root := newToken()
		id, ends := db.NewID(), tx.Now.Add(life)
		_, err = tx.Run("INSERT INTO key_handovers (id, key_id, made_by, digest, sealed, expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
			id, keyID, a.UserID.Ref(), digestOf(root), seal(root, id, text), ends, tx.Now)
		if err != nil {
			return err
		}
		record(tx, a, audit.LinkMade, r, id, map[string]string{"ends": ends.UTC().Format(time.RFC3339)})
		*made = MadeLink{ID: id, Token: secret.NewText(token), ExpiresAt: ends}
		return nil
	}
}

func orTooOften(err error) error {
	if err != nil {
		return err
	}
	return fault.Later(linkWindow, "That was tried too often. Wait %d minutes, then try again.", int(linkWindow/time.Minute))
}

func record(tx *db.Tx, a actor.Actor, act audit.Act, r key.Row, link db.ID, details map[string]string) {
	all := map[string]string{"hint": r.Hint(), "name": r.Name, "link": link.Show(LinkPrefix)}
	for k, v := range details {
		all[k] = v
	}
	audit.Record(tx, a, audit.Event{Act: act, TargetKind: "key", TargetID: r.ID, OrganizationID: r.OrganizationID, Details: all})
}

// Links are the links of a key, the newest first. Who may ask is the caller's to check.
func (s *Store) Links(ctx context.Context, keyID db.ID) ([]Link, error) {
	var rows []Link
	err := s.db.Read(ctx).Raw(`SELECT h.id, h.key_id, h.made_by, COALESCE(u.name, '') AS maker_name, h.expires_at, h.opened_at, h.opened_network, h.tried_again_at, h.cancelled_at, h.created_at
		FROM key_handovers h LEFT JOIN users u ON u.id = h.made_by WHERE h.key_id = ? ORDER BY h.created_at DESC, h.id DESC LIMIT ?`, keyID, shownLinks).Scan(&rows).Error
	return rows, err
}

// Cancel ends a link that was not opened, and forgets what it held. Cancelling one that is over does nothing. Faults: NotFound, Forbidden for who may not
// manage the key.
func (s *Store) Cancel(ctx context.Context, a actor.Actor, keyID, linkID db.ID) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		r, err := key.ManagedTx(tx, a, keyID)
		if err != nil {
			return err
		}
		var n int64
		if err := tx.Raw("SELECT COUNT(*) FROM key_handovers WHERE id = ? AND key_id = ?", linkID, keyID).Scan(&n).Error; err != nil {
			return err
		}
		if n == 0 {
			return fault.Missing()
		}
		n, err = tx.Run("UPDATE key_handovers SET cancelled_at = ?, sealed = NULL WHERE id = ? AND opened_at IS NULL AND cancelled_at IS NULL AND expires_at > ?", tx.Now, linkID, tx.Now)
		if err == nil && n > 0 {
			record(tx, a, audit.LinkCancelled, r, linkID, nil)
		}
		return err
	})
}

// Sweep forgets what links held that nobody opened in time, or whose key is over. It is a job.
func (s *Store) Sweep(ctx context.Context) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Run(`UPDATE key_handovers SET sealed = NULL WHERE sealed IS NOT NULL AND (expires_at <= ?
			OR EXISTS (SELECT 1 FROM keys k WHERE k.id = key_handovers.key_id AND k.revoked_at IS NOT NULL))`, tx.Now)
		return err
	})
}

// opens is true of links h that can be opened now: the key stands, and its maker may still manage it and is not shut out by the factor rule (B1-15, Z7). linkArgs are its arguments.
const opens = `h.opened_at IS NULL AND h.cancelled_at IS NULL AND h.sealed IS NOT NULL AND h.expires_at > ? AND EXISTS (
	SELECT 1 FROM keys k JOIN apps a ON a.id = k.app_id JOIN organizations o ON o.id = a.organization_id
	WHERE k.id = h.key_id AND a.deleted_at IS NULL AND o.deleted_at IS NULL AND ` + living + ` AND (h.made_by IS NULL OR EXISTS (
		SELECT 1 FROM members m JOIN users w ON w.id = m.user_id WHERE m.organization_id = o.id AND m.user_id = h.made_by AND w.deleted_at IS NULL
			AND (w.suspended_at IS NULL OR w.suspended_until <= ?)
			AND (m.role IN ('admin', 'owner') OR m.role = 'developer' AND (k.created_by = m.user_id OR k.responsible_id = m.user_id)) AND ` + actor.MemberReaches + " AND NOT " + actor.MemberShut + ")))"

func linkArgs(now time.Time) []any { return []any{now, now, now, now, now} }

// Offer is what a link holds, as far as it tells before it is opened.
type Offer struct {
	LinkID           db.ID
	KeyID            db.ID
	Name             string
	Prefix           string
	LastFour         string
	Environment      string
	AppName          string
	OrganizationName string
	LinkEnds         time.Time
	KeyEnds          *time.Time
	Grants           []Grant `gorm:"-"`
}

// Hint is what is shown of the key's text.
func (o Offer) Hint() string { return o.Prefix + "…" + o.LastFour }

// Grant is one thing that the key may do.
type Grant struct{ API, Scope, Sentence string }

// Peek tells what a link holds without opening it. Faults: NotFound, the same for whatever keeps it from opening.
func (s *Store) Peek(ctx context.Context, token string) (Offer, error) {
	root, ok := rootOf(token)
	if !ok {
		return Offer{}, gone()
	}
	g := s.db.Read(ctx)
	var rows []Offer
	err := g.Raw(`SELECT h.id AS link_id, h.expires_at AS link_ends, k.id AS key_id, k.name, k.prefix, k.last_four, k.environment, k.expires_at AS key_ends, a.name AS app_name, o.name AS organization_name
		FROM key_handovers h JOIN keys k ON k.id = h.key_id JOIN apps a ON a.id = k.app_id JOIN organizations o ON o.id = a.organization_id
		WHERE h.digest = ? AND `+opens, append([]any{digestOf(root)}, linkArgs(s.db.Now())...)...).Scan(&rows).Error
	if err != nil {
		return Offer{}, err
	}
	if len(rows) == 0 {
		return Offer{}, gone()
	}
	return rows[0], rows[0].read(g)
}

func (o *Offer) read(g *gorm.DB) error {
	return g.Raw(`SELECT p.name AS api, s.name AS scope, s.sentence FROM key_grants g JOIN scopes s ON s.id = g.scope_id JOIN apis p ON p.id = g.api_id
		WHERE g.key_id = ? ORDER BY p.name, s.name`, o.KeyID).Scan(&o.Grants).Error
}

// gone is the one answer for a link that is used, too old, cancelled, made up, or whose key or maker is no longer what it was.
func gone() error {
	return fault.New(fault.NotFound, "This link opens nothing. A hand-over link works once, for a short time. Ask whoever sent it for a new one; if nobody of you opened it, tell them to revoke the key.")
}
