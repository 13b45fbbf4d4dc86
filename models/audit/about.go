package audit

import (
	"strings"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// MostAbout bounds the things of an About: each is one more walk along an index.
const MostAbout = 20

// About is who or what events are about: those for which any of this holds. However long the log is, a page of what things did and had done to them is read along
// indexes in the log's order; of Words and Request all that fits is found first.
type About struct {
	Event         db.ID   // the event itself
	Things        []db.ID // who did it, or to what it was done; at most MostAbout
	Organizations []db.ID // in which it was done; at most MostAbout
	Request       string  // the request by which it was done
	Words         string  // how something begins that is kept of persons: an address, or a name
	Names         bool    // Words are looked for among the names of who acted, too: not where those are Things already
}

// source is SQL for the events that are about any of this, each once, for a FROM. It is in parts of which each is read in the order of an index; a part leaves out what
// those before it have. order is the one that is asked for afterwards.
func (a *About) source(dialect db.Dialect, order string) (string, []any) {
	u := union{open: "SELECT", shut: ""}
	if dialect == db.Postgres { // SQLite merges its parts in the order that is asked for, and PostgreSQL only where each of them says it
		u.open, u.shut = "(SELECT", " ORDER BY "+order+")"
	}
	u.parts("actor_id", a.Things)
	u.parts("target_id", a.Things)
	u.parts("organization_id", a.Organizations)
	if !a.Event.IsZero() {
		u.part("id = ?", a.Event)
		u.leaveOut("id", []db.ID{a.Event})
	}
	if a.Request != "" {
		u.part("request_id <> '' AND request_id = ?", a.Request) // as the index has it
	}
	if words := strings.TrimSpace(a.Words); words != "" {
		folded := foldedValue[dialect]
		found := "id IN (SELECT p.event_id FROM audit_personal p WHERE " + folded + " >= LOWER(?) AND " + folded + " < LOWER(?)"
		if !a.Names {
			found += " AND p.field <> 'actor'"
		}
		u.part(found+")", words, words+"\U0010FFFF")
	}
	if len(u.selects) == 0 {
		return "audit_events", nil
	}
	return "(" + strings.Join(u.selects, " UNION ALL ") + ") found", u.args
}

// foldedValue is what the index audit_personal_value orders by. PostgreSQL's other orders don't put what begins alike side by side.
var foldedValue = map[db.Dialect]string{db.SQLite: "LOWER(p.value)", db.Postgres: `LOWER(p.value) COLLATE "C"`}

// union grows part by part.
type union struct {
	open, shut string // of each part
	selects    []string
	args       []any
	out        string // SQL for what earlier parts don't have
	outArgs    []any
}

func (u *union) part(condition string, args ...any) {
	u.selects = append(u.selects, u.open+" * FROM audit_events WHERE "+condition+u.out+u.shut)
	u.args = append(append(u.args, args...), u.outArgs...)
}

// parts adds one for each id: with several in one, no index would give the order. They have nothing in common, since a column has one value.
func (u *union) parts(column string, ids []db.ID) {
	for _, id := range ids {
		u.part(column+" = ?", id)
	}
	u.leaveOut(column, ids)
}

func (u *union) leaveOut(column string, ids []db.ID) {
	if len(ids) > 0 {
		u.out += " AND (" + column + " IS NULL OR " + column + " NOT IN ?)"
		u.outArgs = append(u.outArgs, ids)
	}
}
