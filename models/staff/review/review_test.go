package review_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/catalog/catalogtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/handover"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/staff/review"
	"github.com/gatehouse-dev/gatehouse/models/staffrole"
)

const day = 24 * time.Hour

// world is Northwind with its owner, who signs in and has a second factor, and whoever a test adds.
type world struct {
	*catalogtest.World
	*testing.T
	clock *dbtest.Clock
	store *review.Store
	north review.Scope
}

func each(t *testing.T, body func(w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		root, err := secret.Parse("kT7Q0mX2vB9sLrE4wYzA6uHdJc1NpFgi", "")
		if err != nil {
			t.Fatal(err)
		}
		w := &world{World: catalogtest.New(t, d), T: t, clock: clock}
		link := func(p string) string { return "https://portal.example" + p }
		keys := key.NewStore(key.Options{DB: d, Outbox: w.Outbox, Root: root, Brand: "gk", Link: link})
		w.store = review.NewStore(review.Options{
			DB: d, Accounts: account.NewStore(account.Options{DB: d, Outbox: w.Outbox, Link: link}), Orgs: w.Org, Outbox: w.Outbox, Link: link,
			Handover: handover.NewStore(handover.Options{DB: d, Outbox: w.Outbox, Keys: keys, Link: link}),
		})
		w.north = review.Scope{Organization: w.North}
		w.factor(w.Owner)
		body(w)
	})
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) is(err error, kind fault.Kind) {
	w.Helper()
	if !fault.Is(err, kind) {
		w.Errorf("%v, want %v", err, kind)
	}
}

func (w *world) run(query string, args ...any) {
	w.Helper()
	w.Tx(func(tx *db.Tx) error {
		_, err := tx.Run(query, args...)
		return err
	})
}

// factor gives somebody a second factor.
func (w *world) factor(a actor.Actor) {
	w.Helper()
	w.run("INSERT INTO factors (id, user_id, kind, name, confirmed_at, created_at) VALUES (?, ?, 'totp', 'App', ?, ?)", db.NewID(), a.UserID, w.DB.Now(), w.DB.Now())
}

// signIn has somebody sign in now.
func (w *world) signIn(a actor.Actor) {
	w.Helper()
	w.run("UPDATE users SET last_signed_in_at = ? WHERE id = ?", w.DB.Now(), a.UserID)
}

// member is somebody new with a role in Northwind.
func (w *world) member(name, role string) actor.Actor {
	w.Helper()
	a := w.Person(name, "")
	w.Join(w.North, a, role)
	return a
}

// waiting are those on the list, with why.
func (w *world) waiting(a actor.Actor, scope review.Scope) string {
	w.Helper()
	lines, err := w.store.Waiting(w.Context(), a, scope)
	w.ok(err)
	var out []string
	for _, l := range lines {
		why := l.Name
		if l.Unused {
			why += " unused"
		}
		if l.Factorless {
			why += " factorless"
		}
		out = append(out, why)
	}
	return strings.Join(out, ", ")
}

func (w *world) list(want string) {
	w.Helper()
	if got := w.waiting(w.Owner, w.north); got != want {
		w.Errorf("the list is %q, want %q", got, want)
	}
}

func about(act, to string, role string, people ...actor.Actor) review.Input {
	in := review.Input{Act: act, To: to, Note: "Looked at it"}
	for _, p := range people {
		in.People = append(in.People, review.Chosen{UserID: p.UserID, Role: role})
	}
	return in
}

func (w *world) decide(in review.Input) error {
	return w.store.Decide(w.Context(), w.Owner, w.north, in)
}

// Z7: owners and admins who did not use the portal for 90 days are on the list, by their last sign-in or the last request of a session, and so is who has no second factor.
func TestWhoIsUnusedOrHasNoFactorIsOnTheList(t *testing.T) {
	each(t, func(w *world) {
		ann, bob, cas, dev, vic := w.member("Ann", "owner"), w.member("Bob", "admin"), w.member("Cas", "admin"), w.member("Dev", "developer"), w.member("Vic", "viewer")
		for _, a := range []actor.Actor{ann, bob, cas, dev} {
			w.factor(a)
		}
		w.list("Vic factorless")
		w.clock.Advance(89 * day)
		w.signIn(w.Owner)
		w.signIn(bob)
		w.run("INSERT INTO sessions (id, digest, user_id, reauthenticated_at, last_seen_at, expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)", db.NewID(), []byte("digest"), cas.UserID, w.DB.Now(), w.DB.Now(), w.DB.Now(), w.DB.Now())
		w.list("Vic factorless")

		w.clock.Advance(day)

		w.list("Ann unused, Vic factorless") // Ann never came, Bob signed in, Cas was here; Dev is no admin
		_ = vic
	})
}

