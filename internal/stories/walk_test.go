package stories_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
	"github.com/gatehouse-dev/gatehouse/internal/tools/rig"
	"github.com/gatehouse-dev/gatehouse/models/demo"
)

// What the walk may cost: things typed or chosen, and the time of a person.
const (
	mostInputs = 12
	mostTime   = 2 * time.Minute
)

// A tally is what a walk costs: every field that is typed or chosen, and every button and link.
type tally struct {
	inputs, clicks []string
	keys           int // pressed
}

// A walker is an outside developer with nothing but the site.
type walker struct {
	*browser
	*tally
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

func (w *walker) presses(button string, within ...string) {
	w.t.Helper()
	w.press(button, within...)
	w.clicks = append(w.clicks, button)
}

func (w *walker) follows(link string) {
	w.t.Helper()
	w.follow(link)
	w.clicks = append(w.clicks, link)
}

// pace is how long a person takes, by the keystroke-level model of Card, Moran and Newell: 0.28 s a key, 1.3 s to point and click, 1.35 s to
// think before each; and 15 s to get the mail.
func (l *tally) pace() time.Duration {
	steps := len(l.inputs) + len(l.clicks)
	return time.Duration(l.keys)*280*time.Millisecond + time.Duration(steps)*(1300+1350)*time.Millisecond + 15*time.Second
}

// newDemoWorld runs `gatehouse demo` as it is, with a mail server on this machine or with none.
func newDemoWorld(t testing.TB, mails bool) *world {
	t.Helper()
	h := &house{t: t, read: map[string]bool{}, inbox: testenv.SMTP(t), dir: t.TempDir()}
	h.env = map[string]string{"GATEHOUSE_DATA_DIR": h.dir}
	if mails {
		h.env["GATEHOUSE_SMTP_URL"] = h.inbox.URL
	}
	p, err := rig.Start(rig.Options{Arguments: []string{"demo"}, Env: h.env, Patience: 5 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	h.Process = p
	t.Cleanup(func() {
		h.stop()
		h.checkLogs()
	})
	w := &world{house: h}
	w.secrets.keep("password", devPassword)
	return w
}

// From the first page to a 2xx of an API of the demo company, by the quick start. Where mail stays in the portal it is handed out by an admin; in the demo
// that is the same person, in another window.
func TestWalkFromTheFirstPageToACallThatWorks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind
		mails bool
	}{"as README starts it": {kind{}, false}, "with mail, without scripts": {kind{withoutScripts: true}, true}} {
		t.Run(name, func(t *testing.T) {
			w := newDemoWorld(t, c.mails)
			p := &walker{newBrowser(t, w.URL, "outside developer", c.kind), &tally{}}
			code := func() string { return w.codeMailedTo(walkerMail) }
			if !c.mails {
				code = func() string {
					return handedOut(w, &walker{newBrowser(t, w.URL, "the same person as admin", c.kind), p.tally})
				}
			}
			walk(t, p, code)
		})
	}
}

const walkerMail = "robin@vale.example"

// handedOut is the code of the walker's mail, which lies where the demo said when it started.
func handedOut(w *world, admin *walker) string {
	w.t.Helper()
	place, ok := w.Line("Mail, such as the code that verifies a new account, is read at ")
	address, who, ok2 := strings.Cut(strings.TrimSuffix(place, "."), " by ")
	if !ok || !ok2 {
		out, _ := w.Said()
		w.t.Fatalf("the demo does not say where mail is read: %s", out)
	}
	admin.open(address)
	admin.types("Email", who)
	admin.types("Password", demo.Password)
	admin.presses("Sign in")
	admin.presses("Open letter", walkerMail)
	admin.see("Code useless after")
	text, _ := ask[string](admin.browser, `document.body.innerText`)
	code := sixDigits.FindStringSubmatch(text)
	if code == nil {
		w.t.Fatalf("the letter shows no code\n%s", admin.describe())
	}
	admin.quiet("401 (Unauthorized)") // of the page that leads to signing in
	return code[1]
}

func walk(t *testing.T, p *walker, code func() string) {
	p.open("/")
	p.follows("Guides")
	p.follows("Quick start")
	p.follows("Create account")
	p.types("Name", "Robin Vale")
	p.types("Email", walkerMail)
	p.types("Password", devPassword)
	p.presses("Create account")
	p.types("Code", code())
	p.presses("Verify")

	p.follows("Create app")
	p.types("Name", "Shop window")
	p.presses("Create app")
	p.follows("Choose an API")
	p.follows("Catalogue API")
	p.follows("Request access")
	p.ticks("products:read")
	p.presses("Request access")
	p.follows("Create key")
	p.types("Name", "Web server")
	p.presses("Create key")
	p.see("Copy your key now")

	printed := p.pastes(p.block("/products/NW-1001"))

	if !strings.HasSuffix(printed, "\n200") || !strings.Contains(printed, `"name": "Harbour lamp"`) {
		t.Errorf("the example call printed %s", printed)
	}
	p.await("the last step to tick itself", func() bool {
		p.open("/console")
		return p.sees("Calls, last 7 days") && !p.sees("Send your first call")
	})
	if took := p.pace(); len(p.inputs) > mostInputs || took > mostTime {
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
