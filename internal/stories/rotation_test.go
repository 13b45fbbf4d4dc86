package stories_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/staff"
)

// A timed house is served from this process, on a clock that is turned by hand: for what takes weeks.
type timed struct {
	*world
	t     *testing.T
	at    string // its address
	in    *handlers.House
	db    *db.DB
	root  *secret.Root
	clock *dbtest.Clock
	ada   actor.Actor // admin of the portal, owner of its company
	org   string      // path of the company's page in the console
}

const adaMail = "ada@northwind.example"

func newTimed(t *testing.T, dialect string) *timed {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &timed{t: t, clock: dbtest.NewClock(), world: &world{house: &house{t: t}}, at: "http://" + listener.Addr().String()}
	w.db = map[string]func(testing.TB, *dbtest.Clock) *db.DB{"SQLite": dbtest.SQLite, "PostgreSQL": dbtest.Postgres}[dialect](t, w.clock)
	quiet := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	t.Cleanup(func() { slog.SetDefault(quiet) })
	w.root, err = secret.Open(filepath.Join(t.TempDir(), "secret"), "")
	w.must(err)
	w.in = buildWith(t, w.db, w.root, listener.Addr().String())
	server := httptest.NewUnstartedServer(w.in.Portal)
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	ctx, stop := context.WithCancel(context.Background())
	polling := make(chan struct{})
	go func() { defer close(polling); w.in.Loops()[0](ctx) }() // the edge follows the feed of changes; jobs are run when the story says so
	t.Cleanup(func() { stop(); <-polling })
	w.furnish()
	return w
}

func (w *timed) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// furnish sets the portal up, with an API and an app that may use it.
func (w *timed) furnish() {
	w.t.Helper()
	ctx, s := context.Background(), w.in.Stores
	code, err := w.in.SetupCode(ctx)
	w.must(err)
	u, err := s.Staff.SetUp(ctx, actor.Actor{}, code, staff.Setup{
		Name: "Ada Admin", Email: adaMail, Password: adminPassword, Company: "Northwind", Portal: "Northwind Developers", Language: "en", TimeZone: "UTC",
	})
	w.must(err)
	w.ada = actor.Actor{Kind: actor.User, UserID: u.ID, StaffRole: u.StaffRole, Name: u.Name, RequestID: "req_story"}
	publishers, err := s.Catalog.Publishers(ctx, w.ada)
	w.must(err)
	api, err := s.Catalog.Create(ctx, w.ada, catalog.Input{Slug: "orders", Name: "Orders", PublisherID: publishers[0].ID, Summary: "Orders", DataDomain: "customer", Visibility: catalog.Public}, catalog.VersionInput{Name: "v1", State: "live"})
	w.must(err)
	w.must(s.Catalog.AddScope(ctx, w.ada, api.ID, catalog.ScopeInput{Name: "orders:read", Sentence: "See orders"}))
	w.must(s.Catalog.AddPlan(ctx, w.ada, api.ID, catalog.PlanInput{Name: "Free", RateRequests: 100, RatePeriodSeconds: 60, Burst: 100}))
	app, err := s.Org.CreateApp(ctx, w.ada, publishers[0].ID, org.AppInput{Name: "Order tracker"})
	w.must(err)
	detail, err := s.Catalog.BySlug(ctx, w.ada, api.Slug)
	w.must(err)
	_, err = s.Catalog.Request(ctx, w.ada, api.Slug, catalog.RequestInput{AppID: app.ID, PlanID: detail.Plans[0].ID, ScopeIDs: []db.ID{detail.Scopes[0].ID}, Purpose: "To track"})
	w.must(err)
	w.org = "/console/organizations/" + publishers[0].ID.Show(org.Prefix)
}

// signIn is done anew when the clock was turned: the session went idle.
func (w *timed) signIn(p person) {
	w.t.Helper()
	p.open("/login")
	if p.has("field", "Password", "") {
		p.fill("Email", adaMail)
		p.fill("Password", adminPassword)
		p.press("Sign in", "Password")
	}
	p.open("/console")
	p.see("Overview")
}

// answers fails unless the portal's own API answers a call with the key so; what was called is then counted.
func (w *timed) answers(k madeKey, want int) {
	w.t.Helper()
	var got answer
	await(context.Background(), func() bool { // when the clock was turned, the edge must first have asked what changed
		got = call(w.t, "GET", w.at+"/v1/whoami", k.secret)
		return got.status != http.StatusServiceUnavailable
	})
	if got.status != want {
		w.t.Errorf("%s: %s, want %d", k.page, got, want)
	}
	w.must(w.in.Flush(context.Background()))
}