// Who is kept is not asked about again for 90 days, as long as they are who they were: a higher role, or another reason, brings them back.
func TestNobodyIsAskedAgainFor90DaysUnlessSomethingChanges(t *testing.T) {
	each(t, func(w *world) {
		vic, dev := w.member("Vic", "viewer"), w.member("Dev", "viewer")
		w.list("Dev factorless, Vic factorless")

		w.ok(w.decide(about(review.Keep, "", "viewer", vic, dev)))
		w.list("")
		w.ok(w.Org.SetRole(w.Context(), w.Owner, w.North, vic.UserID, "admin"))
		w.list("Vic factorless")
		w.ok(w.decide(about(review.Keep, "", "admin", vic)))
		w.list("")
		w.clock.Advance(89 * day)
		w.signIn(w.Owner)
		w.list("")
		w.clock.Advance(day)

		w.list("Dev factorless, Vic unused factorless")
	})
}

// Who was kept without a second factor is asked about again once they do not use their role, either.
func TestAnotherReasonAsksAgain(t *testing.T) {
	each(t, func(w *world) {
		bob := w.member("Bob", "admin")
		w.clock.Advance(30 * day)
		w.ok(w.decide(about(review.Keep, "", "admin", bob)))
		w.list("")

		w.clock.Advance(61 * day)
		w.signIn(w.Owner)

		w.list("Bob unused factorless")
	})
}

// Z5, Z7: what is decided is done by the stores that keep roles, at once, for several people together or for none.
func TestADecisionIsDoneAtOnceForAllOrNone(t *testing.T) {
	each(t, func(w *world) {
		ann, bob, vic := w.member("Ann", "admin"), w.member("Bob", "admin"), w.member("Vic", "viewer")
		role := func(a actor.Actor) string {
			r, err := org.RoleOf(w.DB.Read(context.Background()), a.UserID, w.North)
			w.ok(err)
			return r
		}

		w.is(w.decide(about(review.Demote, "admin", "admin", ann, bob)), fault.Invalid)           // not lower
		w.is(w.decide(about(review.Demote, "viewer", "viewer", vic)), fault.Invalid)              // nothing is
		w.is(w.decide(about(review.Demote, "developer", "admin", ann, bob, vic)), fault.Conflict) // Vic is no admin
		before := role(ann) + role(bob) + role(vic)
		w.ok(w.decide(about(review.Demote, "developer", "admin", ann, bob)))
		w.ok(w.decide(about(review.Remove, "", "viewer", vic)))

		if after := role(ann) + role(bob) + role(vic); before != "adminadminviewer" || after != "developerdeveloper" {
			w.Errorf("%s, then %s", before, after)
		}
		w.list("Ann factorless, Bob factorless")
		if got := w.Mails("vic@example.com"); !slices.Contains(got, "member_removed") {
			w.Error("who was removed is not told:", got)
		}
	})
}

// Z5: only owners see the list and decide, about others than themselves, and of their own organization alone.
func TestNobodyDecidesAboutThemselvesOrBeyondTheirRole(t *testing.T) {
	each(t, func(w *world) {
		ann, bob, vic := w.member("Ann", "owner"), w.member("Bob", "admin"), w.member("Vic", "viewer")

		w.is(w.store.Decide(w.Context(), ann, w.north, about(review.Keep, "", "owner", ann)), fault.Forbidden)
		for name, a := range map[string]actor.Actor{"admin": bob, "viewer": vic, "staff": w.Staff} {
			want := fault.Forbidden
			if name == "staff" {
				want = fault.NotFound
			}
			_, err := w.store.Waiting(w.Context(), a, w.north)
			w.is(err, want)
			w.is(w.store.Decide(w.Context(), a, w.north, about(review.Keep, "", "viewer", vic)), want)
			_, err = w.store.Finish(w.Context(), a, w.north)
			w.is(err, want)
		}
		_, err := w.store.Waiting(w.Context(), bob, w.north)
		if f := fault.As(err); f == nil || f.Lacks != string(permission.OwnersManage) {
			w.Error(err)
		}
		w.ok(w.store.Decide(w.Context(), ann, w.north, about(review.Keep, "", "viewer", vic)))
		id, err := w.store.Finish(w.Context(), ann, w.north)
		w.ok(err)
		_, _, err = w.store.Record(w.Context(), w.Other, review.Scope{Organization: w.Contoso}, id)
		w.is(err, fault.NotFound)
		_, _, err = w.store.Record(w.Context(), w.Staff, review.Scope{}, id)
		w.is(err, fault.NotFound)
	})
}

