package review

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/staffrole"
)

// Chosen is somebody about whom is decided, with the role that whoever decides saw them have.
type Chosen struct {
	UserID db.ID
	Role   string
}

// Input is what is decided about several people.
type Input struct {
	People []Chosen
	Act    string
	To     string // of Demote: the role that they get
	Note   string // why; required of Keep
}

func (in *Input) check() error {
	var p fault.Problems
	in.Note = strings.TrimSpace(in.Note)
	p.Check(len(in.People) > 0, "person", "Choose somebody.")
	p.Check(len(in.People) <= AtOnce, "person", "Choose at most %d people at once.", AtOnce)
	p.Check(slices.Contains([]string{Keep, Demote, Remove}, in.Act), "act", "Choose what happens.")
	p.Check(in.Act != Keep || in.Note != "", "note", "Say why they keep the role.")
	p.Check(utf8.RuneCountInString(in.Note) <= MaxNote, "note", "Use at most %d characters.", MaxNote)
	p.Check(in.Act != Demote || in.To != "", "act", "Choose the role that they get.")
	in.Note = audit.Clean(in.Note)
	if in.Act != Demote {
		in.To = ""
	}
	slices.SortFunc(in.People, func(a, b Chosen) int { return strings.Compare(a.UserID.String(), b.UserID.String()) })
	in.People = slices.CompactFunc(in.People, func(a, b Chosen) bool { return a.UserID == b.UserID })
	return p.Err()
}

// Decide decides about people of the list, all or none, within the review that is open, which it opens when there is none. Who loses the role of an organization or
// of staff loses it at once. Faults: NotFound and Forbidden, also for oneself and for staff whose role goes beyond the actor's own, Invalid about
// "person", "act" or "note", Conflict for who is not on the list any more, or not with that role, for the last owner and for the last admin.
func (s *Store) Decide(ctx context.Context, a actor.Actor, scope Scope, in Input) error {
	if err := in.check(); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		id, lines, err := s.open(tx, a, scope)
		if err != nil {
			return err
		}
		for _, who := range in.People {
			i := slices.IndexFunc(lines, func(l Line) bool { return l.UserID == who.UserID && l.Role == who.Role })
			if i < 0 {
				return fault.New(fault.Conflict, "The list changed meanwhile. Nothing was saved: look at it again.")
			}
			if err := s.decide(tx, a, scope, id, lines[i], in); err != nil {
				return err
			}
		}
		return nil
	})
}

// open finds the review that decisions are added to, or opens one, and reads who waits. Nobody else decides in the scope until the commit.
func (s *Store) open(tx *db.Tx, a actor.Actor, scope Scope) (db.ID, []Line, error) {
	if err := may(tx.DB, a, scope); err != nil {
		return db.ID{}, nil, err
	}
	if !a.SignedIn() { // a person answers for what is decided
		return db.ID{}, nil, fault.New(fault.Unauthenticated, "Sign in to go on.")
	}
	var organization *db.ID
	if !scope.OfStaff() {
		organization = &scope.Organization
		if err := org.LockMembers(tx, scope.Organization); err != nil {
			return db.ID{}, nil, err
		}
	}
	if _, err := tx.Run("INSERT INTO reviews (id, scope, organization_id, opened_by, opened_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT (scope) WHERE finished_at IS NULL DO NOTHING",
		db.NewID(), scope.String(), organization, a.UserID, tx.Now); err != nil {
		return db.ID{}, nil, err
	}
	query := "SELECT id FROM reviews WHERE scope = ? AND finished_at IS NULL"
	if tx.Home.Dialect == db.Postgres {
		query += " FOR UPDATE"
	}
	var ids []db.ID
	if err := tx.Raw(query, scope.String()).Scan(&ids).Error; err != nil {
		return db.ID{}, nil, err
	}
	if len(ids) == 0 { // somebody finished it just now
		return db.ID{}, nil, fault.New(fault.Conflict, "The list changed meanwhile. Nothing was saved: look at it again.")
	}
	if err := may(tx.DB, a, scope); err != nil { // what was so before the lock
		return db.ID{}, nil, err
	}
	lines, err := due(tx.DB, scope, tx.Now)
	return ids[0], lines, err
}

