package edge_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/gatewayfile"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/testenv"
)

// D9: a client's header that a service could read as one of ours does not reach it, whether a gateway's file knows the name or not.
func TestBehindEachGatewayNamesThatAreNoneOfOursDoNotPassForThem(t *testing.T) {
	eachGateway(t, func(t *testing.T, w *world, s *site) {
		key := w.add(w.client())
		for _, name := range []string{"X-Gatehouse-Role", "X-Gatehouse-Keyid", "x-gatehouse-a.b", "X-GATEHOUSE-ADMIN", "X-Gatehouse_Role"} {
			status, header, seen := visit(t, "GET", s.url+"/v2/orders", key, http.Header{name: {"admin"}})

			if status != 200 && header.Get("X-Gatehouse-Code") != "BAD_REQUEST" {
				t.Errorf("%s: %d %v", name, status, header)
			}
			for reached, values := range seen {
				if strings.Contains(strings.Join(values, " "), "admin") {
					t.Errorf("%s reached the service as %s: %q", name, reached, values)
				}
			}
		}
	})
}

// D9: what a client sends after the body is a header to some services.
func TestBehindEachGatewayNoTrailerSaysWhoCalls(t *testing.T) {
	eachGateway(t, func(t *testing.T, w *world, s *site) {
		f := w.client(func(f *keyring.Facts) { f.Reach.Grants[0].Scopes = []string{"orders:read", "orders:write"} })
		key := w.add(f)
		head := "POST /v2/orders HTTP/1.1\r\nHost: orders.example\r\nAuthorization: Bearer " + key + "\r\nConnection: close\r\n"
		trailers := "X-Gatehouse-Organization-Id: org_admin\r\nX_Gatehouse_App_Id: app_admin\r\nX-Gatehouse-Role: admin\r\n"
		if said := say(t, s.address, head+"Content-Length: 4\r\n\r\nbody"); !strings.HasPrefix(said, "HTTP/1.1 200") || !strings.Contains(said, `"body":["body"]`) {
			t.Fatalf("control: %q", said)
		}
		for what, announced := range map[string]string{
			"announced": "Trailer: X-Gatehouse-Organization-Id, X_Gatehouse_App_Id\r\nTE: trailers\r\n", "not announced": "",
		} {
			said := say(t, s.address, head+announced+"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n"+trailers+"\r\n")

			passed := strings.HasPrefix(said, "HTTP/1.1 200") && strings.Contains(said, `"body":["body"]`)
			if refused := strings.HasPrefix(said, "HTTP/1.1 411"); passed == refused || strings.Contains(said, "admin") {
				t.Errorf("%s: %q", what, said)
			}
		}
	})
}

// L5: who uses up a quota learns it before it is used up.
func TestBehindEachGatewayTheClientIsWarnedOfItsQuota(t *testing.T) {
	eachGateway(t, func(t *testing.T, w *world, s *site) {
		key := w.quotasOf(5, 0)
		var statuses []int
		var warned []string
		for range 6 {
			status, header, _ := visit(t, "GET", s.url+"/v2/orders", key, http.Header{"X-Gatehouse-Quota-Warning": {"month=3"}})
			statuses, warned = append(statuses, status), append(warned, strings.Join(header.Values("X-Gatehouse-Quota-Warning"), "+"))
		}

		want := "   month=80 month=100 month=100"
		if silent(t) {
			want = "     month=100"
		}
		if got := strings.Join(warned, " "); got != want || statuses[4] != 200 || statuses[5] != 429 {
			t.Errorf("%q, %v", got, statuses)
		}
	})
}

