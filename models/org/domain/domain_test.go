package domain_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/testenv"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog/catalogtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/org/domain"
)

// world is Northwind and Contoso with their owners, Vera, who belongs to nobody, and a DNS server. All addresses are of example.com.
type world struct {
	*catalogtest.World
	t     *testing.T
	clock *dbtest.Clock
	dns   *testenv.DNS
	store *domain.Store
	admin actor.Actor
	vera  actor.Actor
}

func each(t *testing.T, body func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := &world{World: catalogtest.New(t, d), t: t, clock: clock, dns: testenv.StartDNS(t)}
		w.store = domain.NewStore(domain.Options{DB: d, Outbox: w.Outbox, Link: func(p string) string { return "https://portal.example" + p }, DNS: domain.DNS{Server: w.dns.Addr}})
		w.admin, w.vera = w.Person("Ann Admin", ""), w.Person("Vera View", "")
		w.Join(w.North, w.admin, "admin")
		body(t, w)
	})
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) want(what string, err error, kind fault.Kind) {
	w.t.Helper()
	if !fault.Is(err, kind) {
		w.t.Errorf("%s: %v, want %s", what, err, kind)
	}
}

func (w *world) claim(a actor.Actor, organization db.ID, name string) domain.Domain {
	w.t.Helper()
	d, err := w.store.Claim(context.Background(), a, organization, name)
	w.ok(err)
	return d
}

// publish puts the record of a claim into DNS.
func (w *world) publish(d domain.Domain) {
	name, value := d.Record()
	w.dns.Set(name, "v=spf1 -all", value)
}

func (w *world) proven(name string) domain.Domain {
	w.t.Helper()
	d := w.claim(w.Owner, w.North, name)
	w.publish(d)
	d, err := w.store.Check(context.Background(), w.Owner, w.North, d.ID)
	w.ok(err)
	if !d.Proven() {
		w.t.Fatalf("%+v", d)
	}
	return d
}

// of is the organization that has an address.
func (w *world) of(address string) db.ID {
	w.t.Helper()
	id, _, ok, err := domain.Of(w.DB.Read(context.Background()), address)
	w.ok(err)
	if ok == id.IsZero() {
		w.t.Fatal(id, ok)
	}
	return id
}

func (w *world) role(a actor.Actor, organization db.ID) string {
	w.t.Helper()
	role, err := org.RoleOf(w.DB.Read(context.Background()), a.UserID, organization)
	w.ok(err)
	return role
}

func (w *world) mails(kind string) (n int) {
	w.t.Helper()
	w.ok(w.DB.Read(context.Background()).Raw("SELECT COUNT(*) FROM mails WHERE kind = ?", kind).Scan(&n).Error)
	return n
}

func TestADomainIsProvenByItsRecordAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d := w.claim(w.Owner, w.North, " @Example.COM. ")
		name, value := d.Record()
		steps := []struct {
			texts   []string
			finding domain.Finding
		}{{nil, domain.Missing}, {[]string{"x"}, domain.Another}, {[]string{value + "x", strings.ToUpper(value)}, domain.Another}, {[]string{"x", value}, domain.Found}}

		for _, s := range steps {
			w.dns.Set(name, s.texts...)
			got, err := w.store.Check(t.Context(), w.Owner, w.North, d.ID)

			w.ok(err)
			if got.Finding != s.finding || got.Proven() != (s.finding == domain.Found) || (w.of("a@example.com") == w.North) != got.Proven() {
				t.Errorf("%v: %+v", s.texts, got)
			}
		}
		if w.of("a@sub.example.com") != (db.ID{}) || w.of("a@notexample.com") != (db.ID{}) || w.of("example.com") != (db.ID{}) || name != "_gatehouse-challenge.example.com" {
			t.Error("more than the domain is proven")
		}
		for _, asked := range w.dns.Asked() {
			if asked != name+"." {
				t.Errorf("asked for %s", asked)
			}
		}
	})
}

func TestADomainIsOneOrganizationsAtATime(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		mine, theirs := w.claim(w.Owner, w.North, "example.com"), w.claim(w.Other, w.Contoso, "EXAMPLE.com")
		name, value := mine.Record()
		_, other := theirs.Record()
		w.dns.Set(name, value, other)

		var wait sync.WaitGroup
		errs := make([]error, 20)
		for i := range errs {
			wait.Go(func() {
				if i%2 == 0 {
					_, errs[i] = w.store.Check(context.Background(), w.Owner, w.North, mine.ID)
				} else {
					_, errs[i] = w.store.Check(context.Background(), w.Other, w.Contoso, theirs.ID)
				}
			})
		}
		wait.Wait()

		holder, refused := w.of("a@example.com"), 0
		for i, err := range errs {
			if err != nil {
				w.want("check", err, fault.Conflict)
				refused++
				if (i%2 == 0) == (holder == w.North) {
					t.Error("refused to who has it")
				}
			}
		}
		if refused != 10 {
			t.Errorf("%d refused", refused)
		}
	})
}

