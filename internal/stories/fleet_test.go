package stories_test

import (
	"context"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
	"github.com/gatehouse-dev/gatehouse/internal/tools/rig"
)

// A fleet is three processes over one PostgreSQL: one that reads keys when they are used, one that reads them whole, and one whose way to the
// database can be cut.
type fleet struct {
	*world
	urls    []string
	link    *testenv.Link
	gateway string
	s       *subject
}

func newFleet(t *testing.T, prepare func(url string)) *fleet {
	t.Helper()
	h := newHouseWith(t, "PostgreSQL", func(env map[string]string) {
		env["GATEHOUSE_STALE_MAX"] = "4s"
		prepare(env["GATEHOUSE_DATABASE_URL"])
	})
	f := &fleet{world: &world{house: h}}
	admin := newClerk(t, h.URL, "admin")
	f.setUp(admin) // first: each start of a process prints another link
	var over string
	f.link, over = testenv.LinkTo(t, h.env["GATEHOUSE_DATABASE_URL"])
	f.urls = []string{h.URL, f.more(map[string]string{"GATEHOUSE_KEYRING": "whole"}), f.more(map[string]string{"GATEHOUSE_DATABASE_URL": over})}
	a := ordersAPI(newService(t))
	a.plan, a.openPlan, a.terms = "", "Open", ""
	f.publish(admin, a)
	f.gateway, _ = f.connect(admin, a)
	f.s = f.newSubject(1, "fleet", a)
	for _, url := range f.urls {
		f.until(url, "VALID")
	}
	return f
}

// more starts a process beside the first, with settings changed. What it logs is not judged: it loses its database on purpose.
func (f *fleet) more(change map[string]string) string {
	f.t.Helper()
	secret, err := os.ReadFile(filepath.Join(f.dir, "secret"))
	if err != nil {
		f.t.Fatal(err)
	}
	env := maps.Clone(f.env)
	delete(env, "GATEHOUSE_ADDR")
	env["GATEHOUSE_SECRET"], env["GATEHOUSE_DATA_DIR"] = strings.TrimSpace(string(secret)), f.t.TempDir()
	maps.Copy(env, change)
	p, err := rig.Start(rig.Options{Env: env})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(p.Kill)
	return p.URL
}

func (f *fleet) ask(url string) string {
	f.t.Helper()
	return verify(f.t, url, f.gateway, f.s.key.secret, map[string]any{"api": "orders", "cost": 0}) // the question is whether it may, not how often
}

func (f *fleet) until(url, code string) {
	f.t.Helper()
	if !await(f.t.Context(), func() bool { return f.ask(url) == code }) {
		f.t.Fatalf("%s says %s, not %s", url, f.ask(url), code)
	}
}

func (f *fleet) ready(url string) bool {
	f.t.Helper()
	answer, err := http.Get(url + "/readyz") //nolint:noctx // a test's question
	if err != nil {
		f.t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// mute takes PostgreSQL's hints away: what the program calls is found before PostgreSQL's own.
func mute(t *testing.T, url string) {
	t.Helper()
	ctx := context.Background()
	db, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close(ctx) }()
	for _, statement := range []string{
		"CREATE FUNCTION public.pg_notify(text, text) RETURNS void LANGUAGE sql AS ''",
		`DO $$ BEGIN EXECUTE 'ALTER DATABASE "' || current_database() || '" SET search_path = public, pg_catalog'; END $$`,
	} {
		if _, err := db.Exec(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
}

// D5, R13: how fast is measured by the bench; that it arrives at all is promised here.
func TestRevocationReachesThreeProcesses(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(string){"with the hint": func(string) {}, "by polling alone": func(url string) { mute(t, url) }} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(t, prepare)
			f.s.p.open(f.s.key.page)
			f.revoke(f.s.p, f.s.key)

			for _, url := range f.urls {
				f.until(url, "REVOKED")
			}
		})
	}
}

// REL-27, 4.5: one process is cut off from PostgreSQL and still reached by gateways. Readiness turns red first, then it stops saying yes, and never
// says that a good key is bad; when it is back it knows what happened meanwhile.
func TestProcessCutOffFromItsDatabaseTurnsRedAndStopsSayingYes(t *testing.T) {
	t.Parallel()
	for name, part := range map[string]func(*testenv.Link){"cut": (*testenv.Link).Cut, "hung": (*testenv.Link).Hang} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(t, func(string) {})
			alone, red := f.urls[2], false
			part(f.link)
			f.s.p.open(f.s.key.page)
			f.revoke(f.s.p, f.s.key)
			f.until(f.urls[0], "REVOKED")
			f.until(f.urls[1], "REVOKED")
			stopped := await(t.Context(), func() bool {
				red = red || !f.ready(alone)
				code := f.ask(alone)
				if code != "VALID" && !strings.HasPrefix(code, "503 ") {
					t.Errorf("cut off it says %s", code)
				}
				return code != "VALID"
			})

			if !stopped || !red {
				t.Fatalf("stopped: %v; red before that: %v", stopped, red)
			}
			f.link.Mend()
			back := await(t.Context(), func() bool {
				code := f.ask(alone)
				if code == "VALID" {
					t.Error("back again it says yes once more")
				}
				return code == "REVOKED"
			})
			if !back || !await(t.Context(), func() bool { return f.ready(alone) }) {
				t.Error("it does not recover")
			}
		})
	}
}
