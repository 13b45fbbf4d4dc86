package key

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// RevocationPrefix is how the id of a mass revocation is shown.
const RevocationPrefix = "rev"

// Bounds of a mass revocation.
const (
	MaxRevocation  = 2000      // keys at once; each is audited and told by itself
	RevocationLife = time.Hour // for how long a preview can be carried out
)

// Revocation is a mass revocation: first a preview, which fixes exactly which keys it takes, then, once, the act.
type Revocation struct {
	ID         db.ID
	MadeBy     *db.ID
	Filter     string // JSON of a Filter
	Keys       int    // at the preview
	Calls      int64  // of these keys in the hour before the preview
	Reason     string
	Revoked    int // of Keys, those that were not revoked before
	ExpiresAt  time.Time
	FinishedAt *time.Time
	CreatedAt  time.Time
}

// Wanted is the filter that the preview was made with.
func (r Revocation) Wanted() Filter {
	var f Filter
	if json.Unmarshal([]byte(r.Filter), &f) != nil {
		return Filter{}
	}
	return f
}

// Share is what of a mass revocation falls on one app.
type Share struct {
	OrganizationID   db.ID
	OrganizationName string
	AppID            db.ID
	AppName          string
	Keys             int
	UsedLastHour     int
	Calls            int64 // in the last hour before the page was asked for
}

// Preview is a mass revocation with what it hits, by organization and app.
type Preview struct {
	Revocation
	Shares        []Share
	Organizations int
}

// PreviewRevocation fixes the keys that the filter finds and that could still work: neither revoked nor at their end; a key made later is none of them (K9). Faults:
// Forbidden, Invalid when the filter is empty, names a state or an environment that there is not, finds nothing, or finds more than
// MaxRevocation.
func (s *Store) PreviewRevocation(ctx context.Context, a actor.Actor, f Filter) (db.ID, error) {
	if !mayStaff(a, permission.StaffKeysManage) {
		return db.ID{}, fault.Denied()
	}
	for _, word := range []*string{&f.Query, &f.Owner, &f.App, &f.Scope, &f.API} {
		*word = strings.TrimSpace(apikey.Redact(*word)) // the filter is kept
	}
	if err := f.check(); err != nil {
		return db.ID{}, err
	}
	if f == (Filter{}) {
		return db.ID{}, fault.New(fault.Invalid, "Narrow the list first: a mass revocation never takes all keys.")
	}
	wanted, err := json.Marshal(f)
	if err != nil {
		return db.ID{}, err
	}
	id := db.NewID()
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		ids, err := revocable(tx, f)
		if err != nil {
			return err
		}
		calls, err := callsLastHour(tx.DB, ids, tx.Now)
		if err != nil {
			return err
		}
		_, err = tx.Run("INSERT INTO key_revocations (id, made_by, filter, keys, calls, expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
			id, a.UserID.Ref(), string(wanted), len(ids), calls, tx.Now.Add(RevocationLife), tx.Now)
		for _, k := range ids {
			if err != nil {
				return err
			}
			_, err = tx.Run("INSERT INTO key_revocation_keys (revocation_id, key_id) VALUES (?, ?)", id, k)
		}
		audit.Record(tx, a, audit.Event{Act: audit.KeysPreviewed, TargetKind: "key_revocation", TargetID: id, Details: map[string]string{"filter": string(wanted), "keys": strconv.Itoa(len(ids))}})
		return err
	})
	return id, err
}

func revocable(tx *db.Tx, f Filter) ([]db.ID, error) {
	where, args := f.where(tx.Now)
	args = append(append([]any{tx.Now, tx.Now}, args...), MaxRevocation+1)
	var ids []db.ID
	err := tx.Raw("SELECT k.id"+rowTables+" WHERE "+living+" AND "+where+" ORDER BY k.id LIMIT ?", args...).Scan(&ids).Error
	if _, hint := lastFour(f.Query); err == nil && len(ids) == 0 && hint && !f.anyCase {
		f.anyCase = true // as the list does from which the filter comes
		return revocable(tx, f)
	}
	switch {
	case err != nil:
		return nil, err
	case len(ids) == 0:
		return nil, fault.New(fault.Invalid, "This filter finds no key that could be revoked.")
	case len(ids) > MaxRevocation:
		return nil, fault.New(fault.Invalid, "This filter finds more than %d keys. Narrow it, and revoke them in parts.", MaxRevocation)
	}
	return ids, nil
}