func TestAProofEndsADayAfterAWeekWithoutItsRecord(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d := w.proven("example.com")
		w.ok(w.store.SetJoinRole(t.Context(), w.Owner, w.North, d.ID, "viewer"))
		name, _ := d.Record()
		w.dns.Set(name)
		day := func() {
			w.clock.Advance(domain.Again)
			w.ok(w.store.Recheck(t.Context()))
		}

		for range 7 {
			day()
			if w.of("a@example.com") != w.North {
				t.Fatal("lost too early")
			}
		}
		warned, lost := w.mails("domain_missing"), w.mails("domain_lost")
		day()

		_, open, err := w.store.Joinable(t.Context(), w.vera)
		if err != nil || open || w.of("a@example.com") != (db.ID{}) || warned != 2 || lost != 0 || w.mails("domain_lost") != 2 {
			t.Error(err, open, warned, lost, w.mails("domain_lost"))
		}
		w.publish(d)
		back, err := w.store.Check(t.Context(), w.Owner, w.North, d.ID)
		if err != nil || !back.Proven() || back.JoinRole != "" {
			t.Errorf("%v %+v", err, back)
		}
	})
}

func TestARecordThatIsBackKeepsTheProof(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d := w.proven("example.com")
		name, _ := d.Record()
		for range 3 {
			w.dns.Set(name)
			w.clock.Advance(domain.Again)
			w.ok(w.store.Recheck(t.Context()))
			w.publish(d)
			w.clock.Advance(4 * domain.Again)
			w.ok(w.store.Recheck(t.Context()))
		}
		got, err := w.store.Get(t.Context(), w.Owner, w.North, d.ID)

		if err != nil || !got.Proven() || got.MissingSince != nil {
			t.Errorf("%v %+v", err, got)
		}
	})
}

func TestNoWordFromDNSIsNotNoRecord(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.proven("example.com")
		w.dns.Fail(true)
		w.clock.Advance(domain.Again)
		w.ok(w.store.Recheck(t.Context()))
		w.clock.Advance(20 * 24 * time.Hour)
		w.ok(w.store.Recheck(t.Context()))
		weeks := w.of("a@example.com")
		w.clock.Advance(10 * 24 * time.Hour)
		w.ok(w.store.Recheck(t.Context()))

		if weeks != w.North || w.of("a@example.com") != (db.ID{}) {
			t.Error(weeks, w.of("a@example.com"))
		}
	})
}

func TestWhatIsNobodysOwnDomainIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, name := range []string{"", "com", "co.uk", "github.io", "localhost", "10.0.0.1", "[::1]", "a..b.example", "-a.example.com", "a_b.example.com", "exa mple.com", "x@y.example.com", strings.Repeat("a.", 125) + "com", "example.com/x"} {
			_, err := w.store.Claim(t.Context(), w.Owner, w.North, name)
			if f := fault.As(err); f == nil || f.Kind != fault.Invalid || len(f.Problems) != 1 || f.Problems[0].Field != "domain" {
				t.Errorf("%q: %v", name, err)
			}
		}
		d, same := w.claim(w.Owner, w.North, "Bücher.example"), w.claim(w.Owner, w.North, "xn--bcher-kva.example")
		if d.ID != same.ID || d.Name != "xn--bcher-kva.example" || d.Shown() != "bücher.example" {
			t.Errorf("%+v %+v", d, same)
		}
	})
}

// Z5
func TestOnlyOwnersManageDomains(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d := w.proven("example.com")
		for who, a := range map[fault.Kind]actor.Actor{fault.Forbidden: w.admin, fault.NotFound: w.Other} {
			_, list := w.store.List(t.Context(), a, w.North)
			_, get := w.store.Get(t.Context(), a, w.North, d.ID)
			_, claim := w.store.Claim(t.Context(), a, w.North, "example.org")
			_, check := w.store.Check(t.Context(), a, w.North, d.ID)
			_, remove := w.store.Remove(t.Context(), a, w.North, d.ID)
			for _, err := range []error{list, get, claim, check, remove, w.store.SetJoinRole(t.Context(), a, w.North, d.ID, "viewer"), w.store.SetProvider(t.Context(), a, w.North, d.ID, "x", "viewer")} {
				w.want("of an admin or a stranger", err, who)
			}
		}
		_, err := w.store.Check(t.Context(), w.Other, w.Contoso, d.ID)
		w.want("in one's own organization", err, fault.NotFound)
		if w.of("a@example.com") != w.North {
			t.Error("changed")
		}
	})
}

func TestChecksByHandHaveALimit(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d := w.claim(w.Owner, w.North, "example.com")
		for range 30 {
			_, err := w.store.Check(t.Context(), w.Owner, w.North, d.ID)
			w.ok(err)
		}
		_, err := w.store.Check(t.Context(), w.Owner, w.North, d.ID)

		w.want("the 31st", err, fault.RateLimited)
	})
}
