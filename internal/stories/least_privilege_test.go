package stories_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
)

// narrowStage is where the stories about what a key is held to begin, on a database, with a browser that runs scripts or not.
func narrowStage(t testing.TB, dialect string, k kind) *stage {
	t.Helper()
	return narrowStageOf(t, newWorld(t, dialect), k)
}

func narrowStageOf(t testing.TB, w *world, k kind) *stage {
	t.Helper()
	s := &stage{world: w, admin: newClerk(t, w.URL, "admin"), dev: newBrowser(t, w.URL, "developer", k), app: "Order tracker"}
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

// calledFrom calls GET /v2/orders as a page of an origin does.
func calledFrom(t testing.TB, gate, key, origin string) (status int, code string) {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, gate+"/v2/orders", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Origin", origin)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header.Get("X-Gatehouse-Code")
}

// K5, look.md 5: the form says what the key will be able to do and what is refused; the gateway says the same. With scripts it is told as one
// types, without on a reload.
func TestKeyDoesWhatItsFormSaidAndNoMore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dialect string
		kind    kind
	}{"with scripts": {"SQLite", kind{}}, "without scripts": {"PostgreSQL", kind{withoutScripts: true}}} {
		t.Run(name, func(t *testing.T) {
			s := narrowStage(t, c.dialect, c.kind)
			plain := c.kind.withoutScripts
			show := func() {
				if plain {
					s.dev.press("Show what this key can do")
				}
			}
			s.dev.open("/console/apps")
			s.dev.follow(s.app)
			s.dev.follow("Create key")
			s.dev.see("So far it can only ask who it is")
			s.dev.fill("Name", "Tracking page")
			if plain {
				s.dev.press("Read everything")
			} else {
				s.dev.use("button", "Read everything", "")
			}
			s.dev.fill("Allowed networks", "203.0.113.0/33")
			s.dev.fill("Stricter rate limit", "601")
			show()
			s.dev.see("203.0.113.0/33 is not a network: an IPv4 prefix is at most /32.", "The plan of Orders API lets through 600 calls a minute.")
			s.dev.fill("Allowed networks", "127.0.0.0/8")
			s.dev.fill("Stricter rate limit", "60")
			show()
			s.dev.see("See orders and their state", "It works from these networks only: 127.0.0.0/8.", "This key alone: at most 60 calls a minute.", "POST /v2/orders", "because it needs orders:write.")
			s.dev.press("Create key")
			k := madeKey{name: "Tracking page", secret: s.dev.secret()}
			s.secrets.keep("key", k.secret)
			s.dev.follow("I have copied it: go to the key")
			k.page = s.dev.path()
			s.dev.see("127.0.0.0/8", "At most 60 calls a minute")

			s.answers(t, k, 200, "")
			if got := call(t, "POST", s.gate+"/v2/orders", k.secret); got.status != 403 || got.code != "INSUFFICIENT_SCOPE" {
				t.Errorf("the call that is refused: %s", got)
			}
			s.dev.quiet()
		})
	}
}

// K5, A14: narrower and wider hold on the next call; of wider, the key's people hear.
func TestBoundsOfAKeyHoldOnTheNextCall(t *testing.T) {
	t.Parallel()
	for _, dialect := range dialects {
		t.Run(dialect, func(t *testing.T) {
			s := narrowStage(t, dialect, kind{withoutScripts: dialect == "SQLite"})
			k := s.makeKey(s.dev, s.app, "Tracking page", "Live", "orders:read")
			change := func(field, value string) {
				s.dev.open(k.page)
				s.dev.follow("Change where and how much it may be used")
				s.dev.fill(field, value)
				s.dev.press("Save changes")
				s.dev.see("Saved. It holds from the next call on.")
			}
			s.answers(t, k, 200, "")

			change("Allowed networks", "203.0.113.0/24")
			s.answers(t, k, 403, "FORBIDDEN_IP")
			change("Allowed networks", "203.0.113.0/24 127.0.0.1")
			s.answers(t, k, 200, "")
			if mail := s.mailTo(devMail, "can do more than before"); !strings.Contains(mail.Text, "127.0.0.1/32") || strings.Contains(mail.Text, k.secret) {
				t.Errorf("the mail says %s", mail.Text)
			}
			change("Allowed origins", "https://*.shop.example")
			s.answers(t, k, 403, "FORBIDDEN_ORIGIN")
			for origin, want := range map[string]int{"https://www.shop.example": 200, "https://shop.example": 403, "https://www.shop.example.evil.example": 403, "null": 403} {
				if status, code := calledFrom(t, s.gate, k.secret, origin); status != want || want == 403 && code != "FORBIDDEN_ORIGIN" {
					t.Errorf("%s: %d %s", origin, status, code)
				}
			}
			next := s.rotate(s.dev, k, "7 days")

			s.answers(t, next, 403, "FORBIDDEN_ORIGIN")
			s.dev.see("https://*.shop.example", "127.0.0.1/32")
			s.dev.quiet()
		})
	}
}