// letters are the words of the mails that wait, which are then gone; no secret of the story is in any.
func (w *timed) letters(kind string) (all []string) {
	w.t.Helper()
	var ids []db.ID
	w.must(w.db.Read(context.Background()).Raw("SELECT id FROM mails WHERE kind = ? ORDER BY created_at, id", kind).Scan(&ids).Error)
	for _, id := range ids {
		_, l, err := w.in.Stores.Outbox.Read(context.Background(), w.db, id)
		w.must(err)
		words := l.To + " " + l.Subject.Key + " " + strings.Join(l.Subject.Args, " ") + "\n"
		for _, line := range append(l.Lines, l.After...) {
			words += line.Key + " " + strings.Join(line.Args, " ") + "\n"
		}
		all = append(all, words)
	}
	w.must(w.db.Tx(context.Background(), func(tx *db.Tx) error { _, err := tx.Run("DELETE FROM mails"); return err }))
	return all
}

// K10, K4, K8: a rotation is followed, extended, undone, begun again and finished when the old key is silent; what expires is told in the morning, on
// the console's first page and in the calendar.
func TestRotationFinishesItselfAndExpiryIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dialect string
		kind    kind
	}{"with scripts": {"SQLite", kind{}}, "without scripts": {"PostgreSQL", kind{withoutScripts: true}}} {
		t.Run(name, func(t *testing.T) {
			w := newTimed(t, c.dialect)
			p := newBrowser(t, w.at, "ada", c.kind)
			w.signIn(p)
			first := w.makeKey(p, "Order tracker", "Tracking page", "Live", "orders:read")
			w.answers(first, 200)
			w.clock.Advance(time.Minute)

			second := w.rotate(p, first, "7 days")
			w.clock.Advance(time.Minute)
			w.answers(first, 200)
			w.answers(second, 200)
			w.followed(p, first)
			w.undone(p, first, second)
			third := w.rotate(p, first, "7 days")
			w.clock.Advance(time.Minute)
			w.answers(first, 200)
			w.silent(p, first, third)
			w.expiryIsTold(p, third)
			p.quiet()
		})
	}
}

// followed reads the page of the rotation, and makes the overlap longer.
func (w *timed) followed(p person, first madeKey) {
	w.t.Helper()
	p.open(first.page)
	p.follow("See both keys’ calls side by side")
	p.see("Both keys work until 28 Nov 2026", "Who still uses the old key", "127.0.0.0/24", "only the network is kept")
	p.fill("Extend by", "3 days")
	p.press("Extend overlap")
	p.see("The overlap is longer now.", "Both keys work until 1 Dec 2026", "which can be done once")
}

// undone takes the rotation back, although the new key is used.
func (w *timed) undone(p person, first, second madeKey) {
	w.t.Helper()
	p.follow("Undo rotation")
	p.see("The new key is in use already", "is revoked, which is final", "can be rotated again")
	p.press("Undo rotation anyway")
	p.see("The rotation is undone.")
	w.answers(second, 401)
	w.answers(first, 200)
	w.letters("")
}

// silent lets six days pass in which nothing presents the old key, and retires it with one button.
func (w *timed) silent(p person, first, third madeKey) {
	w.t.Helper()
	w.clock.Advance(6*24*time.Hour + time.Hour)
	w.answers(third, 200)
	w.must(w.in.Stores.Rotation.Mails(context.Background()))
	if told := w.letters("key_overlap_ends"); len(told) != 1 || !strings.Contains(told[0], "127.0.0.0/24") || !strings.Contains(told[0], adaMail) || strings.Contains(told[0], first.secret) {
		w.t.Errorf("the day before: %q", told)
	}
	w.signIn(p)
	p.open(first.page + "/rotation")
	p.press("The old key has been silent for 145 hours: retire it now")
	p.see("The old key is retired.", "The rotation is finished")
	w.answers(first, 401)
	w.answers(third, 200)
}

// expiryIsTold goes to the morning on which the last week begins.
func (w *timed) expiryIsTold(p person, third madeKey) {
	w.t.Helper()
	notices := w.in.Stores.Notice
	w.must(notices.Run(context.Background()))
	w.letters("")
	w.clock.Set(time.Date(2026, 12, 13, 8, 5, 0, 0, time.UTC))
	for range 2 {
		w.must(notices.Run(context.Background()))
	}
	if told := w.letters("key_expires"); len(told) != 1 || !strings.Contains(told[0], third.hint()) || strings.Contains(told[0], third.secret) {
		w.t.Errorf("in the morning: %q", told)
	}
	w.signIn(p)
	p.see("What ends next", third.hint(), "Tracking page")
	p.open(w.org)
	p.follow("Expiry calendar", "Have the ends")
	p.press("Make calendar address")
	p.see("Copy the address now")
	address := p.secret()
	w.secrets.keep("calendar", address)
	if text := w.read(address); !strings.Contains(text, "BEGIN:VEVENT") || !strings.Contains(text, "Tracking page") || !strings.Contains(text, "DTSTART:20261221T") || strings.Contains(text, third.secret) {
		w.t.Errorf("the calendar: %s", text)
	}
}

func (w *timed) read(address string) string {
	w.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, strings.TrimSpace(address), nil)
	w.must(err)
	answer, err := http.DefaultClient.Do(r)
	w.must(err)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	w.must(err)
	return string(text)
}
