package staff_test

import (
	"context"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/staff"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/password"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/forum/support"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	store "github.com/gatehouse-dev/gatehouse/models/staff"
	"github.com/gatehouse-dev/gatehouse/models/usage"
)

type world struct {
	*webtest.Site
	staff *store.Store
	apis  *catalog.Store
}

func newWorld(t *testing.T, d *db.DB, clock *dbtest.Clock) world {
	t.Helper()
	root, err := secret.Parse("q8Zr2Lk0vTn4Xc7Wm1Jp9Hs6Gd3Fb5Ye", "")
	if err != nil {
		t.Fatal(err)
	}
	hasher, err := password.NewHasher(password.Default, password.GateOptions{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := world{}
	w.Site = webtest.New(t, d, clock, func(k *web.Kit, r *web.Registrar) {
		box := outbox.New(root.Sealer(secret.LabelMail))
		accounts := account.NewStore(account.Options{DB: d, Hasher: hasher, Sealer: root.Sealer(secret.LabelPassword), Signer: root.Signer(secret.LabelSession), Outbox: box, Link: k.Link, Floor: -1})
		w.apis = catalog.NewStore(catalog.Options{DB: d, Outbox: box, Link: k.Link})
		w.staff = store.NewStore(d, accounts, w.apis)
		k.Accounts = accounts
		keys := key.NewStore(key.Options{DB: d, Outbox: box, Root: root, Brand: "gk", Link: k.Link})
		(&staff.Handler{Kit: k, Staff: w.staff, Usage: usage.NewStore(d), Users: accounts, Keys: keys, Desk: support.NewStore(support.Options{DB: d}), APIs: w.apis, Signer: audit.NewSigner([][]byte{make([]byte, 32)})}).Routes(r)
	})
	return w
}

func setupForm(code string) url.Values {
	return url.Values{"code": {code}, "portal": {"Northwind Developers"}, "company": {"Northwind"}, "name": {"Ada"}, "email": {"Ada@Northwind.example"}, "password": {"harbour lights at seven"}}
}

// C2
func TestSetUpWorksOnceAlsoWhenTwoTryAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		code, err := w.staff.NewSetupCode(t.Context())
		if err != nil || code == "" {
			t.Fatal(code, err)
		}
		if got := w.Visitor().Get("/setup?code=wrong").Status; got != 404 {
			t.Fatal("a wrong code opened set-up", got)
		}
		if got := w.Visitor().Get("/setup?code=" + code); got.Status != 200 || got.Header.Get("Referrer-Policy") == "strict-origin-when-cross-origin" {
			t.Fatal(got.Status, got.Header)
		}
		statuses := make([]int, 8)
		var tries sync.WaitGroup

		for i := range statuses {
			tries.Go(func() { statuses[i] = w.Visitor().Post("/setup", setupForm(code)).Status })
		}
		tries.Wait()

		done := 0
		for _, s := range statuses {
			if s == 303 {
				done++
			}
		}
		var admins, companies, apis int64
		for query, into := range map[string]*int64{"SELECT COUNT(*) FROM users WHERE staff_role = 'admin'": &admins, "SELECT COUNT(*) FROM organizations WHERE kind = 'company'": &companies, "SELECT COUNT(*) FROM apis WHERE is_portal": &apis} {
			if err := d.Read(t.Context()).Raw(query).Scan(into).Error; err != nil {
				t.Fatal(err)
			}
		}
		again, err := w.staff.NewSetupCode(t.Context())
		if done != 1 || admins != 1 || companies != 1 || apis != 1 || again != "" || err != nil {
			t.Fatal(statuses, admins, companies, apis, again, err)
		}
	})
}

// C2
func TestSetUpCodeExpiresAndARestartEndsIt(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	first, err1 := w.staff.NewSetupCode(t.Context())
	second, err2 := w.staff.NewSetupCode(t.Context())
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}

	ended := w.Visitor().Post("/setup", setupForm(first)).Status
	clock.Advance(store.SetupLife)
	expired := w.Visitor().Post("/setup", setupForm(second)).Status

	if ended != 404 || expired != 404 {
		t.Fatal(ended, expired)
	}
}