// Z5: of the staff nobody decides about who stands above them, a role is only ever lowered, and the last admin stays.
func TestStaffAreReviewedWithinTheReviewersRole(t *testing.T) {
	each(t, func(w *world) {
		roles, ctx := staffrole.NewStore(w.DB), w.Context()
		clerk, err := roles.Create(ctx, w.Staff, staffrole.Input{Name: "Clerk", Permissions: []permission.Name{permission.StaffRolesManage, permission.StaffAuditRead}})
		w.ok(err)
		all, err := roles.Create(ctx, w.Staff, staffrole.Input{Name: "All", Permissions: permission.OfStaff()})
		w.ok(err)
		kim, lee, mia := w.Person("Kim", clerk.ID.String()), w.Person("Lee", all.ID.String()), w.Person("Mia", permission.Auditor)
		kim.StaffRole, lee.StaffRole = clerk.Full(), all.Full()
		staff := review.Scope{}
		w.factor(w.Support)
		if got := w.waiting(kim, staff); !strings.Contains(got, "Kim factorless, Lee factorless, Mia factorless") {
			w.Error(got)
		}

		w.is(w.store.Decide(ctx, kim, staff, about(review.Keep, "", all.ID.String(), lee)), fault.Forbidden)
		w.is(w.store.Decide(ctx, kim, staff, about(review.Remove, "", permission.Auditor, mia)), fault.Forbidden)
		w.is(w.store.Decide(ctx, lee, staff, about(review.Remove, "", permission.StaffAdmin, w.Staff)), fault.Conflict)
		w.is(w.store.Decide(ctx, lee, staff, about(review.Demote, permission.Support, permission.Auditor, mia)), fault.Invalid)
		w.is(w.store.Decide(ctx, w.Support, staff, about(review.Keep, "", permission.Auditor, mia)), fault.Forbidden)
		w.ok(w.store.Decide(ctx, w.Staff, staff, about(review.Demote, permission.Auditor, all.ID.String(), lee)))
		w.ok(w.store.Decide(ctx, w.Staff, staff, about(review.Remove, "", permission.Auditor, mia)))

		if got := w.waiting(w.Staff, staff); strings.Contains(got, "Mia") || !strings.Contains(got, "Lee") {
			w.Error(got)
		}
	})
}

// U1: a finished review stays as a record of who decided what, when and why; what was left is counted, and each decision is in the audit log.
func TestAFinishedReviewIsARecord(t *testing.T) {
	each(t, func(w *world) {
		ann, vic := w.member("Ann", "admin"), w.member("Vic", "viewer")
		w.ok(w.decide(about(review.Demote, "viewer", "admin", ann)))
		id, err := w.store.Finish(w.Context(), w.Owner, w.north)
		w.ok(err)
		_, err = w.store.Finish(w.Context(), w.Owner, w.north)
		w.is(err, fault.Conflict)
		w.ok(w.decide(about(review.Keep, "", "viewer", vic)))

		r, decided, err := w.store.Record(w.Context(), w.Owner, w.north, id)
		w.ok(err)
		all, err := w.store.Reviews(w.Context(), w.Owner, w.north)
		w.ok(err)

		if r.FinishedAt == nil || r.LeftOpen != 2 || r.FinishedBy != w.Owner.Name || r.Decided != 1 || len(all) != 2 || all[0].FinishedAt != nil {
			w.Errorf("%+v %+v", r, all)
		}
		if len(decided) != 1 || decided[0].Name != "Ann" || decided[0].Act != review.Demote || decided[0].Role != "admin" || decided[0].ToRole != "viewer" || decided[0].Note != "Looked at it" || decided[0].DecidedBy != w.Owner.Name || !decided[0].Factorless {
			w.Errorf("%+v", decided)
		}
		var acts []string
		w.ok(w.DB.Read(w.Context()).Raw("SELECT act FROM audit_events WHERE organization_id = ? ORDER BY seq", w.North).Scan(&acts).Error)
		for _, act := range []audit.Act{audit.MemberRoleChanged, audit.ReviewDecided, audit.ReviewFinished} {
			if !slices.Contains(acts, string(act)) {
				w.Errorf("%s is not in %v", act, acts)
			}
		}
	})
}

// Of owners who decide about one person at once, one does; the others are told that the list changed.
func TestParallelDecisionsAboutOnePersonAreOne(t *testing.T) {
	each(t, func(w *world) {
		vic, ann := w.member("Vic", "viewer"), w.member("Ann", "owner")
		w.factor(ann)
		results := make(chan error, 10)
		var all sync.WaitGroup
		for i := range 10 {
			all.Go(func() {
				results <- w.store.Decide(context.Background(), []actor.Actor{w.Owner, ann}[i%2], w.north, about(review.Keep, "", "viewer", vic))
			})
		}
		all.Wait()
		close(results)

		done := 0
		for err := range results {
			if err == nil {
				done++
			} else if !fault.Is(err, fault.Conflict) {
				w.Error(err)
			}
		}
		var reviews, decisions int64
		w.ok(w.DB.Read(w.Context()).Raw("SELECT COUNT(*) FROM reviews").Scan(&reviews).Error)
		w.ok(w.DB.Read(w.Context()).Raw("SELECT COUNT(*) FROM review_decisions").Scan(&decisions).Error)
		if done != 1 || reviews != 1 || decisions != 1 {
			w.Errorf("%d were done, in %d reviews with %d decisions", done, reviews, decisions)
		}
	})
}