func callsLastHour(g *gorm.DB, ids []db.ID, now time.Time) (int64, error) {
	var total int64
	for part := range slices.Chunk(ids, 500) {
		var n int64
		err := g.Raw(`SELECT COALESCE(SUM(x.calls), 0) FROM usage_series s JOIN usage_minutes x ON x.series_id = s.id WHERE s.key_id IN ? AND x.at > ?`, part, now.Add(-time.Hour)).Scan(&n).Error
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// Revocation reads a mass revocation with what it hits. Faults: Forbidden, NotFound.
func (s *Store) Revocation(ctx context.Context, a actor.Actor, id db.ID) (Preview, error) {
	if !mayStaff(a, permission.StaffKeysRead) {
		return Preview{}, fault.Denied()
	}
	g := s.db.Read(ctx)
	var found []Revocation
	if err := g.Raw("SELECT * FROM key_revocations WHERE id = ?", id).Scan(&found).Error; err != nil {
		return Preview{}, err
	}
	if len(found) == 0 {
		return Preview{}, fault.Missing()
	}
	p := Preview{Revocation: found[0]}
	hour := p.CreatedAt.Add(-time.Hour)
	err := g.Raw(`SELECT o.id AS organization_id, o.name AS organization_name, a.id AS app_id, a.name AS app_name, COUNT(*) AS keys,
		SUM(CASE WHEN k.last_used_at > ? THEN 1 ELSE 0 END) AS used_last_hour,
		COALESCE(SUM((SELECT SUM(x.calls) FROM usage_series s JOIN usage_minutes x ON x.series_id = s.id WHERE s.key_id = k.id AND x.at > ? AND x.at <= ?)), 0) AS calls
		FROM key_revocation_keys z JOIN keys k ON k.id = z.key_id JOIN apps a ON a.id = k.app_id JOIN organizations o ON o.id = a.organization_id
		WHERE z.revocation_id = ? GROUP BY o.id, o.name, a.id, a.name ORDER BY COUNT(*) DESC, o.name, a.name`, hour, hour, p.CreatedAt, id).Scan(&p.Shares).Error
	seen := map[db.ID]bool{}
	for _, share := range p.Shares {
		seen[share.OrganizationID] = true
	}
	p.Organizations = len(seen)
	return p, err
}

// RevokeMany carries a preview out: it revokes exactly its keys, in one transaction, and mails each person once. Doing it again does
// nothing. One event tells of the act, and one of each key. Faults: Forbidden, NotFound, Invalid (reason), Conflict when the
// preview is older than RevocationLife.
func (s *Store) RevokeMany(ctx context.Context, a actor.Actor, id db.ID, reason string) error {
	if !mayStaff(a, permission.StaffKeysManage) {
		return fault.Denied()
	}
	if strings.TrimSpace(reason) == "" {
		return reasonNeeded()
	}
	why, err := cleanReason(reason)
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		r, err := startRevocation(tx, id, why)
		if err != nil || r == nil {
			return err
		}
		var rows []Row
		err = tx.Raw("SELECT "+rowColumns+rowTables+" WHERE k.revoked_at IS NULL AND k.id IN (SELECT key_id FROM key_revocation_keys WHERE revocation_id = ?) ORDER BY k.id"+lock(tx), id).Scan(&rows).Error
		if err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{
			Act: audit.KeysRevoked, TargetKind: "key_revocation", TargetID: id,
			Details: map[string]string{"filter": r.Filter, "keys": strconv.Itoa(len(rows)), "reason": why},
		})
		if _, err := tx.Run("UPDATE key_revocations SET revoked = ? WHERE id = ?", len(rows), id); err != nil {
			return err
		}
		if err := s.RevokeTx(tx, a, rows, why, map[string]string{"revocation": id.Show(RevocationPrefix)}); err != nil {
			return err
		}
		return s.tellRevoked(tx, rows, why)
	})
}

// startRevocation takes the preview for this transaction; nil when it was carried out before.
func startRevocation(tx *db.Tx, id db.ID, why string) (*Revocation, error) {
	n, err := tx.Run("UPDATE key_revocations SET finished_at = ?, reason = ? WHERE id = ? AND finished_at IS NULL", tx.Now, why, id)
	if err != nil {
		return nil, err
	}
	var found []Revocation
	if err := tx.Raw("SELECT * FROM key_revocations WHERE id = ?", id).Scan(&found).Error; err != nil {
		return nil, err
	}
	switch {
	case len(found) == 0:
		return nil, fault.Missing()
	case n == 0:
		return nil, nil
	case !tx.Now.Before(found[0].ExpiresAt):
		return nil, fault.New(fault.Conflict, "This preview is more than an hour old. Make a new one: keys and calls may be others by now.")
	}
	return &found[0], nil
}
