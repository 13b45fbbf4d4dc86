package keyring_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
)

func TestOnePathIsReadOneWay(t *testing.T) { // D10
	for target, want := range map[string]string{
		"/": "/", "/?a=b": "/", "/v2/orders": "/v2/orders", "/v2/orders/": "/v2/orders", "/v2/orders?x=//../%2f": "/v2/orders",
		"/%76%32/%6Frders": "/v2/orders", "/a%7eb%2db%5fc": "/a~b-b_c", "/caf%c3%a9": "/caf%C3%A9", "/a%20b": "/a%20b",
		"/a%3Ab/x:y@z": "/a:b/x:y@z", "/a%2b%28%21%24%26%27%29%2a%2c%3d%3A%40": "/a+(!$&')*,=:@", "/%7b%22%7c%3c": `/{"|<`, "/100%25": "/100%25", "/100%25x": "/100%25x", "/...": "/...", "/.well-known/x": "/.well-known/x",
		"/a.b": "/a.b", "/a,b(c)*!$&'+=": "/a,b(c)*!$&'+=",
	} {
		if p, err := keyring.Canonical(target); err != nil || p.String() != want {
			t.Errorf("%q: %q %v, want %q", target, p.String(), err, want)
		}
	}
}

func TestAmbiguousPathsAreRefused(t *testing.T) { // D6, D10
	for _, target := range []string{
		"", "?", "*", "v2/orders", "http://x.example/v2/orders", "x.example:443", "//", "//v2/orders", "/v2//orders", "/v2/orders//",
		"/v2/../admin", "/..", "/.", "/v2/./orders", "/v2/orders/..", "/v2/%2e%2e/admin", "/%2E", "/v2/.%2e/x", "/a%2eb",
		"/v2%2forders", "/v2%2Forders", "/v2%5corders", `/v2\orders`, "/v2/orders%00", "/v2/orders\x00", "/a\n", "/a\x7f", "/a%0d%0a",
		"/a;b=c", "/a%3bb", "/a#b", "/a?x#y", "/a%23b", "/a%3fb", "/a%", "/a%2", "/a%zz", "/a%2x", "/%252e", "/%252f", "/%25%32%66",
		"/v2/orders%20", "/v2/%20orders", "/v2%20/orders", "/v2/orders%c2%a0", "/v2/orders%e3%80%80", "/v2/orders%EF%BB%BF", "/a/%20/",
		"/a b", "/café", "/a\xff", "/" + strings.Repeat("a", keyring.MaxPath),
	} {
		if p, err := keyring.Canonical(target); !errors.Is(err, keyring.ErrBadRequest) {
			t.Errorf("%.60q is read as %q", target, p)
		}
	}
}

func TestPathWithoutEscapesAllocatesNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { _, _ = keyring.Canonical("/v2/orders/42?x=y") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestRulesThatCannotHoldAreRefused(t *testing.T) {
	for _, rules := range [][]keyring.Rule{
		{{Method: "get", Template: "/a"}},
		{{Method: "", Template: "/a"}},
		{{Method: "GET", Template: "a"}},
		{{Method: "GET", Template: ""}},
		{{Method: "GET", Template: "/a//b"}},
		{{Method: "GET", Template: "/a/../b"}},
		{{Method: "GET", Template: "/a/{id"}},
		{{Method: "GET", Template: "/a/{}"}},
		{{Method: "GET", Template: "/a/x{id}"}},
		{{Method: "GET", Template: "/a/{{id}}"}},
		{{Method: "GET", Template: "/a?b={c}"}},
		{{Method: "GET", Template: "/a%2fb"}},
		{{Method: "GET", Template: "/a/{id}"}, {Method: "GET", Template: "/a/{name}"}},
	} {
		if err := (&keyring.API{Rules: rules}).Compile(); !errors.Is(err, keyring.ErrRule) {
			t.Errorf("%v: %v", rules, err)
		}
	}
}

func TestLiteralsBeatParameters(t *testing.T) {
	a := compiled(t, &keyring.API{Rules: []keyring.Rule{
		{Method: "GET", Template: "/"},
		{Method: "GET", Template: "/{a}/b"},
		{Method: "GET", Template: "/x/{b}"},
		{Method: "POST", Template: "/{a}/{b}"},
		{Method: "GET", Template: "/{a}/{b}/c"},
		{Method: "GET", Template: "/x/b/d"},
		{Method: "HEAD", Template: "/x/{b}", Scope: "own"},
		{Method: "GET", Template: "/x/secret", Scope: "more"},
		{Method: "GET", Template: "/old", Retired: true},
		{Method: "GET", Template: "/old", Scope: "new"},
		{Method: "GET", Template: "/older", Scope: "new"},
		{Method: "GET", Template: "/older", Retired: true},
	}})
	for request, want := range map[string]string{
		"GET /": "/", "GET /y/b": "/{a}/b", "GET /x/b": "/x/{b}", "GET /x/y": "/x/{b}", "POST /x/b": "/{a}/{b}", "GET /x/b/c": "/{a}/{b}/c",
		"GET /x/b/d": "/x/b/d", "GET /y": "", "GET /x/y/z": "", "HEAD /y/b": "/{a}/b", "HEAD /x/secret": "/x/secret", "HEAD /x/z": "/x/{b}", "GET /{a}/b": "/{a}/b", "DELETE /x/b": "",
	} {
		method, where, _ := strings.Cut(request, " ")
		got := ""
		if rule := a.Match(method, path(t, where)).Exact(); rule != nil {
			got = rule.Template
		}
		if got != want {
			t.Errorf("%s: %q, want %q", request, got, want)
		}
	}
	if a.Match("HEAD", path(t, "/x/y")).Exact().Scope != "own" {
		t.Error("HEAD does not take its own rule")
	}
	for _, where := range []string{"/old", "/older"} {
		if a.Match("GET", path(t, where)).Exact().Retired {
			t.Errorf("%s: a retired rule hides the living one", where)
		}
	}
}

func FuzzCanonicalIsOneReading(f *testing.F) { // D6, D10
	for _, s := range []string{"/", "/a/b?c", "/%2e%2e/", "/a%20b", "/%41%", "//", "/a;b", "/%25%32%65", "/caf%c3%a9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, target string) {
		p, err := keyring.Canonical(target)
		if err != nil {
			return
		}
		again, err := keyring.Canonical(p.String())
		if err != nil || again != p {
			t.Fatalf("%q → %q → %q, %v", target, p, again, err)
		}
		whole, _, _ := strings.Cut(target, "?")
		want, err := url.PathUnescape(whole)
		if err != nil {
			t.Fatalf("%q has escapes that others refuse", target)
		}
		got, err := url.PathUnescape(p.String())
		if err != nil || strings.TrimSuffix(want, "/") != strings.TrimSuffix(got, "/") {
			t.Fatalf("%q means %q to others, %q to us", target, want, got)
		}
		for _, segment := range strings.Split(got, "/")[1:] {
			if segment == "." || segment == ".." || strings.ContainsAny(segment, "\\;#\x00") || segment == "" && got != "/" {
				t.Fatalf("%q holds the segment %q", target, segment)
			}
		}
	})
}
