package rotation

import (
	"context"
	"strconv"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// Retire ends the overlap now: the old key is refused on the very next request, for ever. silentSince, unless it is nil, is the moment since which
// the caller believes that nothing used it: when a call was let through after that, nothing happens. A use is known about a second after it happened.
// Faults: NotFound, Forbidden, Conflict (without an overlap; with code UsedSince when it was used).
func (s *Store) Retire(ctx context.Context, a actor.Actor, id db.ID, silentSince *time.Time) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		p, err := running(tx, a, id)
		if err != nil {
			return err
		}
		if used := p.Old.LastUsedAt; silentSince != nil && used != nil && used.After(*silentSince) {
			err := fault.New(fault.Conflict, "The old key was used since you looked. See by which networks, then retire it, or wait.")
			err.Code = UsedSince
			return err
		}
		record(tx, a, audit.KeyRetired, p, map[string]string{"overlap_ended": p.Old.OverlapEndsAt.UTC().Format(time.RFC3339)})
		if _, err := tx.Run("UPDATE keys SET overlap_ends_at = ?, updated_at = ? WHERE id = ?", tx.Now, tx.Now, id); err != nil {
			return err
		}
		if err := told(tx, id, kindEnded); err != nil { // by itself it did not end
			return err
		}
		return s.tellRetired(tx, p)
	})
}

// Extend makes the overlap longer by days, once, and to at most key.MaxOverlap days from the rotation on. Faults: NotFound, Forbidden (also for the old key itself), Invalid
// (days), Conflict (without an overlap, or extended before, or the old key expires no later).
func (s *Store) Extend(ctx context.Context, a actor.Actor, id db.ID, days int) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		p, err := running(tx, a, id)
		if err != nil {
			return err
		}
		if err := notByItself(a, id); err != nil {
			return err
		}
		if err := extensible(p); err != nil {
			return err
		}
		most := p.MostDays()
		if days < 1 || days > most {
			return fault.BadField("days", "The overlap can be made longer by 1 to %d days.", most)
		}
		end := p.Old.OverlapEndsAt.AddDate(0, 0, days)
		if latest := p.RotatedAt().AddDate(0, 0, key.MaxOverlap); end.After(latest) { // the last of the days is not whole
			end = latest
		}
		if err := key.WithinTx(tx, a, p.Old, &end); err != nil {
			return err
		}
		record(tx, a, audit.KeyOverlapExtended, p, map[string]string{"days": strconv.Itoa(days), "overlap_ends": end.UTC().Format(time.RFC3339)})
		if _, err := tx.Run("UPDATE keys SET overlap_ends_at = ?, overlap_extended_at = ?, updated_at = ? WHERE id = ?", end, tx.Now, tx.Now, id); err != nil {
			return err
		}
		return untold(tx, id)
	})
}

// MostDays is by how many days the overlap can be extended: 0 when it can't.
func (p Pair) MostDays() int {
	if p.Old.OverlapEndsAt == nil || extensible(p) != nil {
		return 0
	}
	left := p.Latest().Sub(*p.Old.OverlapEndsAt)
	return int((left + day - 1) / day)
}

func extensible(p Pair) error {
	switch {
	case p.Old.OverlapExtendedAt != nil:
		return fault.New(fault.Conflict, "This overlap was extended before. It can be extended once.")
	case p.Old.ExpiresAt != nil && !p.Old.ExpiresAt.After(*p.Old.OverlapEndsAt):
		return fault.New(fault.Conflict, "The old key expires before the overlap ends: a longer overlap changes nothing.")
	case !p.Latest().After(*p.Old.OverlapEndsAt):
		return fault.New(fault.Conflict, "Both keys can work side by side for at most %d days, and this overlap is that long.", key.MaxOverlap)
	}
	return nil
}

// notByItself keeps a key that was rotated from taking that back or putting it off, whatever its end is: it may be in wrong hands, and rotated for that.
func notByItself(a actor.Actor, id db.ID) error {
	if !a.Program() || a.KeyID != id {
		return nil
	}
	err := fault.New(fault.Forbidden, "A key that was rotated neither undoes that nor puts it off by itself. Do it as a person, or with another key.")
	err.Code = key.BeyondCaller
	return err
}

// Undo takes a rotation back while its overlap lasts: the new key is revoked, and the old one goes on as before, with its old expiry; it can be rotated
// again. used says that the caller knows that the new key was used already. Faults: NotFound, Forbidden (also for the old key itself), Conflict (without an overlap; the new
// key was rotated in turn; with code NewKeyInUse when it was used and used is false).
func (s *Store) Undo(ctx context.Context, a actor.Actor, id db.ID, used bool) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		p, err := running(tx, a, id)
		if err != nil {
			return err
		}
		if err := notByItself(a, id); err != nil {
			return err
		}
		if err := key.WithinTx(tx, a, p.Old, p.Old.ExpiresAt); err != nil {
			return err
		}
		switch {
		case p.New.OverlapEndsAt != nil:
			return fault.New(fault.Conflict, "The new key was rotated in turn. Undo that rotation first, while it can be.")
		case p.New.LastUsedAt != nil && p.New.RevokedAt == nil && !used:
			err := fault.New(fault.Conflict, "The new key was used already. Programs that hold it stop working when the rotation is undone.")
			err.Code = NewKeyInUse
			return err
		}
		record(tx, a, audit.KeyRotationUndone, p, map[string]string{"new_key_used": strconv.FormatBool(p.New.LastUsedAt != nil)})
		if err := s.keys.RevokeTx(tx, a, []key.Row{p.New}, "", map[string]string{"cause": "rotation undone"}); err != nil {
			return err
		}
		if _, err := tx.Run("UPDATE keys SET rotation_undone_at = ?, updated_at = ? WHERE id = ?", tx.Now, tx.Now, p.New.ID); err != nil {
			return err
		}
		if _, err := tx.Run("UPDATE keys SET overlap_ends_at = NULL, overlap_extended_at = NULL, updated_at = ? WHERE id = ?", tx.Now, id); err != nil {
			return err
		}
		if err := untold(tx, id); err != nil {
			return err
		}
		return s.tellUndone(tx, p)
	})
}
