package static_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/static"
)

func get(t *testing.T, method, target string, header http.Header) *http.Response {
	t.Helper()
	request := httptest.NewRequest(method, target, nil)
	request.Header = header
	recorder := httptest.NewRecorder()
	static.Handler().ServeHTTP(recorder, request)
	return recorder.Result()
}

func body(t *testing.T, r io.Reader) string {
	t.Helper()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestEveryFileIsServedForGoodUnderItsDigest(t *testing.T) {
	for _, name := range static.Names() {
		url := static.URL(name)

		response := get(t, http.MethodGet, url, http.Header{})

		if !regexp.MustCompile(`^/static/[a-z0-9/_-]+\.[0-9a-f]{12}\.(css|js|woff2|svg)$`).MatchString(url) {
			t.Errorf("%s has the address %s", name, url)
		}
		if response.StatusCode != http.StatusOK || response.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s: %d %q", url, response.StatusCode, response.Header.Get("Cache-Control"))
		}
		if response.Header.Get("X-Content-Type-Options") != "nosniff" || response.Header.Get("Content-Type") == "" {
			t.Errorf("%s: %v", url, response.Header)
		}
	}
}

func TestOnlyFingerprintedAddressesAreAnswered(t *testing.T) {
	for _, target := range []string{
		"/static/", "/static/css/app.css", "/static/css/", "/static/../static.go", "/static/THIRD_PARTY.md",
		"/static/fonts/inter.LICENSE", static.URL("no/such.css"), static.URL("css/app.css") + "/", "/static/css/app.000000000000.css",
	} {
		if response := get(t, http.MethodGet, target, http.Header{}); response.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", target, response.StatusCode)
		}
	}
	if response := get(t, http.MethodPost, static.URL("css/app.css"), http.Header{}); response.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", response.StatusCode)
	}
}

func TestTextIsSentCompressedToThoseWhoTakeIt(t *testing.T) {
	cases := map[string]bool{"gzip, br": true, "br;q=1, gzip;q=0.5": true, "": false, "br": false, "gzip;q=0": false, "gzip; q=0.0": false, "gzip;q=x": false}
	plain := body(t, get(t, http.MethodGet, static.URL("css/app.css"), http.Header{}).Body)

	for accept, want := range cases {
		response := get(t, http.MethodGet, static.URL("css/app.css"), http.Header{"Accept-Encoding": {accept}})

		if got := response.Header.Get("Content-Encoding") == "gzip"; got != want {
			t.Errorf("%q: gzip %v", accept, got)
		}
		if response.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: no Vary", accept)
		}
		if want {
			unzipped, err := gzip.NewReader(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			if body(t, unzipped) != plain {
				t.Errorf("%q: another content", accept)
			}
		}
	}
}

func TestReferencesBetweenFilesCarryTheDigestToo(t *testing.T) {
	css := body(t, get(t, http.MethodGet, static.URL("css/app.css"), http.Header{}).Body)
	app := body(t, get(t, http.MethodGet, static.URL("js/app.js"), http.Header{}).Body)

	for _, address := range regexp.MustCompile(`(?:url\(|from )"([^"]+)"`).FindAllStringSubmatch(css+app, -1) {
		if response := get(t, http.MethodGet, address[1], http.Header{}); response.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", address[1], response.StatusCode)
		}
	}
	if !strings.Contains(css, static.URL("fonts/inter-latin.woff2")) || !strings.Contains(app, static.URL("js/copy.js")) {
		t.Error("a reference was not rewritten")
	}
}

func TestStyleAndScriptsStayWithinTheirBudget(t *testing.T) {
	budget := map[string]int{"css": 15_000, "js": 10_000}
	sizes := map[string]int{}

	for _, name := range static.Names() {
		response := get(t, http.MethodGet, static.URL(name), http.Header{"Accept-Encoding": {"gzip"}})
		sizes[strings.TrimPrefix(filepath.Ext(name), ".")] += len(body(t, response.Body))
	}

	for kind, most := range budget {
		if sizes[kind] == 0 || sizes[kind] > most {
			t.Errorf("%s: %d bytes compressed, at most %d", kind, sizes[kind], most)
		}
	}
}

func TestEveryForeignFileIsNamedWithItsLicence(t *testing.T) {
	page, err := os.ReadFile("THIRD_PARTY.md")
	if err != nil {
		t.Fatal(err)
	}
	fonts, err := filepath.Glob("fonts/*.woff2")
	if err != nil || len(fonts) == 0 {
		t.Fatal("no fonts", err)
	}

	for _, font := range fonts {
		if !strings.Contains(string(page), filepath.ToSlash(font)) {
			t.Errorf("%s is not in THIRD_PARTY.md", font)
		}
	}
	for _, licence := range regexp.MustCompile(`fonts/\S+\.LICENSE`).FindAllString(string(page), -1) {
		if _, err := os.Stat(licence); err != nil {
			t.Error(err)
		}
	}
}
