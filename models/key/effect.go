package key

import (
	"maps"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Verb is what is done to keys, one or many.
type Verb string

// The verbs.
const (
	Revoking   Verb = "revoke"
	Pausing    Verb = "pause"
	Shortening Verb = "shorten"
	Resuming   Verb = "resume"  // what was paused with others
	Returning  Verb = "returns" // what was paused with others is paused for the cause that it had before
)

// What paused a key that no person of its organization paused. A stronger cause takes the place of a weaker one.
const (
	PausedIdle     = "idle"     // by policy: not used
	PausedAge      = "age"      // by policy: not rotated
	PausedNetworks = "networks" // by policy: bound to no network
	PausedBulk     = "bulk"     // by staff, with others: staff resume it
	PausedLeak     = "leak"     // found where it should not be
)

// weaker are the causes whose place one takes: a person may resume what a policy paused, only staff what staff paused.
var weaker = map[string][]string{
	PausedBulk: {"", PausedIdle, PausedAge, PausedNetworks},
	PausedLeak: {"", PausedIdle, PausedAge, PausedNetworks, PausedBulk},
}

// Effect is what an act makes of keys.
type Effect struct {
	Verb   Verb
	Cause  string    // of Pausing and Returning: one of the Paused… names, or "" for a person's own
	Reason string    // of Revoking: kept with the key
	EndsAt time.Time // of Shortening: the new end
}

// RevokeTx ends keys for ever in the caller's transaction, with one event each that holds reason and details, and the rows by which verification
// forgets them. Keys that are revoked are left alone. It mails nobody and asks for no permission: that is the caller's. Faults: none.
func (s *Store) RevokeTx(tx *db.Tx, a actor.Actor, rows []Row, reason string, details map[string]string) error {
	return s.actTx(tx, a, audit.KeyRevoked, Effect{Verb: Revoking, Reason: reason}, rows, with(details, "reason", reason))
}

// PauseTx is RevokeTx for pausing. cause is empty for a person's own act, or one of the Paused… names: a key that is paused for a weaker one is from
// then on paused for this. Keys that are over are left alone. Faults: none.
func (s *Store) PauseTx(tx *db.Tx, a actor.Actor, rows []Row, cause string, details map[string]string) error {
	if cause != "" {
		details = with(details, "cause", cause)
	}
	return s.actTx(tx, a, audit.KeyPaused, Effect{Verb: Pausing, Cause: cause}, rows, details)
}

// ShortenTx is RevokeTx for bringing the end forward to endsAt, which is yet to come. Keys that end sooner, or are over, are left alone. Faults: Invalid (ends)
// when endsAt is over.
func (s *Store) ShortenTx(tx *db.Tx, a actor.Actor, rows []Row, endsAt time.Time, details map[string]string) error {
	return s.actTx(tx, a, audit.KeyShortened, Effect{Verb: Shortening, EndsAt: endsAt}, rows, with(details, "ends", endsAt.UTC().Format(time.RFC3339)))
}

func with(details map[string]string, name, value string) map[string]string {
	out := map[string]string{name: value}
	maps.Copy(out, details)
	return out
}

// actTx applies the effect and records an event for each key of which it changed something.
func (s *Store) actTx(tx *db.Tx, a actor.Actor, act audit.Act, e Effect, rows []Row, details map[string]string) error {
	changed, err := s.ApplyTx(tx, a, e, idsOf(rows))
	if err != nil || len(changed) == 0 {
		return err
	}
	hit := make(map[db.ID]bool, len(changed))
	for _, id := range changed {
		hit[id] = true
	}
	var events []audit.Event
	for _, r := range rows {
		if hit[r.ID] {
			delete(hit, r.ID)
			events = append(events, eventOf(act, r, details))
		}
	}
	audit.RecordMany(tx, a, events)
	return nil
}

// eventOf tells of an act on a key by its hint and name.
func eventOf(act audit.Act, r Row, details map[string]string) audit.Event {
	all := map[string]string{"hint": r.Hint(), "name": r.Name}
	maps.Copy(all, details)
	return audit.Event{Act: act, TargetKind: "key", TargetID: r.ID, OrganizationID: r.OrganizationID, Details: all}
}

// ApplyTx makes the effect on those of the keys that it changes, and tells which these were, sorted. It writes the rows by which verification forgets
// them and records no event: whoever calls it tells of all of them in one. Faults: Invalid (ends) for a new end that is over.
func (s *Store) ApplyTx(tx *db.Tx, a actor.Actor, e Effect, ids []db.ID) ([]db.ID, error) {
	if e.Verb == Shortening && !e.EndsAt.After(tx.Now) {
		return nil, fault.BadField("ends", "That moment is over. Choose a later one.")
	}
	ids = slices.Clone(ids)
	slices.SortFunc(ids, compareIDs) // one order for all, so that two acts can't deadlock
	var changed []db.ID
	for part := range slices.Chunk(slices.Compact(ids), idsAtOnce) {
		some, err := e.apply(tx, a, part)
		if err != nil {
			return nil, err
		}
		changed = append(changed, some...)
	}
	slices.SortFunc(changed, compareIDs)
	change.RecordMany(tx, change.Key, changed)
	return changed, nil
}

func compareIDs(a, b db.ID) int { return slices.Compare(a[:], b[:]) }

func (e Effect) apply(tx *db.Tx, a actor.Actor, ids []db.ID) (changed []db.ID, err error) {
	switch e.Verb {
	case Revoking:
		err = tx.Raw(`UPDATE keys SET revoked_at = ?, revoked_by = ?, revoked_reason = ?, updated_at = ?
			WHERE id IN (SELECT k.id FROM keys k WHERE k.id IN ? AND k.revoked_at IS NULL ORDER BY k.id`+lock(tx)+") RETURNING id",
			tx.Now, a.UserID.Ref(), e.Reason, tx.Now, ids).Scan(&changed).Error
	case Pausing:
		if err = e.beneath(tx, ids); err != nil {
			return nil, err
		}
		err = tx.Raw(`UPDATE keys SET paused_at = COALESCE(paused_at, ?), paused_cause = ?, updated_at = ?
			WHERE id IN (SELECT k.id FROM keys k WHERE k.id IN ? AND (k.paused_at IS NULL OR k.paused_cause IN ?) AND `+living+" ORDER BY k.id"+lock(tx)+") RETURNING id",
			tx.Now, e.Cause, tx.Now, ids, weaker[e.Cause], tx.Now, tx.Now).Scan(&changed).Error
	case Shortening:
		err = tx.Raw(`UPDATE keys SET expires_at = ?, updated_at = ?
			WHERE id IN (SELECT k.id FROM keys k WHERE k.id IN ? AND `+living+" ORDER BY k.id"+lock(tx)+") RETURNING id",
			e.EndsAt, tx.Now, ids, e.EndsAt, e.EndsAt).Scan(&changed).Error
	case Resuming:
		if err = above(tx, ids); err != nil {
			return nil, err
		}
		err = tx.Raw(`UPDATE keys SET paused_at = NULL, paused_cause = '', resumed_at = ?, updated_at = ?
			WHERE id IN (SELECT k.id FROM keys k WHERE k.id IN ? AND k.paused_at IS NOT NULL AND k.paused_cause = 'bulk' AND `+living+" ORDER BY k.id"+lock(tx)+") RETURNING id",
			tx.Now, tx.Now, ids, tx.Now, tx.Now).Scan(&changed).Error
	case Returning:
		if err = above(tx, ids); err != nil {
			return nil, err
		}
		err = tx.Raw(`UPDATE keys SET paused_cause = ?, updated_at = ?
			WHERE id IN (SELECT k.id FROM keys k WHERE k.id IN ? AND k.paused_at IS NOT NULL AND k.paused_cause = 'bulk' AND `+living+" ORDER BY k.id"+lock(tx)+") RETURNING id",
			e.Cause, tx.Now, ids, tx.Now, tx.Now).Scan(&changed).Error
	}
	return changed, err
}

// beneath keeps a pause by staff that a leak hides, whichever comes first: who ends the pause for the leak does not end that of staff.
func (e Effect) beneath(tx *db.Tx, ids []db.ID) error {
	var other string
	switch e.Cause {
	case PausedBulk:
		other = PausedLeak
	case PausedLeak:
		other = PausedBulk
	default:
		return nil
	}
	_, err := tx.Run("UPDATE keys SET paused_under = 'bulk', updated_at = ? WHERE id IN ? AND paused_at IS NOT NULL AND paused_cause = ? AND revoked_at IS NULL", tx.Now, ids, other)
	return err
}

// above ends a pause by staff under one for a leak, which goes on.
func above(tx *db.Tx, ids []db.ID) error {
	_, err := tx.Run("UPDATE keys SET paused_under = '', updated_at = ? WHERE id IN ? AND paused_under <> '' AND paused_cause = 'leak'", tx.Now, ids)
	return err
}