// Owners and admins are mailed once each quarter, whatever the number of replicas, while somebody waits about whom they can decide.
func TestRemindersComeOnceAQuarter(t *testing.T) {
	each(t, func(w *world) {
		w.factor(w.Staff) // of the staff Support waits, about whom the admin decides
		count := func() (n int64) {
			w.ok(w.DB.Read(w.Context()).Raw("SELECT COUNT(*) FROM mails WHERE kind = 'review_due'").Scan(&n).Error)
			return n
		}
		remind := func() {
			var all sync.WaitGroup
			for range 3 {
				all.Go(func() { w.ok(w.store.Remind(context.Background())) })
			}
			all.Wait()
		}
		vic := w.member("Vic", "viewer")
		w.signIn(w.Owner)
		remind()
		young := count()
		w.clock.Advance(31 * day) // 22 December
		remind()
		first := count()
		w.clock.Advance(5 * day)
		remind()
		same := count()
		w.clock.Advance(10 * day) // January
		w.signIn(w.Owner)
		remind()
		next := count()
		w.ok(w.decide(about(review.Keep, "", "viewer", vic)))
		w.clock.Advance(85 * day) // April; Vic is kept until then
		w.signIn(w.Owner)
		w.signIn(w.Staff)
		w.signIn(w.Support)
		w.factor(w.Support)
		w.run("DELETE FROM members WHERE organization_id <> ?", w.North)
		remind()

		if young != 1 || first != 2 || same != first || next != 4 || count() != next { // of the staff at once, of Northwind once it is settled
			w.Errorf("%d, %d, %d, %d, %d", young, first, same, next, count())
		}
	})
}

// A12: an owner whom their organization keeps out for want of a second factor decides nothing there, and is not reminded of it.
func TestWhoIsKeptOutIsNotReminded(t *testing.T) {
	each(t, func(w *world) {
		w.member("Vic", "viewer")
		has, none, vouched := w.member("Olga", "owner"), w.member("Otto", "owner"), w.member("Ossi", "owner")
		w.factor(has)
		w.run("INSERT INTO identities (id, user_id, issuer, subject, factor_at, created_at) VALUES (?, ?, 'https://login.example', 'ossi', ?, ?)", db.NewID(), vouched.UserID, w.DB.Now(), w.DB.Now())
		w.run("UPDATE organizations SET factor_from = ? WHERE id = ?", w.DB.Now(), w.North)
		w.clock.Advance(31 * day)

		w.ok(w.store.Remind(w.Context()))

		var to []db.ID
		w.ok(w.DB.Read(w.Context()).Raw("SELECT user_id FROM mails WHERE kind = 'review_due'").Scan(&to).Error)
		if !slices.Contains(to, has.UserID) || !slices.Contains(to, vouched.UserID) || slices.Contains(to, none.UserID) {
			w.Errorf("%v are reminded: %v has a factor, %v at a provider, %v none", to, has.UserID, vouched.UserID, none.UserID)
		}
	})
}

// An organization that is gone for good leaves no reviews.
func TestReviewsGoWithTheOrganization(t *testing.T) {
	each(t, func(w *world) {
		vic := w.member("Vic", "viewer")
		w.ok(w.decide(about(review.Keep, "", "viewer", vic)))
		w.ok(w.Org.Delete(w.Context(), w.Owner, w.North, "Northwind"))
		w.clock.Advance(31 * day)

		w.ok(w.Org.Purge(w.Context()))

		var left int64
		w.ok(w.DB.Read(w.Context()).Raw("SELECT (SELECT COUNT(*) FROM reviews) + (SELECT COUNT(*) FROM review_decisions)").Scan(&left).Error)
		if left != 0 {
			w.Errorf("%d rows are left", left)
		}
	})
}

func TestQuartersAreThoseOfTheYear(t *testing.T) {
	for at, want := range map[string]string{"2026-01-01T00:00:00Z": "2026Q1", "2026-03-31T23:59:59Z": "2026Q1", "2026-04-01T00:00:00Z": "2026Q2", "2026-12-31T23:00:00Z": "2026Q4", "2027-01-01T00:30:00+01:00": "2026Q4"} {
		moment, err := time.Parse(time.RFC3339, at)
		if got := review.Quarter(moment); err != nil || got != want {
			t.Errorf("%s: %s, want %s", at, got, want)
		}
	}
}
