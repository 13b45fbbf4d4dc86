package key

import (
	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Unowned is a state by which lists can be narrowed: keys for which nobody answers any more. Such a key may be in any state of those that live.
const Unowned StateName = "unowned"

// OrphanedSQL is true of keys k of apps a that live on although the person who answers for them is no longer a member of the app's organization, or is kept out of the app (K6).
// A key that no person made has none to miss; one that was rotated is as good as replaced. It holds no argument; whether the key lives is
// asked by who uses it. An account that is suspended is still a member's: a suspension is meant to end.
const OrphanedSQL = `(COALESCE(k.responsible_id, k.created_by) IS NOT NULL AND k.overlap_ends_at IS NULL AND NOT EXISTS (
	SELECT 1 FROM members m WHERE m.organization_id = a.organization_id AND m.user_id = COALESCE(k.responsible_id, k.created_by) AND ` + actor.MemberReaches + "))"

// LivingSQL is true of keys k that are neither revoked nor at their end; two arguments, both now.
const LivingSQL = living

// Owner is who answers for a key.
type Owner struct {
	ResponsibleName string // whom the admins named; empty while it is the maker
	Orphaned        bool   // the person who answers for the key is no longer a member: admins of the organization confirm it, or rotate it
}

func (s *Store) owner(g *gorm.DB, d *Detail) error {
	var found []Owner
	err := g.Raw(`SELECT COALESCE(u.name, '') AS responsible_name, `+OrphanedSQL+` AS orphaned
		FROM keys k JOIN apps a ON a.id = k.app_id LEFT JOIN users u ON u.id = k.responsible_id WHERE k.id = ?`, d.ID).Scan(&found).Error
	if err == nil && len(found) > 0 {
		d.Owner = found[0]
		d.Orphaned = d.Orphaned && d.Living(s.db.Now())
	}
	return err
}

// RowTx reads a key whosever it is and keeps it as it is until the commit. Faults: NotFound.
func RowTx(tx *db.Tx, id db.ID) (Row, error) { return lockedRow(tx, id) }

// WithGrants reads the grants of rows into them, in one query.
func WithGrants(g *gorm.DB, rows []Row) error { return withGrants(g, rows) }