// D9: nginx reads header lines that come before the host's as the address's default server has it, and that may let every name in.
func TestBehindNginxADefaultServerThatTakesEveryNameLetsNoneThrough(t *testing.T) {
	w := newWorld(t)
	f := w.client()
	key := w.add(f)
	s := newSite(t, w, func(t *testing.T, o gatewayfile.Options) string {
		o.ServerName = "orders.example"
		url, _ := testenv.Nginx(t, "server {\n listen 127.0.0.1:@PORT@ default_server;\n underscores_in_headers on;\n ignore_invalid_headers off;\n return 404;\n}\n"+gatewayfile.Nginx(o))
		return url
	})
	send := func(before string) string {
		return say(t, s.address, "GET /v2/orders HTTP/1.1\r\n"+before+"Host: orders.example\r\nAuthorization: Bearer "+key+"\r\nConnection: close\r\n\r\n")
	}
	if said := send("X-Mine: kept\r\n"); !strings.HasPrefix(said, "HTTP/1.1 200") || !strings.Contains(said, shown(f.ID, "key")) {
		t.Fatalf("control: %q", said)
	}
	for _, name := range []string{"X_Gatehouse_Organization_Id", "X.Gatehouse.Organization.Id", "X-Gatehouse_Key-Id", "x-gatehouse-role", "X_Gatehouse-Token", "X.GATEHOUSE_SCOPES"} {
		if said := send(name + ": org_admin\r\n"); !strings.HasPrefix(said, "HTTP/1.1 403") || !strings.Contains(said, "BAD_REQUEST") {
			t.Errorf("%s: %.300q", name, said)
		}
	}
	for _, name := range []string{"X-Gatehouse-Organization-Id", "X-Gatehouse-Token"} {
		if said := send(name + ": org_admin\r\n"); !strings.HasPrefix(said, "HTTP/1.1 200") || strings.Contains(said, "org_admin") {
			t.Errorf("%s: %.300q", name, said)
		}
	}
	if n := len(s.served); n != 3 {
		t.Error("the service was reached by others than the controls:", n)
	}
}

// D9: HAProxy takes HTTP/2 on every port of its own accord.
func TestBehindHAProxyNoTrailerOfHTTP2SaysWhoCalls(t *testing.T) {
	w := newWorld(t)
	key := w.add(w.client(func(f *keyring.Facts) { f.Reach.Grants[0].Scopes = []string{"orders:write"} }))
	s := newSite(t, w, gateways["haproxy"])
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	for what, length := range map[string]int64{"of unknown length": -1, "of known length": 4} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v2/orders", io.NopCloser(strings.NewReader("body")))
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = length
		r.Header.Set("Authorization", "Bearer "+key)
		r.Trailer = http.Header{"X-Gatehouse-Organization-Id": {"admin"}}

		answer, err := transport.RoundTrip(r)
		if err != nil {
			continue // refused before it was one
		}
		said, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()

		if err != nil || strings.Contains(string(said), "admin") || answer.StatusCode != 200 && answer.StatusCode != 505 {
			t.Errorf("a body %s: %s %d %q (%v)", what, answer.Proto, answer.StatusCode, said, err)
		}
	}
}

// D9: the two lines by which the guide lets no header through that is not named.
func TestBehindNginxNoHeaderPassesThatTheFileDoesNotNameWhereItSaysSo(t *testing.T) {
	w := newWorld(t)
	f := w.client()
	s := newSite(t, w, func(t *testing.T, o gatewayfile.Options) string {
		const begin = "    auth_request /_gatehouse;\n"
		url, _ := testenv.Nginx(t, strings.Replace(gatewayfile.Nginx(o), begin, begin+"    proxy_pass_request_headers off;\n    proxy_set_header Accept $http_accept;\n", 1))
		return url
	})

	status, _, seen := visit(t, "GET", s.url+"/v2/orders", w.add(f), http.Header{"X-Mine": {"dropped"}, "Accept": {"text/x"}, "X-Gatehouse-Scopes": {"admin"}})

	if status != 200 || seen["X-Mine"] != nil || strings.Join(seen["Accept"], "") != "text/x" || strings.Join(seen["X-Gatehouse-Key-Id"], "") != shown(f.ID, "key") ||
		strings.Join(seen["X-Gatehouse-Scopes"], "") != "orders:read" {
		t.Error(status, seen)
	}
}
