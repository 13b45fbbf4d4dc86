package key

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Detail is one key with all that its page shows.
type Detail struct {
	Row
	CreatorName string // empty when no person made it
	Maker
	Owner
	Revoker
	Successor      *Row // what it was rotated to
	Predecessor    *Row // what it was rotated from
	Networks       []NetworkUse
	NetworksToday  int // networks that it was used from in the last 24 hours
	MayManage      bool
	MayStaffManage bool
	CodesLately    []CodeCount // over 30 days, most first
	CallsToday     int64       // let through or not, in the last 24 hours
	CallsLastMonth int64
	Limits         []Limit
	Bounds         Bounds
	Taken          []TakenScope // scopes that were taken away and not given back
	StoppedBy      *Stopper     // set while something that is not the key stops it
}

// Maker tells what made a key that no person made: a program, an import, or else the portal's operator.
type Maker struct {
	Program    *Program   // a key made it, by the API
	ImportedAt *time.Time // set for an imported key
	ImportedBy string     // empty when the operator did it
}

// Revoker is the person who revoked a key.
type Revoker struct {
	RevokedByName   string // empty when no person did it, or they are gone
	RevokedByMember bool   // of the key's organization, as it is now
	RevokedByStaff  bool
}

// RevokedFor tells who revoked a key to a reader: staff hear the name, members that of another member; of staff they hear that it was staff, and of
// anybody else nothing.
func (r Revoker) RevokedFor(staff bool) (name string, ofStaff bool) {
	if r.RevokedByName != "" && (staff || r.RevokedByMember) {
		return r.RevokedByName, false
	}
	return "", r.RevokedByStaff
}

// Program is the key by which another was made.
type Program struct {
	Key
	Here bool // it belongs to the same organization
}

// NetworkUse is a network that a key was used from, by calls that were let through.
type NetworkUse struct {
	KeyID       db.ID
	Network     string
	FirstUsedAt time.Time
	LastUsedAt  time.Time
}

// CodeCount is how often an answer was given.
type CodeCount struct {
	Code  string
	Calls int64
}

// memberRow reads a key as a member of its organization sees it, a program only keys of its environment: an app or organization that is
// deleted is not there.
func memberRow(g *gorm.DB, a actor.Actor, id db.ID) (Row, error) {
	var rows []Row
	members, arg := a.Members()
	unseen, hidden := a.Hidden()
	err := g.Raw("SELECT "+rowColumns+", m.role"+rowTables+" JOIN "+members+` m ON m.organization_id = o.id
		WHERE k.id = ? AND a.deleted_at IS NULL AND o.deleted_at IS NULL AND (? = '' OR k.environment = ?) AND a.id NOT IN `+unseen, append([]any{arg, id, a.Environment, a.Environment}, hidden...)...).Scan(&rows).Error
	return one(rows, err)
}

// anyRow reads a key whosever it is: for staff, the operator and the program itself.
func anyRow(g *gorm.DB, id db.ID) (Row, error) {
	var rows []Row
	err := g.Raw("SELECT "+rowColumns+rowTables+" WHERE k.id = ?", id).Scan(&rows).Error
	return one(rows, err)
}

// lockedRow is anyRow of a key that is locked first.
func lockedRow(tx *db.Tx, id db.ID) (Row, error) {
	if err := lockKey(tx, id); err != nil {
		return Row{}, err
	}
	return anyRow(tx.DB, id)
}

func one(rows []Row, err error) (Row, error) {
	if err != nil {
		return Row{}, err
	}
	if len(rows) == 0 {
		return Row{}, fault.Missing()
	}
	return rows[0], nil
}

// forMember locks a key that the actor may manage as a member. Faults: NotFound for a key of others' organizations, Forbidden for one
// that the actor may see but not manage.
func forMember(tx *db.Tx, a actor.Actor, id db.ID) (Row, error) {
	if a.Trusted() {
		return lockedRow(tx, id)
	}
	if !a.Member() {
		return Row{}, fault.Missing()
	}
	if _, err := memberRow(tx.DB, a, id); err != nil { // nobody locks what they can't see
		return Row{}, err
	}
	if err := lockKey(tx, id); err != nil {
		return Row{}, err
	}
	r, err := memberRow(tx.DB, a, id)
	if err != nil {
		return Row{}, err
	}
	if err := tx.Unchanged(r.UpdatedAt); err != nil {
		return Row{}, err
	}
	if !r.MayManage(a.UserID) {
		return Row{}, fault.Lacking(string(permission.KeysManageAll), r.OrganizationID.Show(org.Prefix))
	}
	return r, nil
}

// forStaff locks a key that the actor may manage as staff. Faults: NotFound, Forbidden.
func forStaff(tx *db.Tx, a actor.Actor, id db.ID) (Row, error) {
	if !mayStaff(a, permission.StaffKeysManage) {
		return Row{}, fault.Lacking(string(permission.StaffKeysManage), "")
	}
	return lockedRow(tx, id)
}

func mayStaff(a actor.Actor, p permission.Name) bool {
	return a.Trusted() || a.SignedIn() && permission.Staff(a.StaffRole, p)
}

