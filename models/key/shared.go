package key

import (
	"context"
	"slices"
	"strconv"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
	"github.com/gatehouse-dev/gatehouse/models/org/share"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// Lent is a key of an app that another organization shares: as much as who reads keys there is told.
type Lent struct {
	ID          db.ID
	Name        string
	Hint        string
	Environment string
	State       State
	EndsAt      *time.Time // by itself, or by being revoked for a leak, whichever comes first; nil: without end
	LastUsedAt  *time.Time
	MayRotate   bool // by the share, and by what it is
}

// mostLent is how many keys a shared app shows: those that live, the newest first.
const mostLent = 200

// Shared lists the living keys of the app that a share opens to the actor. Faults: NotFound when it opens no keys to them.
func (s *Store) Shared(ctx context.Context, a actor.Actor, shareID db.ID) ([]Lent, error) {
	g, now := s.db.Read(ctx), s.db.Now()
	if err := reaches(g, a, shareID, actor.ReadKeys, now); err != nil {
		return nil, err
	}
	shared, args := a.Shared(shareID, actor.ReadKeys, now)
	var rows []Row
	err := g.Raw("SELECT "+rowColumns+rowTables+" WHERE k.app_id IN "+shared+" AND "+living+" ORDER BY k.created_at DESC, k.id DESC LIMIT ?", append(args, now, now, mostLent)...).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	if err := withGrants(g, rows); err != nil {
		return nil, err
	}
	test, all := reaches(g, a, shareID, actor.RotateTest, now) == nil, reaches(g, a, shareID, actor.RotateAll, now) == nil
	leaks, err := leakEnds(g, rows)
	if err != nil {
		return nil, err
	}
	out := make([]Lent, len(rows))
	for i, r := range rows {
		out[i] = lent(r, now)
		if at := leaks[r.ID]; at != nil && (out[i].EndsAt == nil || at.Before(*out[i].EndsAt)) {
			out[i].EndsAt = at
		}
		out[i].MayRotate = (all || test && r.Environment == testEnvironment) && r.OverlapEndsAt == nil && r.PausedAt == nil && !managesPortal(r)
	}
	return out, nil
}

// leakEnds is when keys that are paused for a leak will be revoked for it, by key.
func leakEnds(g *gorm.DB, rows []Row) (map[db.ID]*time.Time, error) {
	var paused []db.ID
	for _, r := range rows {
		if r.PausedAt != nil && r.PausedCause == PausedLeak {
			paused = append(paused, r.ID)
		}
	}
	if len(paused) == 0 {
		return nil, nil
	}
	var all []struct {
		KeyID    db.ID
		RevokeAt *time.Time
	}
	err := g.Raw("SELECT key_id, revoke_at FROM leak_incidents WHERE key_id IN ? AND closed_at IS NULL AND revoke_at IS NOT NULL", paused).Scan(&all).Error
	ends := map[db.ID]*time.Time{}
	for _, one := range all {
		ends[one.KeyID] = one.RevokeAt
	}
	return ends, err
}

// SharedKey reads one key that a share lets the actor rotate. Faults: NotFound for a key that it does not open, Forbidden for one that it only lets them see.
func (s *Store) SharedKey(ctx context.Context, a actor.Actor, shareID, id db.ID) (Lent, error) {
	now := s.db.Now()
	r, err := sharedRow(s.db.Read(ctx), a, shareID, id, now)
	if err != nil {
		return Lent{}, err
	}
	return lent(r, now), nil
}

func lent(r Row, now time.Time) Lent {
	return Lent{ID: r.ID, Name: r.Name, Hint: r.Hint(), Environment: r.Environment, State: r.State(now), EndsAt: r.EndsAt(), LastUsedAt: r.LastUsedAt, MayRotate: true}
}

const testEnvironment = "test"

// SharedLists is true of keys k that a share lets people see, and SharedRotates of those that it lets them rotate, if its right does; two arguments, both now.
const (
	SharedLists   = living
	SharedRotates = living + ` AND k.overlap_ends_at IS NULL AND k.paused_at IS NULL
		AND NOT EXISTS (SELECT 1 FROM key_grants pg JOIN apis pa ON pa.id = pg.api_id WHERE pg.key_id = k.id AND pa.slug = '` + portalSlug + `')`
)

// reaches asks whether a share opens its app to the actor with a right. Faults: NotFound.
func reaches(g *gorm.DB, a actor.Actor, shareID db.ID, right actor.Right, now time.Time) error {
	shared, args := a.Shared(shareID, right, now)
	var n int
	err := g.Raw("SELECT COUNT(*) FROM apps a WHERE a.id IN "+shared, args...).Scan(&n).Error
	if err == nil && n == 0 {
		err = fault.Missing()
	}
	return err
}

// sharedRow reads a key, with its grants, that a share lets the actor rotate. Faults: as SharedKey.
func sharedRow(g *gorm.DB, a actor.Actor, shareID, id db.ID, now time.Time) (Row, error) {
	shared, args := a.Shared(shareID, actor.ReadKeys, now)
	var rows []Row
	err := g.Raw("SELECT "+rowColumns+rowTables+" WHERE k.app_id IN "+shared+" AND k.id = ?", append(args, id)...).Scan(&rows).Error
	r, err := one(rows, err)
	if err != nil {
		return Row{}, err
	}
	right := actor.RotateAll
	if r.Environment == testEnvironment {
		right = actor.RotateTest
	}
	if err := reaches(g, a, shareID, right, now); fault.Is(err, fault.NotFound) {
		return Row{}, fault.New(fault.Forbidden, "This share does not let you rotate this key.")
	} else if err != nil {
		return Row{}, err
	}
	if err := withGrants(g, rows); err != nil {
		return Row{}, err
	}
	return rows[0], nil
}

// managesPortal is true of a key with a scope of the portal's own API: whoever holds its text acts for the organization, far beyond one app.
func managesPortal(r Row) bool {
	return slices.ContainsFunc(r.Grants, func(g Grant) bool { return g.API == portalSlug })
}

// SharedRotatePurpose is the purpose of the form that rotates a key by a share.
func SharedRotatePurpose(shareID, id db.ID) string {
	return "key.rotate_shared " + shareID.String() + " " + id.String()
}

// RotateShared is Rotate by a share, for somebody of another organization. The new key is like the old one in all: app, scopes, limits, who made it and who answers for
// it; it lives for as long as the old one was to, within the policy and no longer than the share or the old key, and r.Expiry is not asked. The text comes in the result alone. What belongs to the rotation after
// that, to undo it, retire the old key or extend the overlap, stays the lender's. A key that is paused, or that may act at the portal for its organization, is not rotated so. The lender's
// people are told by mail; the audit log names person, organization and share in both organizations. Faults: NotFound, Forbidden, Invalid (overlap_days or the token), Conflict as Rotate, and for a key that is paused or of
// the portal's own API.
func (s *Store) RotateShared(ctx context.Context, a actor.Actor, shareID, id db.ID, r RotateRequest) (Made, error) {
	if _, err := sharedRow(s.db.Read(ctx), a, shareID, id, s.db.Now()); err != nil { // a form that was sent before tells nothing after the end either
		return Made{}, err
	}
	made, err := s.make(ctx, a, SharedRotatePurpose(shareID, id), r.Token, func(tx *db.Tx, newID db.ID) (newKey, error) {
		by, err := share.PartiesTx(tx, shareID)
		if err != nil {
			return newKey{}, err
		}
		if err := lockKey(tx, id); err != nil {
			return newKey{}, err
		}
		old, err := sharedRow(tx.DB, a, shareID, id, tx.Now) // under both locks: who ends the share waits, or was first
		if err != nil {
			return newKey{}, err
		}
		if managesPortal(old) {
			return newKey{}, fault.New(fault.Conflict, "This key may act at the portal for its organization. Only that organization’s own people rotate it.")
		}
		if old.PausedAt != nil { // its successor would act again, and who may not resume a key must not bring that about
			return newKey{}, fault.New(fault.Conflict, "This key is paused. Only that organization’s own people rotate it.")
		}
		if r.Expiry, err = sameLife(tx, old, by.EndsAt); err != nil {
			return newKey{}, err
		}
		r.Deliver = nil
		old.Grants = nil // the plan reads them again
		n, err := s.replace(tx, a, old, newID, r, map[string]string{"share": shareID.Show(share.Prefix), "with": by.ReceiverID.Show("org")})
		if err != nil {
			return newKey{}, err
		}
		n.owner = &old.Key
		n.details["share"] = shareID.Show(share.Prefix)
		n.details["with"] = by.ReceiverID.Show("org")
		audit.Record(tx, a, audit.Event{
			Act: audit.ShareRotated, TargetKind: "share", TargetID: shareID, OrganizationID: by.ReceiverID,
			Details: map[string]string{"name": old.AppName, "hint": old.Hint(), "with": old.OrganizationID.Show("org"), "overlap_days": strconv.Itoa(r.OverlapDays), "environment": old.Environment},
		})
		return n, s.tellRotatedShared(tx, old, by.ReceiverName, r.OverlapDays)
	})
	if db.Duplicate(err) { // two at once: the unique index let one through
		return Made{}, rotatedBefore()
	}
	return made, err
}

// sameLife is for how long a key was made, within what the policies allow now. It reaches beyond the last day of the share only as far as the key itself did: what the
// lender let run out is not renewed for longer than it lent the app.
func sameLife(tx *db.Tx, old Row, shareEnds time.Time) (Expiry, error) {
	rules, err := policy.For(tx.DB, old.Subject())
	if err != nil {
		return Expiry{}, err
	}
	if old.ExpiresAt == nil {
		return Expiry{Never: rules.Never.On}, nil
	}
	const day = 24 * time.Hour
	days := max(1, int(old.ExpiresAt.Sub(old.CreatedAt).Round(day)/day))
	if rules.Max.Value > 0 {
		days = min(days, rules.Max.Value)
	}
	latest := shareEnds
	if old.ExpiresAt.After(latest) {
		latest = *old.ExpiresAt
	}
	return Expiry{Days: max(1, min(days, int(latest.Sub(tx.Now)/day)))}, nil
}

func (s *Store) tellRotatedShared(tx *db.Tx, old Row, by string, overlapDays int) error {
	return s.MailAct(tx, []Row{old}, func(ctx context.Context, rows []Row) outbox.Letter {
		l := outbox.Letter{Kind: "key_rotated_by_share", Subject: outbox.L("The API key %s was rotated by a share", old.Hint())}
		l.Lines = append([]outbox.Line{outbox.L("Somebody of %s, with which your organization shares the app, replaced this key by a new one with the same scopes and limits:", by)}, KeyLines(rows)...)
		if overlapDays > 0 {
			l.Lines = append(l.Lines, outbox.L("The old key works until %s, then stops by itself.", text.DateTime(ctx, tx.Now.AddDate(0, 0, overlapDays))))
		} else {
			l.Lines = append(l.Lines, outbox.L("The old key has stopped working."))
		}
		l.After = []outbox.Line{outbox.L("If this was not to be, revoke the new key, and end the share on the page of the app.")}
		s.Button(&l, rows)
		return l
	})
}
