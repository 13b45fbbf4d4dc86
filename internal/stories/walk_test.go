package stories_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/tools/rig"
	"github.com/gatehouse-dev/gatehouse/models/demo"
)

// What the walk may cost: things typed or chosen, and the time of a person.
const (
	mostInputs = 12
	mostTime   = 2 * time.Minute
)

// A walker is an outside developer with nothing but the site: every field that is typed or chosen, and every button and link, is written down.
type walker struct {
	*browser
	inputs, clicks []string
	keys           int // pressed
}

func (w *walker) types(label, value string) {
	w.t.Helper()
	w.fill(label, value)
	w.inputs, w.keys = append(w.inputs, label), w.keys+len(value)
}

func (w *walker) ticks(label string) {
	w.t.Helper()
	w.tick(label)
	w.inputs = append(w.inputs, label)
}

func (w *walker) presses(button string) {
	w.t.Helper()
	w.press(button)
	w.clicks = append(w.clicks, button)
}

func (w *walker) follows(link string) {
	w.t.Helper()
	w.follow(link)
	w.clicks = append(w.clicks, link)
}

// pace is how long a person takes, by the keystroke-level model of Card, Moran and Newell: 0.28 s a key, 1.3 s to point and click, 1.35 s to
// think before each; and 15 s to get the mail.
func (w *walker) pace() time.Duration {
	steps := len(w.inputs) + len(w.clicks)
	return time.Duration(w.keys)*280*time.Millisecond + time.Duration(steps)*(1300+1350)*time.Millisecond + 15*time.Second
}

// newDemoWorld serves the demo company with a mail server, which `gatehouse demo` leaves out.
func newDemoWorld(t testing.TB) *world {
	t.Helper()
	dir := t.TempDir()
	filled, err := rig.StartDemo(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := filled.Stop(); err != nil {
		t.Fatal(err)
	}
	w := &world{house: newHouseWith(t, "SQLite", func(env map[string]string) { env["GATEHOUSE_DATA_DIR"] = filepath.Join(dir, "demo") })}
	w.secrets.keep("password", devPassword)
	return w
}

// answering puts a gateway in front of the demo's Catalogue API, and says in the portal where it is.
func answering(w *world) {
	w.t.Helper()
	admin := newClerk(w.t, w.URL, "admin")
	w.signIn(admin, "mira@northwind.example", demo.Password)
	admin.open("/admin/apis")
	admin.follow("Catalogue API")
	admin.follow("Connect")
	admin.fill("Address of the service", newService(w.t))
	admin.press("Make gateway key")
	file := strings.Replace(admin.block("auth_request"), "server_name api.northwind.example;", "server_name _;", 1)
	gate := newGateway(w.t, file)
	admin.open("/admin/apis")
	admin.follow("Catalogue API")
	admin.follow("Addresses")
	admin.fill("Base URL", gate, "Save live addresses")
	admin.press("Save live addresses")
	admin.see("The addresses are saved")
}

// From the first page to a 2xx of an API of the demo company, by the quick start.
func TestWalkFromTheFirstPageToACallThatWorks(t *testing.T) {
	for name, k := range map[string]kind{"with scripts": {}, "without scripts": {withoutScripts: true}} {
		t.Run(name, func(t *testing.T) {
			w := newDemoWorld(t)
			answering(w)
			walk(t, w, &walker{browser: newBrowser(t, w.URL, "outside developer", k)})
		})
	}
}

func walk(t *testing.T, w *world, p *walker) {
	began := time.Now()
	p.open("/")
	p.follows("Guides")
	p.follows("Quick start")
	p.follows("Create account")
	p.types("Name", "Robin Vale")
	p.types("Email", "robin@vale.example")
	p.types("Password", devPassword)
	p.presses("Create account")
	p.types("Code", w.codeMailedTo("robin@vale.example"))
	p.presses("Verify")

	p.follows("Create app")
	p.types("Name", "Shop window")
	p.presses("Create app")
	p.follows("Choose an API")
	p.follows("Catalogue API")
	p.follows("Request access")
	p.ticks("products:read")
	p.types("Purpose", "Shows your products in our shop.")
	p.presses("Request access")
	p.follows("Create key")
	p.types("Name", "Web server")
	p.ticks("products:read")
	p.presses("Create key")

	printed := p.pastes(p.block("/products/NW-1001"))

	if !strings.HasSuffix(printed, "\n200") || !strings.Contains(printed, "GET /products/NW-1001") {
		t.Errorf("the example call printed %s", printed)
	}
	if took := max(time.Since(began), p.pace()); len(p.inputs) > mostInputs || took > mostTime {
		t.Errorf("it takes %d inputs and %s", len(p.inputs), took)
	}
	t.Logf("%d inputs (%s), %d clicks (%s); a person takes about %s", len(p.inputs), strings.Join(p.inputs, ", "),
		len(p.clicks), strings.Join(p.clicks, ", "), p.pace().Round(time.Second))
	p.quiet()
}

// pastes runs a command in a terminal as it was copied. It prints the status after the body.
func (w *walker) pastes(command string) string {
	w.t.Helper()
	s := newShell(w.t, map[string]string{})
	if err := os.WriteFile(filepath.Join(s.dir, ".curlrc"), []byte("write-out = \"\\n%{http_code}\"\n"), 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.inputs = append(w.inputs, "the command, pasted")
	return strings.TrimSpace(s.run(command))
}
