package stories_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
)

// A learner follows a tutorial: what is done in pages is done there, and commands are run in one terminal.
type learner struct {
	*world
	admin *clerk
	dev   person
	shell *shell
	page  leaf
}

// newLearner has a clerk read the tutorial, or, when there is a kind of browser, a person in one.
func newLearner(t testing.TB, dialect, slug string, browsers ...kind) *learner {
	t.Helper()
	w := newWorld(t, dialect)
	l := &learner{world: w, admin: newClerk(t, w.URL, "admin"), dev: newClerk(t, w.URL, "developer"), page: leaves(t, "tutorials/"+slug+".md")[0]}
	for _, k := range browsers {
		b := newBrowser(t, w.URL, "developer", k)
		t.Cleanup(func() { b.quiet() })
		l.dev = b
	}
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
	l.ticked(id)
}

// ticked waits until the tutorial's page shows the step as done, in both languages; a step without a check is marked as done by its button.
func (l *learner) ticked(id string) {
	l.t.Helper()
	path := "/" + strings.TrimSuffix(l.page.name, ".md")
	l.dev.open(path)
	if c, ok := l.dev.(*clerk); ok {
		if title := stepTitle(c.page.Node, id); c.has("button", "Mark as done", title) {
			c.press("Mark as done", title)
		}
	}
	ticks := await(context.Background(), func() bool {
		l.dev.open(path)
		return l.shows(id)
	})
	if !ticks {
		l.t.Errorf("the step %s does not tick itself", id)
	}
	if l.dev.press("Deutsch"); !l.shows(id) {
		l.t.Errorf("the step %s is not ticked on the German page", id)
	}
	l.dev.press("English")
}

// shows reports whether the page that the reader sees shows the step as done.
func (l *learner) shows(id string) bool {
	if b, ok := l.dev.(*browser); ok {
		done, ok := ask[bool](b, `!!document.querySelector('section.step.done[aria-labelledby="`+id+`"]')`)
		return ok && done
	}
	c, ok := l.dev.(*clerk)
	return ok && stepDone(c.page.Node, id)
}

// stepOf is the part of the page that shows a step; nil for none.
func stepOf(page *html.Node, id string) *html.Node {
	if page == nil {
		return nil
	}
	for n := range page.Descendants() {
		if n.Data == "section" && attribute(n, "aria-labelledby") == id {
			return n
		}
	}
	return nil
}

func stepDone(page *html.Node, id string) bool {
	step := stepOf(page, id)
	return step != nil && slices.Contains(strings.Fields(attribute(step, "class")), "done")
}

func stepTitle(page *html.Node, id string) string {
	if step := stepOf(page, id); step != nil {
		for n := range step.Descendants() {
			if n.Data == "h2" {
				return spoken(n)
			}
		}
	}
	return ""
}

func TestTutorialFirstCallOnPostgreSQL(t *testing.T) {
	t.Parallel()
	firstCall(newLearner(t, "PostgreSQL", "first-call", kind{}))
}

func TestTutorialFirstCallWithoutJavaScript(t *testing.T) {
	t.Parallel()
	firstCall(newLearner(t, "SQLite", "first-call", kind{withoutScripts: true}))
}

func firstCall(l *learner) {
	l.step("make-an-app", func() { l.makeApp(l.dev, "Order tracker") })
	var key madeKey
	l.step("make-a-key", func() {
		key = l.plainKey("Order tracker", "My laptop")
		l.shell.set("GATEHOUSE_KEY", key.secret)
	})
	l.step("call", func() {})
	l.step("set-limits", func() { setLimits(l.dev, key.page) })
}

// setLimits bounds a key as the tutorial says.
func setLimits(dev person, page string) {
	dev.open(page)
	dev.follow("Change where and how much it may be used")
	dev.fill("Allowed networks", "127.0.0.0/8")
	dev.press("Save changes")
	dev.see("Saved. It holds from the next call on.")
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
	t.Parallel()
	for _, dialect := range dialects {
		t.Run(dialect, func(t *testing.T) { guardASmallAPI(t, dialect) })
	}
}

func guardASmallAPI(t *testing.T, dialect string) {
	t.Helper()
	l := newLearner(t, dialect, "guard-a-small-api")
	port := strconv.Itoa(testenv.FreePort(t))
	l.shell.set("PORT", port)
	l.shell.set("API_URL", "http://127.0.0.1:"+port)
	greetings := api{
		slug: "greetings", name: "Greetings API", summary: "Says hello.", domain: "sandbox",
		scopes: [][2]string{{"greetings:read", "See greetings"}, {"greetings:write", "Change greetings"}},
		rules:  rulesIn(t, l.page), openPlan: "Open", upstream: "http://127.0.0.1:9000",
	}

	l.makeApp(l.dev, "Greeter app")
	l.step("publish-the-api", func() { l.publish(l.admin, greetings) })
	l.step("make-a-gateway-key", func() {
		key, _ := l.connect(l.admin, greetings)
		l.shell.set("GATEWAY_KEY", key)
	})
	l.step("run-the-service", func() {})
	l.step("get-access", func() {
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
	t.Parallel()
	for _, dialect := range dialects {
		t.Run(dialect, func(t *testing.T) { rotateWithoutDowntime(t, dialect) })
	}
}

func rotateWithoutDowntime(t *testing.T, dialect string) {
	t.Helper()
	l := newLearner(t, dialect, "rotate-without-downtime")
	l.makeApp(l.dev, "Order tracker")
	old := l.plainKey("Order tracker", "My laptop")
	l.shell.set("GATEHOUSE_KEY", old.secret)

	l.step("start-a-program", func() {})
	l.step("rotate", func() { l.shell.set("NEW_KEY", l.rotate(l.dev, old, "7 days").secret) })
	l.step("switch", func() {})
	l.step("stop-the-old-key", func() {
		l.dev.open(old.page)
		l.dev.follow("See both keys’ calls side by side")
		l.dev.follow("Retire old key")
		l.dev.press("Retire old key")
		l.dev.see("The old key is retired.")
	})
}
