package privacy

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/setting"
)

const retentionSetting = "retention"

// Retention is for how many days is kept from where people came.
type Retention struct {
	Addresses int `json:"addresses"` // in the audit log
	Networks  int `json:"networks"`  // of browsers, keys and opened links, since they were last used
}

// Choices are what can be set, in days.
var Choices = []int{7, 30, 90, 180, 365}

// Possible reports whether both times are of the list.
func (r Retention) Possible() bool {
	return slices.Contains(Choices, r.Addresses) && slices.Contains(Choices, r.Networks)
}

// within are times of the list, whatever somebody wrote into the database.
func (r Retention) within() Retention {
	if !slices.Contains(Choices, r.Addresses) {
		r.Addresses = 180
	}
	if !slices.Contains(Choices, r.Networks) {
		r.Networks = 90
	}
	return r
}

// Policies are what the portal's admins set about what is held of people.
type Policies struct{ DB *db.DB }

// Retention is what is in force.
func (s Policies) Retention(ctx context.Context) (Retention, error) { return retentionOf(ctx, s.DB) }

func retentionOf(ctx context.Context, d *db.DB) (Retention, error) {
	var r Retention
	_, err := setting.Get(ctx, d, retentionSetting, &r)
	return r.within(), err
}

// SetRetention sets it; what is beyond goes with the next sweep. Faults: Forbidden, Invalid about "addresses" or "networks".
func (s Policies) SetRetention(ctx context.Context, a actor.Actor, r Retention) error {
	if !a.SignedIn() || !permission.Staff(a.StaffRole, permission.StaffPolicyManage) {
		return fault.Lacking(string(permission.StaffPolicyManage), "")
	}
	var p fault.Problems
	p.Check(slices.Contains(Choices, r.Addresses), "addresses", "Choose a time of the list.")
	p.Check(slices.Contains(Choices, r.Networks), "networks", "Choose a time of the list.")
	if err := p.Err(); err != nil {
		return err
	}
	return s.DB.Tx(ctx, func(tx *db.Tx) error {
		audit.Record(tx, a, audit.Event{Act: audit.PortalChanged, TargetKind: "setting", Details: map[string]string{
			"audit_address_days": strconv.Itoa(r.Addresses), "network_days": strconv.Itoa(r.Networks),
		}})
		return setting.Put(tx, retentionSetting, r)
	})
}

// CountedAtMost is where Going stops counting.
const CountedAtMost = 100_000

// Going is what a retention erases that is held now.
type Going struct{ Addresses, Networks int64 }

// Going counts what the next sweep erases if r comes into force, of each kind up to CountedAtMost.
func (s Policies) Going(ctx context.Context, r Retention) (g Going, err error) {
	const day = 24 * time.Hour
	var done swept
	if _, err := setting.Get(ctx, s.DB, sweptSetting, &done); err != nil {
		return g, err
	}
	before := s.DB.Now().Add(-time.Duration(r.Addresses) * day)
	if err := s.DB.Read(ctx).Raw(`SELECT COUNT(*) FROM (SELECT 1 FROM audit_events e JOIN audit_personal p ON p.event_id = e.id AND p.field = 'address'
		WHERE e.seq > ? AND e.at < ? LIMIT ?) counted`, done.Seq, before, CountedAtMost).Row().Scan(&g.Addresses); err != nil {
		return g, err
	}
	before = s.DB.Now().Add(-time.Duration(r.Networks) * day)
	err = s.DB.Read(ctx).Raw(`SELECT COUNT(*) FROM (SELECT 1 FROM key_network_uses WHERE last_used_at < ?
		UNION ALL SELECT 1 FROM keys WHERE last_used_network <> '' AND last_used_at < ?
		UNION ALL SELECT 1 FROM key_handovers WHERE opened_network <> '' AND opened_at < ?
		UNION ALL SELECT 1 FROM devices WHERE network <> '' AND last_seen_at < ? LIMIT ?) counted`, before, before, before, before, CountedAtMost).Row().Scan(&g.Networks)
	return g, err
}

const sweptAtOnce = 2000 // rows of one transaction

