package stories_test

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/gatewayfile"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/markdown"
	"github.com/gatehouse-dev/gatehouse/internal/testenv"
	"github.com/gatehouse-dev/gatehouse/internal/tools/rig"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/idempotency"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/rotation"
)

// A desk is where somebody follows the guides: a portal whose company publishes the Orders API behind nginx, and an app with keys.
type desk struct {
	*world
	admin, dev *clerk
	env        map[string]string // of the reader's terminal
}

// newDesk sets all up that the guides take for granted.
func newDesk(t testing.TB) *desk {
	t.Helper()
	w := newWorld(t, "SQLite")
	d := &desk{world: w, admin: newClerk(t, w.URL, "admin"), dev: newClerk(t, w.URL, "developer")}
	w.setUp(d.admin)
	orders := ordersAPI(newService(t))
	orders.plan, orders.terms = "", ""
	w.publish(d.admin, orders)
	d.addPlan("Start", "600", "50000")
	gatewayKey, file := w.connect(d.admin, orders)
	w.join(d.dev, "Dev Patel", devMail)
	w.makeApp(d.dev, "Order tracker")
	w.request(d.dev, "Order tracker", orders, "Start", "orders:read", "orders:write")
	first := w.makeKey(d.dev, "Order tracker", "My laptop", "Live", "orders:read")
	next := w.rotate(d.dev, first, "7 days")
	portal := api{name: "Portal API", summary: "What this portal itself answers"}
	w.request(d.dev, "Order tracker", portal, "Standard", "keys:read", "keys:write")
	manager := w.makeKey(d.dev, "Order tracker", "Manager", "Live", "keys:read", "keys:write")
	d.env = map[string]string{
		"GATEHOUSE_URL": w.URL, "GATEHOUSE_KEY": first.secret, "NEW_KEY": next.secret, "GATEWAY_KEY": gatewayKey, "API_URL": newGateway(t, file),
		"MANAGER_KEY": manager.secret, "APP_ID": w.appID(first),
	}
	return d
}

// appID is the id of the app of a key.
func (w *world) appID(k madeKey) string {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.URL+"/v1/whoami", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+k.secret)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var who struct{ App struct{ ID string } }
	if err := json.NewDecoder(answer.Body).Decode(&who); err != nil {
		w.t.Fatal(err)
	}
	return who.App.ID
}

// addPlan adds a plan to the API whose pages the admin sees.
func (d *desk) addPlan(name, calls, quota string) {
	d.t.Helper()
	d.admin.follow("Plans")
	d.admin.fill("Name", name)
	d.admin.fill("Calls", calls)
	d.admin.fill("Period", "a minute")
	d.admin.fill("Burst", "100")
	d.admin.fill("Monthly quota", quota)
	d.admin.press("Add plan")
	d.admin.see(name)
}

func TestCommandsOfTheGuidesDoWhatTheGuidesShow(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, page := range leaves(t, "guides/*.md") {
		if page.german() {
			continue // the same commands: see TestGermanPagesHaveTheSameCommands
		}
		t.Run(strings.TrimSuffix(page.name, ".md"), func(t *testing.T) {
			env := map[string]string{}
			for name, value := range d.env {
				env[name] = value
			}
			newShell(t, env).follow(page.name, page.fences)
		})
	}
}

// Every code that a caller may meet is in the guide's tables, with the status that it comes with.
func TestGuideToErrorsNamesEveryCode(t *testing.T) {
	t.Parallel()
	root, err := rig.Root()
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(filepath.Join(root, "handlers", "edge", "exchange.go"))
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]bool{"KEY_IN_URL": true, "CONFLICT": true, "BAD_SIGNATURE": true, "UNKNOWN_KEY": true, "REPLAYED": true}
	for _, code := range []string{idempotency.CodeMismatch, idempotency.CodeRunning, db.CodeChanged, key.BeyondCaller, rotation.UsedSince, rotation.NewKeyInUse} {
		codes[code] = true
	}
	for _, found := range regexp.MustCompile(`(?m)^\tcode\w+ += "([A-Z_]+)"$`).FindAllStringSubmatch(string(source), -1) {
		codes[found[1]] = true
	}
	if len(codes) < 10 {
		t.Fatalf("only %v in the source", codes)
	}
	for code := keyring.NotFound; code <= keyring.Valid; code++ {
		codes[code.String()] = true
	}
	for _, page := range leaves(t, "guides/errors*.md") {
		shown, err := markdown.Render(page.text, markdown.Options{Own: true})
		if err != nil {
			t.Fatal(err)
		}
		for code := range codes {
			// The type of a problem leads there.
			if n := strings.Count(shown.HTML(), `<td id="`+code+`"><code>`+code+`</code>`); n != 1 {
				t.Errorf("%s has %d anchors for %s", page.name, n, code)
			}
			if n := strings.Count(page.text, "\n| `"+code+"` | "); n != 1 {
				t.Errorf("%s has %d rows for %s", page.name, n, code)
			}
		}
	}
}

