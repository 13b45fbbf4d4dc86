package framing_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gatehouse-dev/gatehouse/internal/framing"
)

var limits = framing.Limits{Head: 1 << 10, Fields: 20, Body: 100}

const get = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"

// D13: each is read in two ways by programs that are in use.
var refused = map[string]struct {
	request string
	status  int
}{
	"bare LF after the request line":      {"GET /a HTTP/1.1\nHost: a\r\n\r\n", 400},
	"bare LF after a field":               {"GET /a HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400},
	"bare LF at the end":                  {"GET /a HTTP/1.1\r\nHost: a\r\n\n", 400},
	"bare CR in a field":                  {"GET /a HTTP/1.1\r\nHost: a\r\nX: b\rY: c\r\n\r\n", 400},
	"bare CR in the request line":         {"GET /a\r HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"folded":                              {"GET /a HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", 400},
	"folded at once":                      {"GET /a HTTP/1.1\r\n Host: a\r\n\r\n", 400},
	"space before the colon":              {"GET /a HTTP/1.1\r\nHost : a\r\n\r\n", 400},
	"space in a name":                     {"GET /a HTTP/1.1\r\nHost: a\r\nX Y: a\r\n\r\n", 400},
	"no colon":                            {"GET /a HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", 400},
	"no name":                             {"GET /a HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", 400},
	"NUL in a value":                      {"GET /a HTTP/1.1\r\nHost: a\r\nX: b\x00c\r\n\r\n", 400},
	"NUL in a name":                       {"GET /a HTTP/1.1\r\nHost: a\r\nX\x00: b\r\n\r\n", 400},
	"NUL in the target":                   {"GET /a\x00 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"two hosts":                           {"GET /a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
	"the same host twice":                 {"GET /a HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", 400},
	"no host":                             {"GET /a HTTP/1.1\r\nX: a\r\n\r\n", 400},
	"empty host":                          {"GET /a HTTP/1.1\r\nHost:\r\n\r\n", 400},
	"two hosts in one":                    {"GET /a HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
	"host of another target":              {"GET http://b/a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"two lengths":                         {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 400},
	"the same length twice":               {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400},
	"lengths in a list":                   {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\nx", 400},
	"negative length":                     {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400},
	"signed length":                       {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx", 400},
	"length in hex":                       {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\nx", 400},
	"endless length":                      {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551617\r\n\r\nx", 400},
	"empty length":                        {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400},
	"length and chunks":                   {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
	"chunks and length":                   {"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400},
	"chunks twice":                        {"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", 400},
	"an unknown coding":                   {"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400},
	"chunks in HTTP/1.0":                  {"POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
	"chunks":                              {"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411},
	"authority form":                      {"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 400},
	"authority form, another method":      {"GET a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 400},
	"asterisk with GET":                   {"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"another scheme":                      {"GET file:///a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"userinfo":                            {"GET http://b@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"fragment":                            {"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"beyond ASCII":                        {"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"two spaces":                          {"GET  /a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"space at the end":                    {"GET /a HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
	"HTTP/0.9":                            {"GET /a\r\n\r\n", 400},
	"HTTP/2 without its preface":          {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
	"HTTP/1.2":                            {"GET /a HTTP/1.2\r\nHost: a\r\n\r\n", 505},
	"lower case version":                  {"GET /a http/1.1\r\nHost: a\r\n\r\n", 400},
	"an empty line before":                {"\r\n" + get, 400},
	"TLS":                                 {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", 400},
	"another expectation":                 {"POST /a HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\nContent-Length: 1\r\n\r\nx", 417},
	"a body that is too large":            {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n", 413},
	"a large field":                       {"GET /a HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 1<<10) + "\r\n\r\n", 431},
	"a large field that does not end":     {"GET /a HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 1<<10), 431},
	"many fields":                         {"GET /a HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("a:\r\n", 30) + "\r\n", 431},
	"a line that is longer than any head": {strings.Repeat("A", 2<<10), 431},
}

var passed = map[string]string{
	"plain":                  get,
	"HTTP/1.0 without host":  "GET /a HTTP/1.0\r\n\r\n",
	"absolute form":          "GET http://a/b?c HTTP/1.1\r\nHost: A\r\n\r\n",
	"asterisk":               "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
	"body with bare LF":      "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n\n\r\n\x00\n",
	"GET with a body":        "GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nGET",
	"expects 100-continue":   "POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\nx",
	"spaces around a value":  "GET /a HTTP/1.1\r\nHost:\t a \t\r\nX:\r\n\r\n",
	"tabs and high bytes":    "GET /a HTTP/1.1\r\nHost: [::1]:80\r\nX: abcdefgh\tijklmn\xc3\xa9\xff\r\n\r\n",
	"no body":                "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
	"two, one after another": get + get,
}

// feed returns how much of stream is passed on when it comes cut at cuts, and the status of what is refused.
func feed(stream string, cuts []int) (good, status int, between bool) {
	r := framing.Reader{Limits: limits}
	at := 0
	for _, cut := range append(cuts, len(stream)) {
		if cut <= at {
			continue
		}
		n, refused := r.Feed([]byte(stream[at:cut]))
		if refused != nil {
			if n > 0 {
				good = at + n
			}
			return good, refused.Status, false
		}
		at = cut
		if r.Between() {
			good = at
		}
	}
	return good, 0, r.Between()
}

func TestWhatCanBeReadInTwoWaysIsRefused(t *testing.T) {
	for name, c := range refused {
		if _, status, _ := feed(c.request, nil); status != c.status {
			t.Errorf("%s: %d, want %d", name, status, c.status)
		}
	}
	for name, request := range passed {
		if good, status, between := feed(request, nil); status != 0 || good != len(request) || !between {
			t.Errorf("control %s: %d after %d bytes", name, status, good)
		}
	}
}

// However a stream is cut into pieces and whatever stood before, the verdict is the same, and whole requests before the bad one pass.
func TestCutsChangeNoVerdict(t *testing.T) {
	var goods []string
	for _, request := range passed {
		goods = append(goods, request)
	}
	var bads []string
	for name := range refused {
		bads = append(bads, name)
	}
	rapid.Check(t, func(t *rapid.T) {
		before := strings.Join(rapid.SliceOfN(rapid.SampledFrom(goods), 0, 3).Draw(t, "before"), "")
		bad := refused[rapid.SampledFrom(bads).Draw(t, "bad")]
		stream := before + bad.request + get
		cuts := rapid.SliceOfN(rapid.IntRange(0, len(stream)), 0, 6).Draw(t, "cuts")
		for i := range cuts {
			for j := i; j > 0 && cuts[j] < cuts[j-1]; j-- {
				cuts[j], cuts[j-1] = cuts[j-1], cuts[j]
			}
		}

		good, status, _ := feed(stream, cuts)

		if status != bad.status || good > len(before) {
			t.Fatalf("%d after %d of %d good bytes, want %d", status, good, len(before), bad.status)
		}
	})
}

func TestReadingAWholeHeadAllocatesNothing(t *testing.T) {
	request := []byte("GET /v1/authz?api=orders HTTP/1.1\r\nHost: bench\r\nX-Forwarded-Method: GET\r\nContent-Length: 3\r\n\r\nabc")
	r := framing.Reader{Limits: limits}

	allocations := testing.AllocsPerRun(100, func() {
		if n, refused := r.Feed(request); refused != nil || n != len(request) {
			t.Fatal(refused)
		}
	})

	if allocations > 0 {
		t.Error(allocations)
	}
}

func BenchmarkFeed(b *testing.B) {
	request := []byte("GET /v1/authz?api=orders HTTP/1.1\r\nHost: bench\r\nX-Gatehouse-Token: gk_live_00000000000000000000000000000000000000\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Uri: /v2/orders/7\r\nX-Forwarded-For: 203.0.113.7\r\nAuthorization: Bearer gk_live_00000000000000000000000000000000000000\r\n\r\n")
	r := framing.Reader{Limits: limits}
	b.ReportAllocs()
	for b.Loop() {
		_, _ = r.Feed(request)
	}
}