func TestSetUpTellsAllThatIsWrongAndKeepsWhatWasEntered(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	code, _ := w.staff.NewSetupCode(t.Context())
	form := setupForm(code)
	form.Set("email", "nobody")
	form.Set("password", "short")
	form.Set("company", "")

	page := w.Visitor().Post("/setup", form)
	cross := w.Visitor().CrossSite("/setup", form)

	if page.Status != 422 || strings.Count(page.Body, `aria-invalid="true"`) != 3 || !strings.Contains(page.Body, `value="Northwind Developers"`) || strings.Contains(page.Body, "value=\"short\"") || cross.Status != 403 {
		t.Fatal(page.Status, cross.Status, page.Body)
	}
}

// C2: no other form of the page carries the code on.
func TestSetUpPageHoldsTheCodeOnce(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	code, err := w.staff.NewSetupCode(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	page := w.Visitor().Get("/setup?code=" + code)

	if page.Status != 200 || strings.Count(page.Body, code) != 1 || strings.Contains(page.Body, `action="/language"`) {
		t.Error(page.Status, page.Body)
	}
}

// C2: who tries codes doesn't hold up those who write.
func TestCheckingASetUpCodeDoesNotWaitForTheWriter(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		code, err := w.staff.NewSetupCode(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()

		err = d.Tx(ctx, func(*db.Tx) error { // which holds the writer
			if wrong := w.staff.CheckSetupCode(ctx, "wrong"); !fault.Is(wrong, fault.NotFound) {
				t.Error(wrong)
			}
			return w.staff.CheckSetupCode(ctx, code)
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// Z6: the page is made from the table that checks use.
func TestPermissionsPageEqualsTheTable(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)

	page := w.As(w.Person("s@northwind.example", permission.Support)).Get("/admin/permissions")

	for _, row := range permission.Table {
		_, rest, found := strings.Cut(page.Body, "<code class=\"hint\">"+string(row.Name)+"</code>")
		line, _, _ := strings.Cut(rest, "</tr>")
		want := len(row.Org) + len(row.Staff)
		if yes := strings.Count(line, "status ok"); !found || yes != want {
			t.Errorf("%s: the page says yes %d times, the table %d", row.Name, yes, want)
		}
	}
}

// C13: what stands open is told where staff begins, until it ends.
func TestOverviewNamesEachAPIThatIsInReportOnlyModeAndUntilWhen(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	staff := w.As(w.Person("s@northwind.example", permission.Support))
	id, company, until := db.NewID(), db.NewID(), clock.Now().Add(7*24*time.Hour)
	if err := w.DB.Tx(t.Context(), func(tx *db.Tx) error {
		if _, err := tx.Run("INSERT INTO organizations (id, name, kind, created_at, updated_at) VALUES (?, 'Northwind', 'company', ?, ?)", company, tx.Now, tx.Now); err != nil {
			return err
		}
		_, err := tx.Run(`INSERT INTO apis (id, slug, name, publisher_id, data_domain, visibility, report_only_test_until, created_at, updated_at) VALUES (?, 'parcels', 'Parcels <API>', ?, 'customer', 'public', ?, ?, ?)`, id, company, until, tx.Now, tx.Now)
		return err
	}); err != nil {
		t.Fatal(err)
	}

	open := staff.Get("/admin")
	clock.Advance(7 * 24 * time.Hour)
	over := w.As(w.Person("t@northwind.example", permission.Support)).Get("/admin")

	if !strings.Contains(open.Body, `<strong translate="no">Parcels &lt;API&gt;</strong>`) || !strings.Contains(open.Body, "lets refused calls through in test until 28 Nov 2026, 12:00 UTC: ") || !strings.Contains(open.Body, `href="/admin/apis/`+id.Show("api")+`/report-only"`) {
		t.Error(open.Status, open.Body)
	}
	if over.Status != 200 || strings.Contains(over.Body, "Parcels") {
		t.Error("it has ended, and is told of still:", over.Status)
	}
}

// A12: organizations whose letters reach nobody are told of where staff begins.
func TestOverviewTellsOfOrganizationsThatNobodyCanBeReachedOf(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	const words, link = "Mail to 1 organization reaches nobody.", `href="/admin/organizations?state=unreachable"`

	before := w.As(w.Person("s@northwind.example", permission.Support)).Get("/admin")
	if err := w.DB.Tx(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Run("INSERT INTO organizations (id, name, kind, created_at, updated_at) VALUES (?, 'Nobody’s', 'ordinary', ?, ?)", db.NewID(), tx.Now, tx.Now)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	after := w.As(w.Person("t@northwind.example", permission.Support)).Get("/admin")

	if before.Status != 200 || strings.Contains(before.Body, "reaches nobody") || !strings.Contains(after.Body, words) || !strings.Contains(after.Body, link) {
		t.Error(before.Status, after.Body)
	}
}

func TestPortalIsRenamedByAdminsAlone(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	form := url.Values{"name": {"Southwind"}, "hue": {"120"}, "footer": {"Southwind Ltd, Hull"}}
	admin := w.As(w.Person("a@northwind.example", permission.StaffAdmin))

	got := map[string]int{
		"works": admin.Post("/admin/portal", form).Status, "wrong": admin.Post("/admin/portal", url.Values{"name": {""}, "hue": {"400"}}).Status,
		"signed out": w.Visitor().Post("/admin/portal", form).Status, "auditor": w.As(w.Person("u@northwind.example", permission.Auditor)).Post("/admin/portal", form).Status,
		"cross-site": admin.CrossSite("/admin/portal", form).Status,
	}

	page := admin.Get("/admin/portal")
	for name, want := range map[string]int{"works": 303, "wrong": 422, "signed out": 401, "auditor": 403, "cross-site": 403} {
		if got[name] != want {
			t.Errorf("%s: %d, want %d", name, got[name], want)
		}
	}
	if !strings.Contains(page.Body, "Southwind Ltd, Hull") || !regexp.MustCompile(`<style nonce="[^"]+">:root{--brand-h:120}</style>`).MatchString(page.Body) {
		t.Error(page.Body)
	}
}

func TestAuditLogFiltersAndDownloadsSafely(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		target := db.NewID()
		err := d.Tx(t.Context(), func(tx *db.Tx) error {
			audit.Record(tx, actor.ForSystem(), audit.Event{Act: audit.KeyRevoked, TargetKind: "key", TargetID: target, Personal: map[string]string{"email": "=cmd()"}})
			audit.Record(tx, actor.Actor{Kind: actor.User, Name: "=HYPERLINK(1)"}, audit.Event{Act: audit.AppCreated, TargetKind: "app", TargetID: db.NewID()})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		auditor := w.As(w.Person("u@northwind.example", permission.Auditor))

		all, one, byAct := auditor.Get("/admin/audit"), auditor.Get("/admin/audit?id="+target.Show("key")), auditor.Get("/admin/audit?act=app.created&from=2026-11-21&to=2026-11-21")
		csv := auditor.Get("/admin/audit.csv")
		lines := auditor.Get("/admin/audit.jsonl")
		if first, rest, _ := strings.Cut(lines.Body, "\n"); lines.Status != 200 || !strings.Contains(first, `"type":"export","version":1,"whole":true`) || !strings.Contains(rest, `"value":"=cmd()"`) || !strings.Contains(rest, `"type":"end"`) {
			t.Error(lines.Status, lines.Body)
		}
		byName := auditor.Get("/admin/audit?id=%3Dhyperlink")
		if !strings.Contains(byName.Body, ">app.created</code>") || strings.Contains(byName.Body, ">key.revoked</code>") {
			t.Error("a name did not narrow the log")
		}

		if !strings.Contains(all.Body, "The chain is whole") || strings.Count(one.Body, target.Show("key")) < 2 || strings.Contains(one.Body, ">app.created</code>") || strings.Contains(byAct.Body, ">key.revoked</code>") || !strings.Contains(byAct.Body, ">app.created</code>") {
			t.Error(all.Status, one.Status, byAct.Status)
		}
		if !strings.Contains(byAct.Body, "App created") || !strings.Contains(all.Body, "Key revoked") || strings.Contains(csv.Body, "App created") {
			t.Error("acts are told in words on the page, and as they are in the file")
		}
		if csv.Status != 200 || !strings.Contains(csv.Body, "'=HYPERLINK(1)") || strings.Contains(csv.Body, ",=HYPERLINK") { // F9
			t.Error(csv.Body)
		}
		if got := w.As(w.Person("s@northwind.example", permission.Support)).Get("/admin/audit.csv").Status; got != 403 {
			t.Error("support read the audit log", got)
		}
		if got := w.As(w.Person("s2@northwind.example", permission.Support)).Get("/admin/audit.jsonl").Status; got != 403 {
			t.Error("support downloaded the audit log", got)
		}
	})
}
