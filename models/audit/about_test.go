package audit_test

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// told is a log of few events whose details have a number each.
type told struct {
	mira, claire, org db.ID
	rows              []audit.Entry // the oldest first
}

func tell(t *testing.T, d *db.DB) (x told) {
	t.Helper()
	x.mira, x.claire, x.org = db.NewID(), db.NewID(), db.NewID()
	by := func(id db.ID, name, request string) actor.Actor {
		return actor.Actor{Kind: actor.User, UserID: id, Name: name, RequestID: request, Address: netip.MustParseAddr("203.0.113.7")}
	}
	err := d.Tx(t.Context(), func(tx *db.Tx) error {
		mira, claire := by(x.mira, "Mira Berg", "req_mira"), by(x.claire, "Claire Dubois", "req_claire")
		audit.Record(tx, mira, audit.Event{Act: audit.UserRoleChanged, TargetKind: "user", TargetID: x.claire, Details: map[string]string{"n": "1"}})
		audit.Record(tx, claire, audit.Event{Act: audit.UserRoleChanged, TargetKind: "user", TargetID: x.claire, Details: map[string]string{"n": "2"}})
		audit.Record(tx, claire, audit.Event{Act: audit.KeyRevoked, TargetKind: "key", TargetID: db.NewID(), OrganizationID: x.org, Details: map[string]string{"n": "3"}})
		audit.Record(tx, mira, audit.Event{Act: audit.InvitationResent, TargetKind: "invitation", TargetID: db.NewID(), OrganizationID: x.org, Details: map[string]string{"n": "4"}, Personal: map[string]string{"email": "Bob_1@example.com"}})
		audit.Record(tx, actor.ForSystem(), audit.Event{Act: audit.KeyRevoked, TargetKind: "key", TargetID: db.NewID(), Details: map[string]string{"n": "5"}})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	page, err := audit.List(t.Context(), d, audit.Filter{}, db.PageRequest{})
	if err != nil || len(page.Rows) != 5 {
		t.Fatal(len(page.Rows), err)
	}
	slices.Reverse(page.Rows)
	x.rows = page.Rows
	return x
}

// U2: what is asked about is found whoever did it and whatever it was done to, each event once and in the log's order, on pages and in files alike.
func TestEventsAreFoundByWhatTheyAreAbout(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		x := tell(t, d)
		for name, c := range map[string]struct {
			about audit.About
			want  string
		}{
			"a person who did and was done to":  {audit.About{Things: []db.ID{x.claire}}, "123"},
			"several":                           {audit.About{Things: []db.ID{x.claire, x.mira}}, "1234"},
			"an organization":                   {audit.About{Things: []db.ID{x.org}, Organizations: []db.ID{x.org}}, "34"},
			"an event":                          {audit.About{Event: x.rows[4].ID}, "5"},
			"any kind of id":                    {audit.About{Event: x.claire, Things: []db.ID{x.claire}, Organizations: []db.ID{x.claire}}, "123"},
			"a request":                         {audit.About{Request: "req_mira"}, "14"},
			"an address":                        {audit.About{Words: "bob_1@EXAMPLE.com"}, "4"},
			"how an address begins":             {audit.About{Words: "203.0.113."}, "1234"},
			"no pattern":                        {audit.About{Words: "Bob%"}, ""},
			"a name of who acted":               {audit.About{Words: "claire", Names: true}, "23"},
			"a name that is a thing":            {audit.About{Things: []db.ID{x.mira}, Words: "claire"}, "14"},
			"a person and an address of theirs": {audit.About{Things: []db.ID{x.claire}, Words: "203"}, "1234"},
			"nobody":                            {audit.About{Things: []db.ID{db.NewID()}}, ""},
		} {
			var listed, filed []string
			page, err := audit.List(t.Context(), d, audit.Filter{About: &c.about}, db.PageRequest{Size: 2})
			for ; err == nil; page, err = audit.List(t.Context(), d, audit.Filter{About: &c.about}, db.PageRequest{Size: 2, After: page.Next}) {
				for _, e := range page.Rows {
					listed = append([]string{e.Facts["n"]}, listed...)
				}
				if page.Next == "" {
					break
				}
			}
			if err == nil {
				err = audit.Each(t.Context(), d, audit.Filter{About: &c.about, Act: ""}, func(e audit.Entry) error { filed = append(filed, e.Facts["n"]); return nil })
			}

			if got := strings.Join(listed, ""); err != nil || got != c.want || strings.Join(filed, "") != c.want {
				t.Errorf("%s: %q and %q, want %q (%v)", name, got, filed, c.want, err)
			}
		}
	})
}

// U8: what was erased does not find anything any more.
func TestErasedWordsFindNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		tell(t, d)
		if err := d.Tx(t.Context(), func(tx *db.Tx) error { return audit.EraseValue(tx, "Bob_1@example.com") }); err != nil {
			t.Fatal(err)
		}

		page, err := audit.List(t.Context(), d, audit.Filter{About: &audit.About{Words: "bob_1@example.com", Names: true}}, db.PageRequest{})

		if err != nil || len(page.Rows) != 0 {
			t.Error(len(page.Rows), err)
		}
	})
}

var (
	readsWholeLog = regexp.MustCompile(`(?m)SCAN (audit_personal|audit_events|p)\b|Seq Scan on audit_`)
	sortsEvents   = regexp.MustCompile(`TEMP B-TREE FOR ORDER BY|(?m)^\s*(->\s+)?Sort  \(`) // PostgreSQL's incremental sort orders what has one number: one event
)

// L4: however long the log is, what things did and had done to them is read along indexes in the log's order, from the first page on; words and requests are found by
// an index, and nothing reads the log from its beginning.
func TestWhatEventsAreAboutIsFoundByIndexes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		ids := []db.ID{db.NewID(), db.NewID(), db.NewID()}
		reads := dbtest.Reads(t, d)
		for name, c := range map[string]struct {
			about   audit.About
			ordered bool
			indexes []string
		}{
			"one":     {audit.About{Things: ids[:1]}, true, []string{"audit_events_actor", "audit_events_target"}},
			"several": {audit.About{Things: ids, Organizations: ids[:2]}, true, []string{"audit_events_actor", "audit_events_target", "audit_events_organization"}},
			"request": {audit.About{Request: "req_1"}, true, []string{"audit_events_request"}},
			"words":   {audit.About{Things: ids, Words: "ada@"}, false, []string{"audit_personal_value", "audit_events_actor"}},
		} {
			reads()
			if _, err := audit.List(t.Context(), d, audit.Filter{About: &c.about}, db.PageRequest{}); err != nil {
				t.Fatal(name, err)
			}
			if err := audit.Each(t.Context(), d, audit.Filter{About: &c.about}, func(audit.Entry) error { return nil }); err != nil {
				t.Fatal(name, err)
			}

			for _, s := range reads() {
				plan := dbtest.Plan(t, d, s)
				missing := slices.IndexFunc(c.indexes, func(index string) bool { return !strings.Contains(plan, index) }) >= 0
				if readsWholeLog.MatchString(plan) || missing || c.ordered && sortsEvents.MatchString(plan) {
					t.Errorf("%s: %s\n%s", name, s.SQL, plan)
				}
			}
		}
	})
}
