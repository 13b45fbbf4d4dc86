package web_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

func site(t *testing.T) *webtest.Site {
	t.Helper()
	clock := dbtest.NewClock()
	return webtest.New(t, dbtest.SQLite(t, clock), clock, func(k *web.Kit, r *web.Registrar) {
		ok := func(c echo.Context) error { return c.String(http.StatusOK, "fine") }
		r.Get("/open", web.Public(), ok)
		r.Get("/of/:what", web.Public(), ok)
		r.Get("/mine", web.SignedIn(), ok)
		r.Post("/act", web.SignedIn(), ok)
		r.Post("/enter", web.Public(), func(c echo.Context) error {
			var form struct {
				Name string `form:"name"`
			}
			if err := web.Bind(c, &form); err != nil {
				return err
			}
			return c.String(http.StatusOK, "name="+form.Name)
		})
		r.Get("/staff", web.Staff(permission.StaffAuditRead), ok)
		r.Get("/fresh", web.SignedIn().Fresh(), ok)
		r.Get("/broken", web.Public(), func(echo.Context) error { return errors.New("SELECT secret FROM keys") })
		r.Get("/panics", web.Public(), func(echo.Context) error { panic("at the disco") })
	})
}

// Z1, D1
func TestRoutesAskForWhatTheyDeclare(t *testing.T) {
	s := site(t)
	dev, auditor, support := s.As(s.Person("d@example.com", "")), s.As(s.Person("a@example.com", "auditor")), s.As(s.Person("s@example.com", "support"))

	got := map[string]int{
		"visitor open": s.Visitor().Get("/open").Status, "visitor mine": s.Visitor().Get("/mine").Status, "visitor act": s.Visitor().Post("/act", url.Values{}).Status,
		"visitor staff": s.Visitor().Get("/staff").Status, "dev mine": dev.Get("/mine").Status, "dev act": dev.Post("/act", url.Values{}).Status,
		"dev staff": dev.Get("/staff").Status, "support staff": support.Get("/staff").Status, "auditor staff": auditor.Get("/staff").Status,
		"nothing": dev.Get("/nothing").Status, "wrong method": dev.Get("/act").Status,
	}

	want := map[string]int{
		"visitor open": 200, "visitor mine": 401, "visitor act": 401, "visitor staff": 401, "dev mine": 200, "dev act": 200,
		"dev staff": 403, "support staff": 403, "auditor staff": 200, "nothing": 404, "wrong method": 404,
	}
	for name, status := range want {
		if got[name] != status {
			t.Errorf("%s: %d, want %d", name, got[name], status)
		}
	}
}