// Get reads a key of one of the actor's organizations. Faults: NotFound.
func (s *Store) Get(ctx context.Context, a actor.Actor, id db.ID) (Detail, error) {
	r, err := memberRow(s.db.Read(ctx), a, id)
	if err != nil {
		return Detail{}, err
	}
	return s.detail(ctx, a, r)
}

// GetAny reads any key, for staff. Faults: Forbidden, NotFound.
func (s *Store) GetAny(ctx context.Context, a actor.Actor, id db.ID) (Detail, error) {
	if !mayStaff(a, permission.StaffKeysRead) {
		return Detail{}, fault.Lacking(string(permission.StaffKeysRead), "")
	}
	r, err := anyRow(s.db.Read(ctx), id)
	if err != nil {
		return Detail{}, err
	}
	return s.detail(ctx, a, r)
}

func (s *Store) detail(ctx context.Context, a actor.Actor, r Row) (Detail, error) {
	g := s.db.Read(ctx)
	rows := []Row{r}
	if err := withGrants(g, rows); err != nil {
		return Detail{}, err
	}
	d := Detail{Row: rows[0], MayManage: r.MayManage(a.UserID), MayStaffManage: mayStaff(a, permission.StaffKeysManage)}
	for _, part := range []func(*gorm.DB, *Detail) error{s.people, s.owner, s.relatives, s.networks, s.calls, s.limits, s.stopper, s.bounds, s.taken} {
		if err := part(g, &d); err != nil {
			return Detail{}, err
		}
	}
	return d, nil
}

func (s *Store) people(g *gorm.DB, d *Detail) error {
	var found []struct {
		Creator, Revoker, Importer string
		ImportedAt                 *time.Time
		Member, Staff              int
	}
	err := g.Raw(`SELECT COALESCE(c.name, '') AS creator, COALESCE(r.name, '') AS revoker, COALESCE(w.name, '') AS importer, i.created_at AS imported_at,
		CASE WHEN COALESCE(r.staff_role, '') <> '' THEN 1 ELSE 0 END AS staff,
		CASE WHEN EXISTS (SELECT 1 FROM members m JOIN apps a ON a.organization_id = m.organization_id WHERE a.id = k.app_id AND m.user_id = k.revoked_by) THEN 1 ELSE 0 END AS member
		FROM keys k LEFT JOIN users c ON c.id = k.created_by LEFT JOIN users r ON r.id = k.revoked_by
		LEFT JOIN key_imports i ON i.id = k.import_id LEFT JOIN users w ON w.id = i.made_by WHERE k.id = ?`, d.ID).Scan(&found).Error
	if err != nil || len(found) == 0 {
		return err
	}
	f := found[0]
	d.CreatorName, d.ImportedAt, d.ImportedBy = f.Creator, f.ImportedAt, f.Importer
	d.Revoker = Revoker{RevokedByName: f.Revoker, RevokedByMember: f.Member == 1, RevokedByStaff: f.Staff == 1}
	if d.CreatedBy != nil || d.ImportedAt != nil {
		return nil
	}
	return s.program(g, d)
}

// program reads which key made one: the first that is told of it is who made it, unless that is archived by now.
func (s *Store) program(g *gorm.DB, d *Detail) error {
	var found []struct {
		Key
		Home db.ID
	}
	err := g.Raw(`SELECT p.id, p.name, p.prefix, p.last_four, a.organization_id AS home
		FROM (SELECT actor_kind, actor_id FROM audit_events WHERE target_id = ? AND at <= ? ORDER BY seq LIMIT 1) e
		JOIN keys p ON p.id = e.actor_id JOIN apps a ON a.id = p.app_id WHERE e.actor_kind = 'key'`, d.ID, d.CreatedAt).Scan(&found).Error
	if err == nil && len(found) > 0 {
		d.Program = &Program{found[0].Key, found[0].Home == d.OrganizationID}
	}
	return err
}

// relatives reads the keys that this one was rotated from and to; a new key whose rotation was undone is none of its successors.
func (s *Store) relatives(g *gorm.DB, d *Detail) error {
	var rows []Row
	err := g.Raw("SELECT "+rowColumns+rowTables+" WHERE (k.rotated_from = ? AND k.rotation_undone_at IS NULL) OR k.id = ?", d.ID, d.RotatedFrom).Scan(&rows).Error
	if err != nil {
		return err
	}
	if err := withGrants(g, rows); err != nil {
		return err
	}
	for i := range rows {
		if db.Deref(rows[i].RotatedFrom) == d.ID {
			d.Successor = &rows[i]
		} else {
			d.Predecessor = &rows[i]
		}
	}
	return nil
}

func (s *Store) networks(g *gorm.DB, d *Detail) error {
	err := g.Raw("SELECT key_id, network, first_used_at, last_used_at FROM key_network_uses WHERE key_id = ? ORDER BY last_used_at DESC, network", d.ID).Scan(&d.Networks).Error
	since := s.db.Now().Add(-24 * time.Hour)
	for _, n := range d.Networks {
		if n.LastUsedAt.After(since) {
			d.NetworksToday++
		}
	}
	return err
}