// decide does to one what the input says, and writes it down.
func (s *Store) decide(tx *db.Tx, a actor.Actor, scope Scope, review db.ID, l Line, in Input) error {
	if l.UserID == a.UserID {
		return fault.New(fault.Forbidden, "Nobody decides about their own role. Somebody else who can see this list does.")
	}
	if l.Above(a) {
		return fault.New(fault.Forbidden, "This person’s role goes beyond your own. Somebody who may do all that it allows can do this.")
	}
	if err := s.act(tx, a, scope, l, in); err != nil {
		return err
	}
	if _, err := tx.Run(`INSERT INTO review_decisions (id, review_id, user_id, role, unused, factorless, used_at, act, to_role, note, decided_by, decided_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		db.NewID(), review, l.UserID, l.Role, l.Unused, l.Factorless, l.UsedAt(), in.Act, in.To, in.Note, a.UserID, tx.Now); err != nil {
		return err
	}
	e := audit.Event{Act: audit.ReviewDecided, TargetKind: "user", TargetID: l.UserID, OrganizationID: scope.Organization, Details: map[string]string{"decision": in.Act, "role": l.Role}, Personal: map[string]string{"note": in.Note}}
	if in.To != "" {
		e.Details["to"] = in.To
	}
	audit.Record(tx, a, e)
	return nil
}

// act changes the role by the store that keeps it.
func (s *Store) act(tx *db.Tx, a actor.Actor, scope Scope, l Line, in Input) error {
	switch {
	case in.Act == Keep:
		return nil
	case in.Act == Remove && scope.OfStaff():
		return s.accounts.SetStaffRoleTx(tx, a, l.UserID, "")
	case in.Act == Remove:
		return s.handover.RemoveTx(tx, a, scope.Organization, l.UserID)
	}
	if lower, err := lowers(tx.DB, scope, l, in.To); err != nil || !lower {
		return orNotLower(err)
	}
	if scope.OfStaff() {
		return s.accounts.SetStaffRoleTx(tx, a, l.UserID, in.To)
	}
	return s.orgs.SetRoleTx(tx, a, scope.Organization, l.UserID, in.To)
}

// Lowers reports whether a role is below that of each of the lines, so that Demote can give it. It tells only what the lines and the table of roles hold.
func (s *Store) Lowers(ctx context.Context, scope Scope, lines []Line, to string) (bool, error) {
	for _, l := range lines {
		if lower, err := lowers(s.db.Read(ctx), scope, l, to); err != nil || !lower {
			return false, err
		}
	}
	return true, nil
}

// lowers reports whether a role is below the line's: of staff, whether it allows less and nothing else.
func lowers(g *gorm.DB, scope Scope, l Line, to string) (bool, error) {
	if !scope.OfStaff() {
		i := slices.Index(org.Roles, to)
		return i >= 0 && i < slices.Index(org.Roles, l.Role), nil
	}
	full, err := staffrole.Expand(g, to)
	has, gets := permission.Of(l.Effective), permission.Of(full)
	return staffrole.CanBe(to) && len(gets) < len(has) && len(permission.Beyond(l.Effective, gets)) == 0, err
}

func orNotLower(err error) error {
	if err != nil {
		return err
	}
	return fault.BadField("act", "This role is not below the one that somebody of them has.")
}

// pauseBetween is how soon a review without a decision can follow another.
const pauseBetween = 24 * time.Hour

// Finish ends the review that is open; who still waits stays on the list, and the record says how many. One without any decision says that somebody looked. Faults:
// NotFound, Forbidden, Conflict for one without a decision when the last was finished less than a day ago.
func (s *Store) Finish(ctx context.Context, a actor.Actor, scope Scope) (db.ID, error) {
	var id db.ID
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		review, lines, err := s.open(tx, a, scope)
		if err != nil {
			return err
		}
		var n struct{ Decided, Recent int64 }
		if err := tx.Raw(`SELECT (SELECT COUNT(*) FROM review_decisions WHERE review_id = ?) AS decided, (SELECT COUNT(*) FROM reviews WHERE scope = ? AND finished_at > ?) AS recent`,
			review, scope.String(), tx.Now.Add(-pauseBetween)).Scan(&n).Error; err != nil {
			return err
		}
		if n.Decided == 0 && n.Recent > 0 {
			return fault.New(fault.Conflict, "A review was finished less than a day ago, and nothing was decided since.")
		}
		if _, err := tx.Run("UPDATE reviews SET finished_by = ?, finished_at = ?, left_open = ? WHERE id = ?", a.UserID, tx.Now, len(lines), review); err != nil {
			return err
		}
		id = review
		audit.Record(tx, a, audit.Event{
			Act: audit.ReviewFinished, TargetKind: "review", TargetID: review, OrganizationID: scope.Organization,
			Details: map[string]string{"decided": strconv.FormatInt(n.Decided, 10), "left": strconv.Itoa(len(lines))},
		})
		return nil
	})
	return id, err
}
