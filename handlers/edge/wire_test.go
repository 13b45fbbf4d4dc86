package edge_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
)

// say sends request over a socket of its own, and returns all that comes back until the other end hangs up.
func say(t *testing.T, address, request string) string {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, request) // the server may have refused it half-way
	said, err := io.ReadAll(conn)
	if err != nil && len(said) == 0 {
		t.Fatal("it was not hung up:", err)
	}
	return string(said)
}

// wire are requests that two programs may read in two ways. After each comes another one, with a valid key, which must never be answered.
var wire = []struct{ name, request, status string }{
	{"length and chunks", "POST /v1/keys/verify HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nZ\r\nQ\r\n\r\n", "400"},
	{"two lengths", "POST /v1/keys/verify HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n", "400"},
	{"an odd length", "POST /v1/keys/verify HTTP/1.1\r\nHost: a\r\nContent-Length: +0\r\n\r\n", "400"},
	{"an unknown coding", "POST /v1/keys/verify HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x, chunked\r\n\r\n0\r\n\r\n", "400"},
	{"chunks with HTTP/1.0", "POST /v1/keys/verify HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n0\r\n\r\n", "400"},
	{"chunks", "POST /v1/keys/verify HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "411"},
	{"bare LF", "GET /v1/authz HTTP/1.1\nHost: a\n\n", "400"},
	{"bare LF in one line", "GET /v1/authz HTTP/1.1\r\nHost: a\r\nX: y\nZ: z\r\n\r\n", "400"},
	{"bare CR", "GET /v1/authz HTTP/1.1\r\nHost: a\r\nX: y\rZ: z\r\n\r\n", "400"},
	{"folded", "GET /v1/authz HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n", "400"},
	{"space before the colon", "GET /v1/authz HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\n", "400"},
	{"two hosts", "GET /v1/authz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
	{"no host", "GET /v1/authz HTTP/1.1\r\n\r\n", "400"},
	{"host of another target", "GET http://b/v1/authz HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
	{"authority form", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", "400"},
	{"asterisk with GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
	{"NUL", "GET /v1/authz HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n", "400"},
	{"an empty line before", "\r\nGET /v1/authz HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
	{"a large head", "GET /v1/authz HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 200<<10) + "\r\n\r\n", "431"},
	{"another version", "GET /v1/authz HTTP/3.0\r\nHost: a\r\n\r\n", "505"},
	{"too large", "POST /v1/keys/verify HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999\r\n\r\n", "413"},
}

// D13
func TestWhatCanBeReadInTwoWaysIsTheLastOfItsConnection(t *testing.T) {
	w := newWorld(t)
	key := w.add(w.client())
	address := listening(t, w.handler)
	smuggled := "GET /v1/whoami HTTP/1.1\r\nHost: a\r\nX-API-Key: " + key + "\r\n\r\n"
	control := "GET /v1/whoami HTTP/1.1\r\nHost: a\r\nX-API-Key: " + key + "\r\nConnection: close\r\n\r\n"
	if said := say(t, address, smuggled+control); strings.Count(said, "HTTP/1.1 200") != 2 {
		t.Fatal("control: two good requests in one piece:", said)
	}

	for _, c := range wire {
		said := say(t, address, c.request+smuggled)
		after := say(t, address, smuggled+c.request+smuggled)

		if strings.Count(said, "HTTP/1.1 ") != 1 || !strings.HasPrefix(said, "HTTP/1.1 "+c.status) || strings.HasPrefix(said, "HTTP/1.1 2") {
			t.Errorf("%s: %.300s", c.name, said)
		}
		if strings.Count(after, "HTTP/1.1 ") != 2 || !strings.HasPrefix(after, "HTTP/1.1 200") || strings.Count(after, "HTTP/1.1 200") != 1 {
			t.Errorf("%s, after a good one: %.900s", c.name, after)
		}
	}
}

// What a client may say, and few do.
func TestUnusualRequestsAreServedAsTheStandardHasIt(t *testing.T) {
	w := newWorld(t)
	key := w.add(w.client())
	address := listening(t, w.handler)
	body := `{"key":"` + key + `","api":"orders"}`
	verify := "Authorization: Bearer " + w.gateway + "\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n"
	for name, c := range map[string]struct{ request, want string }{
		"HTTP/1.0":             {"GET /v1/whoami HTTP/1.0\r\nX-API-Key: " + key + "\r\n\r\n", "200"},
		"absolute form":        {"GET http://a/v1/whoami HTTP/1.1\r\nHost: a\r\nX-API-Key: " + key + "\r\nConnection: close\r\n\r\n", "200"},
		"close among others":   {"GET /v1/whoami HTTP/1.1\r\nHost: a\r\nX-API-Key: " + key + "\r\nConnection: x-other, Close\r\n\r\n", "200"},
		"expects 100-continue": {"POST /v1/keys/verify HTTP/1.1\r\nHost: a\r\n" + verify + "Expect: 100-continue\r\nConnection: close\r\n\r\n" + body, "100"},
		"OPTIONS *":            {"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "404"},
		"a body that is cut":   {"POST /v1/keys/verify HTTP/1.1\r\nHost: a\r\n" + verify + "Connection: close\r\n\r\n" + body, "200"},
		"garbage after":        {"GET /v1/whoami HTTP/1.1\r\nHost: a\r\nX-API-Key: " + key + "\r\n\r\n\x00\x01garbage\r\n\r\n", "200"},
	} {
		said := say(t, address, c.request)

		if !strings.HasPrefix(said, "HTTP/1.1 "+c.want) && !strings.HasPrefix(said, "HTTP/1.0 "+c.want) {
			t.Errorf("%s: %.300s", name, said)
		}
		if c.want == "100" && !strings.Contains(said, `"valid":true`) {
			t.Errorf("%s: %s", name, said)
		}
	}
}

// D7, D8: what is there twice is never merged into one, whatever the server makes of it.
func TestDoubledHeadersOfARawRequestAreSeenTwice(t *testing.T) {
	w := newWorld(t)
	key := w.add(w.client())
	address := listening(t, w.handler)
	head := "GET /v1/authz?api=orders HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-Method: GET\r\nX-API-Key: " + key + "\r\n"
	token, target := "X-Gatehouse-Token: "+w.gateway+"\r\n", "X-Forwarded-Uri: /v2/orders\r\n"
	for name, c := range map[string]struct{ lines, want string }{
		"once: control":                 {token + target, "200"},
		"the token twice":               {token + token + target, "503"},
		"the token in another case":     {token + strings.ToLower(token) + target, "503"},
		"the target twice":              {token + target + target, "403"},
		"the target in another case":    {token + target + "x-FORWARDED-uri: /v2/orders\r\n", "403"},
		"with underscores: not read":    {token + target + "X_Forwarded_Uri: /v2/other\r\n", "200"},
		"posing as the token":           {token + target + "X_Gatehouse_Token: x\r\n", "403"},
		"an override, in another case":  {token + target + "x-http-METHOD-override: DELETE\r\n", "403"},
		"an override, with underscores": {token + target + "X_HTTP_Method_Override: DELETE\r\n", "403"},
		"another target, with dots":     {token + target + "x.original.url: /v2/admin\r\n", "403"},
		"an empty second value":         {token + target + "X-Forwarded-Uri:\r\n", "403"},
		"two keys, one in another case": {token + target + "x-api-KEY: " + w.gateway + "\r\n", "403"},
	} {
		if said := say(t, address, head+c.lines+"\r\n"); !strings.HasPrefix(said, "HTTP/1.1 "+c.want) {
			t.Errorf("%s: %.200s", name, said)
		}
	}
}

// REL-5: while the listener leaves, everything is answered, and each answer ends its connection; afterwards nobody listens.
func TestDrainingAnswersAndEndsConnections(t *testing.T) {
	w := newWorld(t)
	key := w.add(w.client())
	s, ok := carrier.over(w.handler).(interface {
		server
		Drain()
	})
	if !ok {
		return // net/http is drained by whoever serves it
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	ask := func() (*http.Response, error) {
		_, _ = io.WriteString(conn, "GET /v1/whoami HTTP/1.1\r\nHost: a\r\nX-API-Key: "+key+"\r\n\r\n")
		answer, err := http.ReadResponse(reader, nil)
		if err == nil {
			_, _ = io.Copy(io.Discard, answer.Body)
		}
		return answer, err
	}

	before, err1 := ask()
	s.Drain()
	during, err2 := ask()
	_, err3 := ask()
	shut := s.Shutdown(t.Context())

	if err1 != nil || before.StatusCode != 200 || before.Close {
		t.Fatal(err1, before)
	}
	if err2 != nil || during.StatusCode != 200 || !during.Close || err3 == nil {
		t.Fatal(err2, during, err3)
	}
	if _, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String()); err == nil || shut != nil || <-served != nil {
		t.Fatal("it still listens", shut)
	}
}

// D13: whatever a client puts behind its request, nginx and the edge agree on where requests end, over connections that are used again.
func TestBehindNginxNoRequestIsSmuggled(t *testing.T) {
	w := newWorld(t)
	reads := w.add(w.client(func(f *keyring.Facts) { f.Reach.Grants[0].Scopes = []string{"orders:read"} }))
	url := behindNginx(t, w)
	address := strings.TrimPrefix(url, "http://")
	inner := "GET /v1/authz?api=orders HTTP/1.1\r\nHost: a\r\nX-Gatehouse-Token: x\r\n\r\n"
	bearer := "Authorization: Bearer " + reads + "\r\n"
	for name, request := range map[string]string{
		"in a body":           "GET /v2/orders HTTP/1.1\r\nHost: a\r\n" + bearer + "Content-Length: " + strconv.Itoa(len(inner)) + "\r\n\r\n" + inner,
		"in a body of chunks": "GET /v2/orders HTTP/1.1\r\nHost: a\r\n" + bearer + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner,
		"length and chunks":   "GET /v2/orders HTTP/1.1\r\nHost: a\r\n" + bearer + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner,
		"bare LF":             "GET /v2/orders HTTP/1.1\nHost: a\n" + bearer + "X: y\n\n" + inner,
		"bare CR":             "GET /v2/orders HTTP/1.1\r\nHost: a\r\nX: y\rContent-Length: 5\r\n" + bearer + "\r\n" + inner,
		"two lengths":         "GET /v2/orders HTTP/1.1\r\nHost: a\r\n" + bearer + "Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + inner,
	} {
		for range 5 {
			_ = say(t, address, strings.Replace(request, "Host: a", "Connection: close\r\nHost: a", 1))

			good, _, _ := visit(t, "GET", url+"/v2/orders", reads, nil)
			nobody, header, _ := visit(t, "GET", url+"/v2/orders", "", nil)
			write, _, _ := visit(t, "POST", url+"/v2/orders", reads, nil)
			if good != 200 || nobody != 401 || header.Get("X-Gatehouse-Code") != "MISSING_KEY" || write != 403 {
				t.Fatalf("%s: the next ones got %d, %d %s, %d", name, good, nobody, header.Get("X-Gatehouse-Code"), write)
			}
		}
	}
}