// W1
func TestOtherSitesCannotActForAUser(t *testing.T) {
	s := site(t)
	dev := s.As(s.Person("d@example.com", ""))
	variants := []http.Header{
		{"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}},
		{"Origin": {"https://evil.example"}, "Sec-Fetch-Site": nil},
		{"Origin": {"null"}, "Sec-Fetch-Site": nil},
		{"Origin": nil, "Sec-Fetch-Site": {"same-site"}},
		{"Origin": nil, "Sec-Fetch-Site": nil},
		{"Content-Type": {"text/plain"}},
	}

	for _, h := range variants {
		dev.Header = h
		if got := dev.Post("/act", url.Values{"a": {"b"}}).Status; got != http.StatusForbidden {
			t.Errorf("%v: %d", h, got)
		}
	}
}

// W1, W3: a page without referrer has the origin null.
func TestPagesWithoutReferrerCanActForTheirUser(t *testing.T) {
	s := site(t)
	dev := s.As(s.Person("d@example.com", ""))
	dev.Header = http.Header{"Origin": {"null"}, "Sec-Fetch-Site": {"same-origin"}}

	page := dev.Post("/act", url.Values{"a": {"b"}})

	if page.Status != http.StatusOK {
		t.Fatal(page.Status)
	}
}

// Z3
func TestFormsAreReadFromTheBodyAlone(t *testing.T) {
	s := site(t)

	page := s.Visitor().Post("/enter?name=query", url.Values{"other": {"x"}})

	if page.Body != "name=" {
		t.Fatal(page.Body)
	}
}

// W7
func TestErrorsTellNothingButTheRequestID(t *testing.T) {
	s := site(t)

	for _, path := range []string{"/broken", "/panics"} {
		page := s.Visitor().Get(path)
		id := page.Header.Get("X-Request-Id")
		if page.Status != 500 || id == "" || !strings.Contains(page.Body, id) || strings.Contains(page.Body, "secret") || strings.Contains(page.Body, "disco") || strings.Contains(page.Body, "goroutine") {
			t.Errorf("%s: %d %s", path, page.Status, page.Body)
		}
	}
}

// A14
func TestFreshRoutesAskForThePasswordAgainAfterTenMinutes(t *testing.T) {
	s := site(t)
	dev := s.As(s.Person("d@example.com", ""))
	before := dev.Get("/fresh").Status

	s.Clock.Advance(11 * 60 * 1e9)

	after := dev.Get("/fresh")
	if before != 200 || after.Status != 303 || !strings.HasPrefix(after.Location, "/console/account/confirm?next=%2Ffresh") {
		t.Fatal(before, after.Status, after.Location)
	}
}

// S3
func TestSessionsEndWhenIdleAndAfterADay(t *testing.T) {
	s := site(t)
	idle, busy := s.As(s.Person("i@example.com", "")), s.As(s.Person("b@example.com", ""))

	for range 23 * 2 {
		s.Clock.Advance(30 * 60 * 1e9)
		if got := busy.Get("/mine").Status; got != 200 {
			t.Fatal("a busy session ended early", got)
		}
	}
	s.Clock.Advance(61 * 60 * 1e9)

	if idle.Get("/mine").Status != 401 || busy.Get("/mine").Status != 401 {
		t.Fatal("a session outlived its limit")
	}
}

// W4
func TestNextLeadsNowhereElse(t *testing.T) {
	for _, bad := range []string{"", "//h", `/\h`, "/\t/h", "/%09/h", "/%5ch", "https:h", "https://h", "/\u2215h", "javascript:alert(1)", "/%2fh", "/a\r\nb", "h", "/\u2028x", "/%00"} {
		if got := web.SafeNext(bad, "/console"); got != "/console" {
			t.Errorf("%q led to %q", bad, got)
		}
	}
	for _, good := range []string{"/", "/console", "/apis/orders?a=b&c=%20d", "/console/keys#top"} {
		if got := web.SafeNext(good, "/x"); got != good {
			t.Errorf("%q led to %q", good, got)
		}
	}
}

// W6
func TestOtherHostsAreRefused(t *testing.T) {
	s := site(t)

	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/open", nil)
	r.Host = "evil.example"
	answer, err := http.DefaultClient.Do(r)

	if err != nil || answer.StatusCode != http.StatusMisdirectedRequest {
		t.Fatal(answer.StatusCode, err)
	}
	_ = answer.Body.Close()
}

// W3, W2, C10: helmet's defaults with a stricter policy, a nonce of its own on each page, no leave for other origins, no banner.
func TestPagesCarryTheirSafetyHeaders(t *testing.T) {
	s := site(t)
	c := s.Visitor()
	c.Header.Set("Origin", "https://evil.example")

	one, two := c.Get("/open"), c.Get("/nothing")

	csp := one.Header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'", "script-src 'self' 'nonce-"} {
		if !strings.Contains(csp, part) {
			t.Errorf("the policy lacks %s: %s", part, csp)
		}
	}
	if strings.Contains(csp, "unsafe") || csp == two.Header.Get("Content-Security-Policy") {
		t.Errorf("the policy allows what it must not, or its nonce is the same twice: %s", csp)
	}
	for _, page := range []webtest.Page{one, two} {
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Cross-Origin-Opener-Policy": "same-origin", "Referrer-Policy": "strict-origin-when-cross-origin", "X-Frame-Options": "DENY",
			"Cache-Control": "no-store", "Access-Control-Allow-Origin": "", "Server": "", "X-Powered-By": "", "Strict-Transport-Security": "",
		} {
			if got := page.Header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
	}
}

// L1
func TestLongBodiesAreRefused(t *testing.T) {
	s := site(t)

	page := s.Visitor().Post("/enter", url.Values{"name": {strings.Repeat("x", web.FormBody)}})

	if page.Status != http.StatusUnprocessableEntity || !strings.Contains(page.Body, "64 kB") {
		t.Fatal(page.Status)
	}
}