// The lines that the guides to gateways explain are those of the files that Connect shows.
func TestGuidesToGatewaysQuoteTheFilesThatConnectShows(t *testing.T) {
	t.Parallel()
	o := gatewayfile.Options{GatehouseURL: "http://127.0.0.1:8080", APISlug: "orders", Environment: "live", Token: "x", Upstream: "http://127.0.0.1:9000"}
	for name, whole := range map[string]string{"nginx": gatewayfile.Nginx(o), "caddy": gatewayfile.Caddy(o), "haproxy": gatewayfile.HAProxy(o) + gatewayfile.HAProxyLua(o), "traefik": gatewayfile.Traefik(o), "envoy": gatewayfile.Envoy(o)} {
		for _, page := range leaves(t, "guides/"+name+"*.md") {
			quoted := 0
			for _, f := range page.fences {
				if f.language != name {
					continue
				}
				quoted++
				for line := range strings.Lines(f.text) {
					if !strings.Contains(whole, line) {
						t.Errorf("%s: the file has no line %s", page.name, line)
					}
				}
			}
			if quoted == 0 {
				t.Errorf("%s quotes nothing", page.name)
			}
		}
	}
}

// The hook that the guide to secrets shows stops a commit with a key in it, and no other.
func TestHookOfTheGuideStopsAKey(t *testing.T) {
	t.Parallel()
	hook := ""
	for _, f := range leaves(t, "guides/keeping-secrets.md")[0].fences {
		if f.title() == "pre-commit" {
			hook = strings.ReplaceAll(f.text, "{{brand}}", "gk")
		}
	}
	dir := t.TempDir()
	git := func(arguments ...string) (string, error) {
		command := exec.Command(testenv.Tool(t, "git"), append([]string{"-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "core.hooksPath=" + dir}, arguments...)...)
		command.Dir, command.Env = filepath.Join(dir, "work"), append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		said, err := command.CombinedOutput()
		return string(said), err
	}
	write := func(name, text string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "work"), 0o700); err != nil {
		t.Fatal(err)
	}
	write("pre-commit", hook, 0o700)
	commit := func(text string) (string, error) {
		write("work/config", text, 0o600)
		if said, err := git("add", "config"); err != nil {
			t.Fatal(said)
		}
		return git("commit", "-m", "change")
	}
	if said, err := git("init"); err != nil {
		t.Fatal(said)
	}

	if said, err := commit("key from the environment\n"); err != nil {
		t.Errorf("a commit without a key: %s", said)
	}
	if said, err := commit("key = gk_live_" + strings.Repeat("aB3", 13)[:38] + "\n"); err == nil || !strings.Contains(said, "Take it out") {
		t.Errorf("a commit with a key: %v: %s", err, said)
	}
}

var pageLink = regexp.MustCompile(`\]\((/[^)\s#]*)`)

// A link of a page leads to a page that a signed-in developer sees.
func TestLinksOfTheGuidesLead(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	seen := map[string]bool{}
	for _, kind := range []string{"guides", "tutorials"} {
		for _, page := range leaves(t, kind+"/*.md") {
			for _, found := range pageLink.FindAllStringSubmatch(page.text, -1) {
				link := found[1]
				if seen[link] || link == "/apis/greetings" { // that one is made in the tutorial
					continue
				}
				seen[link] = true
				if d.dev.open(link); d.dev.status() != http.StatusOK {
					t.Errorf("%s: %s answers %s", page.name, link, strconv.Itoa(d.dev.status()))
				}
			}
		}
	}
}
