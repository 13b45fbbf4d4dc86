package key

import (
	"context"
	"maps"
	"strconv"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
)

// MaxOverlap is the most days for which old and new key both work.
const MaxOverlap = 30

// RotateRequest is how a key is replaced by a new one with the same grants.
type RotateRequest struct {
	Token       string  // of NewFormToken(RotatePurpose(id))
	OverlapDays int     // 0 to MaxOverlap: how long the old key goes on; 0 ends it at once
	Expiry      Expiry  // of the new key
	Deliver     Deliver // nil: the new key's text comes in the result
}

// Rotate makes the successor of a key: same app, environment, name, grants, bounds. The old key works until the overlap ends and then
// stops by itself (K10). A key is rotated once. A repeat of the same form gives the successor with Again set and no secret.
// An app that holds as many keys as the policy allows can still rotate one with an overlap, and is then one above until that ends; every
// further rotation with an overlap is refused while more keys work than the policy allows. A rotation without overlap adds none, so it
// is never refused for that: it is how a leaked key is replaced. Faults: NotFound, Forbidden, Invalid (overlap_days, expires, expires_on, or the token), Conflict when the key is revoked,
// expired, suspended or was rotated before, or the app holds too many keys.
func (s *Store) Rotate(ctx context.Context, a actor.Actor, id db.ID, r RotateRequest) (Made, error) {
	made, err := s.make(ctx, a, RotatePurpose(id), r.Token, func(tx *db.Tx, newID db.ID) (newKey, error) {
		old, err := forMember(tx, a, id)
		if err != nil {
			return newKey{}, err
		}
		if err := holdsWithin(tx, a, old, nil, nil); err != nil {
			return newKey{}, err
		}
		return s.replace(tx, a, old, newID, r, nil)
	})
	if db.Duplicate(err) { // two at once: the unique index let one through
		return Made{}, rotatedBefore()
	}
	return made, err
}

// replace ends an old key with an overlap and plans its successor. The old one is locked, and the actor may rotate it; more is told in the audit log.
func (s *Store) replace(tx *db.Tx, a actor.Actor, old Row, newID db.ID, r RotateRequest, more map[string]string) (newKey, error) {
	if err := rotatable(tx, old); err != nil {
		return newKey{}, err
	}
	n, err := s.successor(tx, old, r)
	if err != nil {
		return newKey{}, err
	}
	if err := roomForOverlap(tx, old.AppID, n.rules, r.OverlapDays); err != nil {
		return newKey{}, err
	}
	if err := networksForOverlap(n.rules, n.bounds, r.OverlapDays); err != nil {
		return newKey{}, err
	}
	_, err = tx.Run("UPDATE keys SET overlap_ends_at = ?, updated_at = ? WHERE id = ?", tx.Now.AddDate(0, 0, r.OverlapDays), tx.Now, old.ID)
	change.Record(tx, change.Key, old.ID)
	details := map[string]string{"hint": old.Hint(), "name": old.Name, "overlap_days": strconv.Itoa(r.OverlapDays), "successor": newID.Show(IDPrefix)}
	maps.Copy(details, more)
	audit.Record(tx, a, audit.Event{Act: audit.KeyRotated, TargetKind: "key", TargetID: old.ID, OrganizationID: old.OrganizationID, Details: details})
	return n, err
}

func rotatedBefore() error {
	return fault.New(fault.Conflict, "This key was rotated already. A key is rotated once: rotate its successor.")
}

func rotatable(tx *db.Tx, old Row) error {
	switch {
	case old.RevokedAt != nil:
		return fault.New(fault.Conflict, "This key was revoked. Make a new one instead.")
	case old.OverlapEndsAt != nil:
		return rotatedBefore()
	case reached(old.ExpiresAt, tx.Now):
		return fault.New(fault.Conflict, "This key has expired. Make a new one instead.")
	case inForce(old.SuspendedAt, old.SuspendedUntil, tx.Now):
		return fault.New(fault.Conflict, "This key is suspended. It can be rotated once the suspension has ended.")
	}
	return nil
}

func (s *Store) successor(tx *db.Tx, old Row, r RotateRequest) (newKey, error) {
	rows := []Row{old}
	err := withGrants(tx.DB, rows)
	if err != nil {
		return newKey{}, err
	}
	n := newKey{deliver: r.Deliver, app: appRow{ID: old.AppID, OrganizationID: old.OrganizationID, Role: old.Role}, environment: old.Environment, name: old.Name, domain: old.DataDomain, rotates: old.ID, endUnsaid: unsaid(r.Expiry)}
	for _, g := range rows[0].Grants {
		n.scopes = append(n.scopes, Choice{APIID: g.APIID, ScopeID: g.ScopeID, API: g.API, Scope: g.Scope})
	}
	if n.bounds, err = boundsOf(tx.DB, old.ID); err != nil {
		return newKey{}, err
	}
	n.details = map[string]string{"rotated_from": old.ID.Show(IDPrefix)}
	var bad fault.Problems
	bad.Check(r.OverlapDays >= 0 && r.OverlapDays <= MaxOverlap, "overlap_days", "Both keys can work side by side for 0 to %d days.", MaxOverlap)
	verifier, err := verifies(tx, old.ID)
	if err != nil {
		return newKey{}, err
	}
	if n.rules, err = policy.For(tx.DB, rows[0].Subject()); err != nil {
		return newKey{}, err
	}
	n.expiry.ExpiresAt = n.rules.Resolve(r.Expiry, tx.Now, verifier, &bad)
	return n, bad.Err()
}

// verifies reports whether the key holds keys:verify of the portal's own API.
func verifies(tx *db.Tx, id db.ID) (bool, error) {
	var n int
	err := tx.Raw(`SELECT COUNT(*) FROM key_grants g JOIN scopes s ON s.id = g.scope_id JOIN apis p ON p.id = g.api_id
		WHERE g.key_id = ? AND p.is_portal AND s.name = ?`, id, VerifyScope).Scan(&n).Error
	return n > 0, err
}