// C4, L9: X-Forwarded-For is believed from named proxies alone, and then its rightmost entry that is none of them.
func TestAddressIsThePeersUnlessAProxyIsNamed(t *testing.T) {
	base := &url.URL{Scheme: "http", Host: "portal.example"}
	d := dbtest.SQLite(t, nil)
	for name, c := range map[string]struct{ proxies, peer, header, want string }{
		"no proxy is named":       {"", "203.0.113.9:1234", "198.51.100.1", "203.0.113.9"},
		"the peer is no proxy":    {"10.0.0.0/8", "203.0.113.9:1234", "198.51.100.1", "203.0.113.9"},
		"one proxy":               {"10.0.0.0/8", "10.1.1.1:1234", "198.51.100.1", "198.51.100.1"},
		"the client adds entries": {"10.0.0.0/8", "10.1.1.1:1234", "1.2.3.4, 198.51.100.1, 10.2.2.2", "198.51.100.1"},
		"loopback is no proxy":    {"10.0.0.0/8", "127.0.0.1:1234", "198.51.100.1", "127.0.0.1"},
	} {
		k := &web.Kit{DB: d, BaseURL: base, Accounts: account.NewStore(account.Options{DB: d})}
		if c.proxies != "" {
			k.Proxies = []netip.Prefix{netip.MustParsePrefix(c.proxies)}
		}
		e := k.NewEcho()
		web.NewRegistrar(k, e).Get("/who", web.Public(), func(c echo.Context) error { return c.String(http.StatusOK, web.Actor(c).Address.String()) })
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://portal.example/who", nil)
		r.RemoteAddr = c.peer
		r.Header.Set("X-Forwarded-For", c.header)
		answer := httptest.NewRecorder()

		k.Handler(e).ServeHTTP(answer, r)

		if answer.Body.String() != c.want {
			t.Errorf("%s: %q, want %q", name, answer.Body, c.want)
		}
	}
}

// S1, C3: under https the session's cookie belongs to this host alone, and browsers are told to stay with https.
func TestUnderHTTPSCookiesAreBoundToTheHost(t *testing.T) {
	d := dbtest.SQLite(t, nil)
	k := &web.Kit{DB: d, BaseURL: &url.URL{Scheme: "https", Host: "portal.example"}, Accounts: account.NewStore(account.Options{DB: d})}
	e := k.NewEcho()
	web.NewRegistrar(k, e).Get("/in", web.Public(), func(c echo.Context) error {
		k.StartSession(c, "token", time.Hour)
		return c.NoContent(http.StatusNoContent)
	})
	answer := httptest.NewRecorder()

	k.Handler(e).ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://portal.example/in", nil))

	cookie := answer.Header().Get("Set-Cookie")
	for _, part := range []string{"__Host-gatehouse-session=token", "Path=/", "HttpOnly", "Secure", "SameSite=Lax", "Max-Age=3600"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("the cookie lacks %s: %s", part, cookie)
		}
	}
	if strings.Contains(cookie, "Domain") || answer.Header().Get("Strict-Transport-Security") != "max-age=31536000; includeSubDomains" {
		t.Error(cookie, answer.Header())
	}
}

func TestWhatIsNoTextIsRefusedOnceForAll(t *testing.T) { // W7: PostgreSQL keeps neither NUL nor bytes that are not UTF-8
	s := site(t)
	v := s.Visitor()

	for path, want := range map[string]int{
		"/open": 200, "/open?tag=%C3%A4%0A": 200, "/open?tag=%00": 422, "/open?%00=x": 422, "/open?tag=%ff": 422, "/open?tag=%ED%A0%80": 422, "/op%00en": 404, "/of/%00": 404, "/of/%ff": 404, "/of/%C3%A4": 200,
	} {
		if p := v.Get(path); p.Status != want || want == 422 && !strings.Contains(p.Body, "characters that can’t be shown") {
			t.Errorf("%s: %d, want %d", path, p.Status, want)
		}
	}
	for _, form := range []url.Values{{"name": {"a\x00"}}, {"name": {"a\xff"}}, {"other": {"\x00"}}, {"\xff": {"x"}}} {
		if p := v.Post("/enter", form); p.Status != 422 {
			t.Errorf("%v: %d", form, p.Status)
		}
	}
	if p := v.Post("/enter", url.Values{"name": {"ä\r\n"}}); p.Status != 200 {
		t.Error(p.Status)
	}
}

func TestFormsAreBoundFromFormsAlone(t *testing.T) { // Z3
	s := site(t)
	send := func(kind, body string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/enter", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Origin", s.URL)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		return answer.StatusCode
	}
	part := func(value string) string {
		return "--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\n" + value + "\r\n--x--\r\n"
	}

	got := []int{
		send("multipart/form-data; boundary=x", part("fine")), send("multipart/form-data; boundary=x", part("a\x00b")), send("multipart/form-data; boundary=x", part("a\xffb")),
		send("application/json", `{"name":"a"}`), send("application/xml", "<a><name>b</name></a>"), send("text/plain", "name=a"),
	}

	if want := []int{200, 422, 422, 403, 403, 403}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
