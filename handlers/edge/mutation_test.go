package edge_test

import (
	"bufio"
	"bytes"
	"flag"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
)

var mutations = flag.Int("edge.mutations", 10_000, "how many mutated requests are sent to /v1/authz")

// raw is a request as it goes over the wire: nothing repairs it.
type raw struct {
	method, target string
	header         []string
}

func (r *raw) set(name, value string) {
	r.drop(name)
	r.header = append(r.header, name+": "+value)
}

func (r *raw) drop(name string) {
	kept := r.header[:0]
	for _, line := range r.header {
		if !strings.HasPrefix(strings.ToLower(line), strings.ToLower(name)+":") {
			kept = append(kept, line)
		}
	}
	r.header = kept
}

func (r *raw) bytes() []byte {
	var b bytes.Buffer
	b.WriteString(r.method + " " + r.target + " HTTP/1.1\r\nHost: gatehouse\r\nConnection: close\r\n")
	for _, line := range r.header {
		b.WriteString(line + "\r\n")
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

// send returns the status; 0 when the connection was closed without an answer, which is no yes either.
func send(t *testing.T, address string, r *raw) int {
	t.Helper()
	conn, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, _ = conn.Write(r.bytes()) // the server may have refused it half-way
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	return answer.StatusCode
}

// kind is one way to spoil a request. control does the same kind of thing without spoiling it: with a valid key the answer must be 200, or the
// kind would prove nothing.
type kind struct {
	name    string
	mutate  func(r *raw, rnd *rand.Rand)
	control func(r *raw)
}

func pick(rnd *rand.Rand, from ...string) string { return from[rnd.IntN(len(from))] }

var targets = []string{
	"", " ", "/", "//", "/v2/orders%", "/v2/orders%zz", "/v2/%00orders", "/v2/orders#x", "/v2/orders;a=b", "/v2%2forders", "/v2%5corders", "/v2/../orders",
	"/v2/%2e%2e/orders", "http://api.example/v2/orders", "api.example:443", "*", "/v2/orders\x00", "/v2/orders?x=%zz", "\\v2\\orders", "/v2/orders/./7", "/V2/orders",
	"/v2/orders%2f..%2f", "/v2/órders", "/v2/orders%252f", "javascript:1", "/v2/orders%20", "/v2/orders%C2%A0", "/v2/ORDERS", "/v2/orders?_method=POST", "/v2/orders?a=1&%5Fmethod=DELETE",
}

func (w *world) kinds(valid string) []kind {
	forwarded := []string{"X-Forwarded-Method", "X-Forwarded-Uri", "X-Forwarded-For", "X-Original-Method", "X-Original-URI", "X-Forwarded-Host", "X-Forwarded-Proto"}
	garbage := []string{"", " ", "GET", "get", "\x01", "%00", "é", strings.Repeat("A", 300), "GET, POST", "/v2/orders", "{}", "null", "203.0.113.7"}
	nothing := func(*raw) {}
	return []kind{
		{"target of the request", func(r *raw, rnd *rand.Rand) { r.set("X-Forwarded-Uri", pick(rnd, targets...)) }, func(r *raw) { r.set("X-Forwarded-Uri", "/v2/orders?a=%zz") }},
		{"target under the other name", func(r *raw, rnd *rand.Rand) { r.set("X-Original-URI", pick(rnd, targets...)) }, func(r *raw) { r.set("X-Original-URI", "/v2/orders") }},
		{"a forwarded header taken away", func(r *raw, rnd *rand.Rand) { r.drop(pick(rnd, forwarded...)) }, func(r *raw) { r.drop("X-Forwarded-For") }},
		{"a forwarded header doubled", func(r *raw, rnd *rand.Rand) {
			r.header = append(r.header, pick(rnd, forwarded...)+": "+pick(rnd, garbage...))
		}, func(r *raw) { r.header = append(r.header, "X-Forwarded-For: 203.0.113.8") }},
		{"garbage in a forwarded header", func(r *raw, rnd *rand.Rand) { r.set(pick(rnd, forwarded...), pick(rnd, garbage...)) }, func(r *raw) { r.set("X-Forwarded-Host", "\x80") }},
		{"names that another program reads as ours", func(r *raw, rnd *rand.Rand) {
			r.set(pick(rnd, "X_Gatehouse_Token", "X.Forwarded.Uri", "x-forwarded-uri ", "X_API_KEY", "AUTHORIZATION_"), pick(rnd, valid, w.gateway))
		}, func(r *raw) { r.set("X_Forwarded_Uri", "/v2/other") }},
		{"a large header", func(r *raw, rnd *rand.Rand) {
			r.set(pick(rnd, "X-Large", "Cookie", "Authorization"), strings.Repeat("x", 64<<10))
		}, func(r *raw) { r.set("X-Large", strings.Repeat("x", 16<<10)) }},
		{"our own target", func(r *raw, rnd *rand.Rand) {
			r.target = pick(rnd, "/v1/authz", "/v1/authz?api=orders&nginx=1", "/v1/authz?api=staff", "/v1/authz?api=", "/v1/authz?api=orders&scope=", "/v1/authz?%00", "/v1/authz?api=orders&key="+valid,
				"/v1/authz/", "//v1/authz", "/v1/authz%2f?api=orders", "http://gatehouse/v1/authz?api=orders", "/v1/authz;x?api=orders", "/v1/authz#?api=orders", "gatehouse:80", "*")
		}, func(r *raw) { r.target = "http://gatehouse/v1/authz?api=orders" }},
		{"the path at which Envoy asks", func(r *raw, rnd *rand.Rand) {
			r.target = pick(rnd, "/v1/authz/envoy/orders/live", "/v1/authz/envoy/orders/live/", "/v1/authz/envoy/orders/any/", "/v1/authz/envoy/staff/live/", "/v1/authz/envoy/", "/v1/authz/envoy/orders&scope=x/live/") + pick(rnd, targets...)
		}, func(r *raw) {
			r.target = "/v1/authz/envoy/orders/live/v2/orders"
			r.drop("X-Forwarded-Method")
			r.drop("X-Forwarded-Uri")
		}},
		{"our own method", func(r *raw, rnd *rand.Rand) {
			r.method = pick(rnd, "POST", "HEAD", "OPTIONS", "CONNECT", "TRACE", "get", "G\x00T", "PROPFIND", "PRI")
		}, func(r *raw) { r.method = "PROPFIND" }},
		{"the gateway's token", func(r *raw, rnd *rand.Rand) {
			r.set("X-Gatehouse-Token", pick(rnd, "", "x", w.gateway[1:], w.gateway+"0", valid))
		}, nothing},
		{"headers named in Connection", func(r *raw, rnd *rand.Rand) {
			r.set("Connection", pick(rnd, "Authorization", "X-Gatehouse-Token", "X-Forwarded-Uri, close", "upgrade"))
		}, func(r *raw) { r.set("Connection", "X-Forwarded-Uri, close") }},
		{"identity from the client", func(r *raw, rnd *rand.Rand) {
			r.set(pick(rnd, "X-Gatehouse-Key-Id", "X-Gatehouse-Code", "X-Gatehouse-Scopes", "X-Gatehouse-Organization-Id"), pick(rnd, "VALID", "key_0", "orders:read"))
		}, func(r *raw) { r.set("X-Gatehouse-Scopes", "orders:write") }},
	}
}

// credentials are the ways not to present a valid key.
func (w *world) credentials(valid string) []kind {
	revoked := w.add(w.client(func(f *keyring.Facts) { f.RevokedAt = 1 }))
	good := func(r *raw) { r.set("X-API-Key", valid) }
	return []kind{
		{"none", func(*raw, *rand.Rand) {}, good},
		{"empty", func(r *raw, rnd *rand.Rand) {
			r.set("Authorization", pick(rnd, "", "Bearer", "Bearer ", "Basic ", "bearer\t"))
		}, func(r *raw) { good(r); r.set("Authorization", "") }},
		{"garbage", func(r *raw, rnd *rand.Rand) {
			r.set("Authorization", "Bearer "+pick(rnd, "x", "null", "undefined", "\x80", "gk_live_", strings.Repeat("0", 4096)))
		}, func(r *raw) { r.set("Authorization", "BEARER "+valid) }},
		{"one character altered", func(r *raw, rnd *rand.Rand) {
			b := []byte(valid)
			i := rnd.IntN(len(b))
			if b[i]++; b[i] > 'z' {
				b[i] = 'a'
			}
			r.set("X-API-Key", string(b))
		}, good},
		{"cut or longer", func(r *raw, rnd *rand.Rand) {
			r.set("X-API-Key", pick(rnd, valid[:rnd.IntN(len(valid))], valid+"0", valid+" x", "x"+valid))
		}, good},
		{"a scheme of others", func(r *raw, rnd *rand.Rand) {
			r.set("Authorization", pick(rnd, "Basic ", "Digest ", "Key ", "token ", "")+valid)
		}, func(r *raw) { r.set("Authorization", "Bearer   "+valid) }},
		{"in a cookie", func(r *raw, _ *rand.Rand) { r.set("Cookie", "key="+valid) }, func(r *raw) { good(r); r.set("Cookie", "key=1") }},
		{"revoked", func(r *raw, _ *rand.Rand) { r.set("X-API-Key", revoked) }, good},
		{"that of the gateway", func(r *raw, _ *rand.Rand) { r.set("X-API-Key", w.gateway) }, good},
		{"folded", func(r *raw, _ *rand.Rand) { r.header = append(r.header, "X-Other: a\r\n X-API-Key: "+valid) }, good},
	}
}

// D6
func TestMutatedRequestsWithoutAValidKeyAreNeverAnsweredYes(t *testing.T) {
	w := newWorld(t)
	valid := w.add(w.client())
	address := listening(t, w.handler)
	base := func() *raw {
		r := &raw{method: "GET", target: "/v1/authz?api=orders"}
		r.set("X-Gatehouse-Token", w.gateway)
		r.set("X-Forwarded-Method", "GET")
		r.set("X-Forwarded-Uri", "/v2/orders")
		r.set("X-Forwarded-For", "203.0.113.7")
		return r
	}
	credentials, kinds := w.credentials(valid), w.kinds(valid)
	for _, c := range credentials {
		r := base()
		c.control(r)
		if status := send(t, address, r); status != 200 {
			t.Errorf("control of credential %q: %d", c.name, status)
		}
	}
	for _, k := range kinds {
		r := base()
		k.control(r)
		r.set("Authorization", "Bearer "+valid)
		if status := send(t, address, r); status != 200 {
			t.Errorf("control of %q: %d", k.name, status)
		}
	}
	rnd := rand.New(rand.NewPCG(2, 7))
	met := map[int]int{}

	for i := range *mutations {
		r, names := base(), ""
		c := credentials[i%len(credentials)]
		c.mutate(r, rnd)
		for range 1 + rnd.IntN(3) {
			k := kinds[rnd.IntN(len(kinds))]
			k.mutate(r, rnd)
			names += k.name + "; "
		}
		status := send(t, address, r)
		met[status]++
		if status >= 200 && status < 300 || status == 500 {
			t.Fatalf("%d for credential %q with %s\n%q", status, c.name, names, r.bytes())
		}
	}

	t.Log(met)
}
