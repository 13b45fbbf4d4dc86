package stories_test

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// A stage is where the stories about one key begin: an API behind a gateway, and a developer whose app may use it.
type stage struct {
	*world
	admin *clerk
	dev   *browser
	gate  string
	app   string
	api   api
}

func newStage(t testing.TB) *stage {
	t.Helper()
	w := newWorld(t, "SQLite")
	s := &stage{world: w, admin: newClerk(t, w.URL, "admin"), dev: newBrowser(t, w.URL, "developer", kind{}), app: "Order tracker"}
	w.setUp(s.admin)
	s.api = ordersAPI(newService(t))
	s.api.openPlan = "Start"
	w.publish(s.admin, s.api)
	_, file := w.connect(s.admin, s.api)
	s.gate = newGateway(t, file)
	w.join(s.dev, "Dev Patel", devMail)
	w.makeApp(s.dev, s.app)
	w.request(s.dev, s.app, s.api, "Start", "orders:read", "orders:write")
	s.dev.see("Approved")
	return s
}

// answers fails unless a call with the key is answered so.
func (s *stage) answers(t *testing.T, k madeKey, status int, code string) {
	t.Helper()
	if got := call(t, "GET", s.gate+"/v2/orders", k.secret); got.status != status || got.code != code {
		t.Errorf("%s: %s, want %d %s", k.name, got, status, code)
	}
}

// K2, K10: shown once, copied whole, and a reload makes no second one.
func TestKeyIsShownOnceAndCopiedWhole(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.dev.open("/console/apps")
	s.dev.follow(s.app)
	s.dev.follow("Create key")
	s.dev.fill("Name", "Tracking page")
	s.dev.tick("orders:read")
	s.dev.press("Create key")
	secret := s.dev.secret()

	s.dev.use("button", "Copy", "")
	s.dev.see("Copied")
	copied := clipboard(t, s.dev)
	s.dev.leaving(func() {
		if _, err := chromedp.Call(s.dev.ctx, page.Reload, page.ReloadParams{}); err != nil {
			t.Fatal(err)
		}
	}, "")

	if copied != secret {
		t.Errorf("copied %q of %q", copied, secret)
	}
	s.dev.see("This form had already made this key")
	s.dev.seeNot(secret)
	s.dev.open("/console/keys")
	if n, _ := ask[int](s.dev, `document.querySelectorAll('tbody tr').length`); n != 1 {
		t.Errorf("%d keys after a reload", n)
	}
	s.answers(t, madeKey{name: "it", secret: secret}, 200, "")
	s.dev.quiet()
}

// clipboard is what was copied last: pasted into a field that nobody else sees.
func clipboard(t *testing.T, b *browser) string {
	t.Helper()
	_, _ = ask[bool](b, `(document.body.append(Object.assign(document.createElement('textarea'), { id: 'pasted' })), document.getElementById('pasted').focus(), true)`)
	paste := chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: "keyDown", Key: "v", Modifiers: int64(chromedp.ModifierCtrl), Commands: []string{"paste"}})
		return err
	})
	if err := chromedp.Do(b.ctx, paste); err != nil {
		t.Fatal(err)
	}
	text := ""
	b.await("what was copied", func() bool {
		text, _ = ask[string](b, `document.getElementById('pasted').value`)
		return text != ""
	})
	return text
}

// K6
func TestRotationLetsBothKeysWorkUntilTheOverlapEnds(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	first := s.makeKey(s.dev, s.app, "Tracking page", "Live", "orders:read")

	second := s.rotate(s.dev, first, "7 days")
	s.answers(t, first, 200, "")
	s.answers(t, second, 200, "")
	s.dev.see("Rotation", "works until")
	third := s.rotate(s.dev, second, "Not at all")

	s.answers(t, second, 401, "EXPIRED")
	s.answers(t, third, 200, "")
	s.dev.quiet()
}

func TestPausedKeyIsRefusedUntilResumed(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	k := s.makeKey(s.dev, s.app, "Tracking page", "Live", "orders:read")
	s.answers(t, k, 200, "")

	s.dev.follow("Pause")
	s.dev.press("Pause key")
	s.dev.see("The key is paused")
	s.answers(t, k, 401, "PAUSED")
	s.dev.press("Resume")
	s.dev.see("The key works again")

	s.answers(t, k, 200, "")
	s.dev.quiet()
}

// K7
func TestSuspendedAppIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	k := s.makeKey(s.dev, s.app, "Tracking page", "Live", "orders:read")
	s.answers(t, k, 200, "")

	suspendAsStaff(s.admin, "/admin/apps", s.app, "Suspend app")
	s.admin.see("The app is suspended")
	s.answers(t, k, 403, "SUSPENDED")
	s.mailTo(devMail, "suspended")
	s.dev.open(k.page)
	s.dev.see("Stopped: app suspended")
	s.admin.press("Unsuspend app")

	s.answers(t, k, 200, "")
	s.dev.quiet()
}

func TestRequestIsWithdrawnAndRefusedWithAReason(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.makeApp(s.dev, "Second app")

	s.request(s.dev, "Second app", s.api, "Growth", "orders:read")
	s.dev.see("Waits for approval")
	s.dev.press("Withdraw request")
	s.dev.see("The request is withdrawn")
	s.request(s.dev, "Second app", s.api, "Growth", "orders:write")
	s.decide(s.admin, "Second app")
	s.admin.fill("Reason", "Tell us first how many orders a day.")
	s.admin.press("Refuse request")

	s.admin.see("The request is refused")
	if mail := s.mailTo(devMail, "Tell us first how many orders a day."); !strings.Contains(mail.Text, "Second app") {
		t.Errorf("the mail says %s", mail.Text)
	}
	s.dev.open("/console/access?state=refused")
	s.dev.follow(s.api.name)
	s.dev.see("Refused", "Tell us first how many orders a day.")
	s.dev.quiet()
}