// Sweep erases addresses and networks that are older than the policy lets them be, in parts. The chain of the audit log stays whole: it holds digests alone. What is
// due is looked for while others write the database.
func Sweep(ctx context.Context, d *db.DB) error {
	r, err := retentionOf(ctx, d)
	if err != nil {
		return err
	}
	day := 24 * time.Hour
	if err := sweepAddresses(ctx, d, d.Now().Add(-time.Duration(r.Addresses)*day)); err != nil {
		return err
	}
	before := d.Now().Add(-time.Duration(r.Networks) * day)
	for _, one := range []struct{ due, erase string }{
		{
			"SELECT EXISTS (SELECT 1 FROM key_network_uses n WHERE n.last_used_at < ?)",
			"DELETE FROM key_network_uses WHERE (key_id, network) IN (SELECT n.key_id, n.network FROM key_network_uses n WHERE n.last_used_at < ? LIMIT ?)",
		},
		{
			"SELECT EXISTS (SELECT 1 FROM keys k WHERE k.last_used_network <> '' AND k.last_used_at < ?)",
			"UPDATE keys SET last_used_network = '' WHERE id IN (SELECT k.id FROM keys k WHERE k.last_used_network <> '' AND k.last_used_at < ? LIMIT ?)",
		},
		{
			"SELECT EXISTS (SELECT 1 FROM key_handovers h WHERE h.opened_network <> '' AND h.opened_at < ?)",
			"UPDATE key_handovers SET opened_network = '' WHERE id IN (SELECT h.id FROM key_handovers h WHERE h.opened_network <> '' AND h.opened_at < ? LIMIT ?)",
		},
		{
			"SELECT EXISTS (SELECT 1 FROM devices v WHERE v.network <> '' AND v.last_seen_at < ?)",
			"UPDATE devices SET network = '' WHERE id IN (SELECT v.id FROM devices v WHERE v.network <> '' AND v.last_seen_at < ? LIMIT ?)",
		},
	} {
		if err := inParts(ctx, d, one.due, one.erase, before); err != nil {
			return err
		}
	}
	return d.Scrub(ctx)
}

func inParts(ctx context.Context, d *db.DB, due, erase string, before time.Time) error {
	for n := int64(sweptAtOnce); n == sweptAtOnce; {
		some := false
		if err := d.Read(ctx).Raw(due, before).Scan(&some).Error; err != nil || !some {
			return err
		}
		err := d.Tx(ctx, func(tx *db.Tx) (err error) {
			n, err = tx.Run(erase, before, sweptAtOnce)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// sweptSetting holds up to which event addresses were erased, so that no sweep reads the log from its beginning.
const sweptSetting = "retention.swept"

type swept struct {
	Seq int64 `json:"seq"`
}

// sweepAddresses follows the log in its order, which is that of its times, up to the first event that is young enough. One from the future was recorded by a
// clock that was wrong, and holds nothing up.
func sweepAddresses(ctx context.Context, d *db.DB, before time.Time) error {
	var done swept
	if _, err := setting.Get(ctx, d, sweptSetting, &done); err != nil {
		return err
	}
	for {
		var rows []struct {
			Seq int64
			ID  db.ID
			At  time.Time
		}
		if err := d.Read(ctx).Raw("SELECT seq, id, at FROM audit_events WHERE seq > ? ORDER BY seq LIMIT ?", done.Seq, sweptAtOnce).Scan(&rows).Error; err != nil {
			return err
		}
		full := len(rows) == sweptAtOnce
		var ids []db.ID
		for _, r := range rows {
			if !r.At.Before(before) && !r.At.After(d.Now()) {
				full = false
				break
			}
			done.Seq, ids = r.Seq, append(ids, r.ID)
		}
		if len(ids) == 0 {
			return nil
		}
		err := d.Tx(ctx, func(tx *db.Tx) error {
			if _, err := tx.Run("DELETE FROM audit_personal WHERE field = 'address' AND event_id IN ?", ids); err != nil {
				return err
			}
			return setting.Put(tx, sweptSetting, done)
		})
		if err != nil || !full {
			return err
		}
	}
}
