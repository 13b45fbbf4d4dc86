package stories_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
)

// A learner follows a tutorial: what is done in pages is done there, and commands are run in one terminal.
type learner struct {
	*world
	admin, dev *clerk
	shell      *shell
	page       leaf
}

func newLearner(t testing.TB, slug string) *learner {
	t.Helper()
	w := newWorld(t, "SQLite")
	l := &learner{world: w, admin: newClerk(t, w.URL, "admin"), dev: newClerk(t, w.URL, "developer"), page: leaves(t, "tutorials/"+slug+".md")[0]}
	l.shell = newShell(t, map[string]string{"GATEHOUSE_URL": w.URL})
	w.setUp(l.admin)
	w.join(l.dev, "Dev Patel", devMail)
	return l
}

// step does one step: what there is to do in the portal first, then the commands.
func (l *learner) step(id string, act func()) {
	l.t.Helper()
	act()
	var blocks []fence
	for _, f := range l.page.fences {
		if f.step == id {
			blocks = append(blocks, f)
		}
	}
	if !strings.Contains(l.page.text, "{#"+id+"}") {
		l.t.Fatalf("%s has no step %s", l.page.name, id)
	}
	l.shell.follow(l.page.name+"#"+id, blocks)
}

func TestTutorialFirstCall(t *testing.T) {
	l := newLearner(t, "first-call")

	l.step("make-an-app", func() { l.makeApp(l.dev, "Order tracker") })
	l.step("make-a-key", func() { l.shell.set("GATEHOUSE_KEY", l.plainKey("Order tracker", "My laptop").secret) })
	l.step("call", func() {})
}

// plainKey makes a key as the form proposes it.
func (l *learner) plainKey(app, name string) madeKey {
	l.t.Helper()
	l.dev.open("/console/apps")
	l.dev.follow(app)
	l.dev.follow("Create key")
	l.dev.fill("Name", name)
	l.dev.press("Create key")
	l.dev.see("Copy your key now")
	k := madeKey{name: name, secret: l.dev.secret()}
	l.secrets.keep("key", k.secret)
	l.dev.follow("I have copied it: go to the key")
	k.page = l.dev.path()
	return k
}

func TestTutorialGuardASmallAPI(t *testing.T) {
	l := newLearner(t, "guard-a-small-api")
	port := strconv.Itoa(testenv.FreePort(t))
	l.shell.set("PORT", port)
	l.shell.set("API_URL", "http://127.0.0.1:"+port)
	greetings := api{
		slug: "greetings", name: "Greetings API", summary: "Says hello.", domain: "sandbox",
		scopes: [][2]string{{"greetings:read", "See greetings"}, {"greetings:write", "Change greetings"}},
		rules:  rulesIn(t, l.page), openPlan: "Open", upstream: "http://127.0.0.1:9000",
	}

	l.step("publish-the-api", func() { l.publish(l.admin, greetings) })
	l.step("make-a-gateway-key", func() {
		key, _ := l.connect(l.admin, greetings)
		l.shell.set("GATEWAY_KEY", key)
	})
	l.step("run-the-service", func() {})
	l.step("get-access", func() {
		l.makeApp(l.dev, "Greeter app")
		l.request(l.dev, "Greeter app", greetings, "Open", "greetings:read", "greetings:write")
		l.dev.see("Approved")
	})
	l.step("make-a-key", func() {
		l.shell.set("GATEHOUSE_KEY", l.makeKey(l.dev, "Greeter app", "Greeter", "Live", "greetings:read").secret)
	})
	l.step("call-it", func() {})
	l.step("understand-a-refusal", func() {})
}

// rulesIn are the route rules that a tutorial tells to type.
func rulesIn(t testing.TB, page leaf) string {
	t.Helper()
	for _, f := range page.fences {
		if strings.HasPrefix(f.text, "GET /") {
			return strings.TrimSpace(f.text)
		}
	}
	t.Fatalf("%s has no route rules", page.name)
	return ""
}

func TestTutorialRotateWithoutDowntime(t *testing.T) {
	l := newLearner(t, "rotate-without-downtime")
	l.makeApp(l.dev, "Order tracker")
	old := l.plainKey("Order tracker", "My laptop")
	l.shell.set("GATEHOUSE_KEY", old.secret)

	l.step("start-a-program", func() {})
	l.step("rotate", func() { l.shell.set("NEW_KEY", l.rotate(l.dev, old, "7 days").secret) })
	l.step("switch", func() {})
	l.step("stop-the-old-key", func() {
		l.dev.open(old.page)
		l.revoke(l.dev, old)
	})
}
