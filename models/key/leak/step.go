package leak

import (
	"encoding/json"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Step is one act on the key while its incident was open.
type Step struct {
	At      time.Time
	Act     audit.Act
	By      actor.Kind // who: System is the portal by itself, Key a program
	Name    string     // of a person; empty for others than staff when staff did it
	ByStaff bool
	Word    string // what the person said about it
}

// maxSteps bounds how many are read.
const maxSteps = 100

// stepActs are the acts that count as steps.
var stepActs = []audit.Act{
	audit.LeakOpened, audit.KeyPaused, audit.KeyRevoked, audit.KeyResumed, audit.KeyRotated, audit.KeyRetired, audit.KeyShortened, audit.KeyOverlapExtended, audit.KeyRotationUndone, audit.LeakResumed, audit.LeakClosed,
}

const stepTables = " JOIN apps a ON a.id = k.app_id JOIN organizations o ON o.id = a.organization_id"

// stepWho are the columns that say who it was, as its people read it; one argument, whether the reader is of staff.
const stepWho = "CASE WHEN ? = 0 AND " + byStaff + " THEN '' ELSE COALESCE(u.name, '') END AS name, CASE WHEN " + byStaff + " THEN 1 ELSE 0 END AS by_staff"

// steps reads who did what to the key while the incident was open, from what the audit log tells of it. An organization to which its app was moved reads
// what was done there, and nothing of who did what before.
func steps(g *gorm.DB, r Row, staff bool, now time.Time) ([]Step, error) {
	until, all := now, 0
	if r.ClosedAt != nil {
		until = *r.ClosedAt
	}
	if staff {
		all = 1
	}
	var rows []struct {
		Step
		ActorKind, Details string
	}
	err := g.Raw("SELECT e.at, e.act, e.actor_kind, e.details, "+stepWho+" FROM audit_events e JOIN keys k ON k.id = e.target_id"+stepTables+` LEFT JOIN users u ON u.id = e.actor_id
		WHERE e.target_id = ? AND e.at >= ? AND e.at <= ? AND e.result = ? AND e.act IN ? AND (? = 1 OR e.organization_id = o.id) ORDER BY e.seq LIMIT ?`, all, r.KeyID, r.OpenedAt, until, audit.Done, stepActs, all, maxSteps).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	var out []Step
	revoked := false
	for i, row := range rows {
		if row.Act == audit.KeyResumed && i+1 < len(rows) && rows[i+1].Act == audit.LeakResumed && rows[i+1].At.Equal(row.At) {
			continue // one act, which says more
		}
		var details map[string]string
		if err := json.Unmarshal([]byte(row.Details), &details); err != nil {
			return nil, err
		}
		row.By, row.Word, revoked = actor.Kind(row.ActorKind), details["word"], revoked || row.Act == audit.KeyRevoked
		out = append(out, row.Step)
	}
	if at := r.KeyRevokedAt; !revoked && at != nil && !at.Before(r.OpenedAt) && !at.After(until) {
		return withRevocation(g, r.KeyID, all, out)
	}
	return out, nil
}

// withRevocation adds that the key was revoked with others: one event tells of all of these.
func withRevocation(g *gorm.DB, keyID db.ID, all int, steps []Step) ([]Step, error) {
	var rows []struct {
		Step
		RevokedBy *db.ID
	}
	err := g.Raw("SELECT k.revoked_at AS at, k.revoked_by, "+stepWho+" FROM keys k"+stepTables+" LEFT JOIN users u ON u.id = k.revoked_by WHERE k.id = ?", all, keyID).Scan(&rows).Error
	for _, row := range rows {
		row.Act, row.By = audit.KeyRevoked, actor.System
		if row.RevokedBy != nil {
			row.By = actor.User
		}
		steps = append(steps, row.Step)
	}
	slices.SortStableFunc(steps, func(a, b Step) int { return a.At.Compare(b.At) })
	return steps, err
}
