package githubleak_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/githubleak"
)

type published struct {
	ID      string `json:"key_identifier"`
	Key     string `json:"key"`
	Current bool   `json:"is_current"`
}

// github publishes keys, and counts how often it is asked and how often it could say that nothing changed.
type github struct {
	*httptest.Server
	keys        []published
	broken      atomic.Bool
	asked, same atomic.Int64
}

func publish(t *testing.T, keys ...published) *github {
	t.Helper()
	g := &github{keys: keys}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.asked.Add(1)
		if g.broken.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		body, _ := json.Marshal(map[string]any{"public_keys": g.keys})
		tag := `"` + base64.StdEncoding.EncodeToString(body[:min(len(body), 60)]) + `"`
		if r.Header.Get("If-None-Match") == tag {
			g.same.Add(1)
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", tag)
		_, _ = w.Write(body)
	}))
	t.Cleanup(g.Close)
	return g
}

type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func keysOf(g *github) (*githubleak.Keys, *clock) {
	c := &clock{time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	return githubleak.New(githubleak.Options{URL: g.URL, Now: c.Now}), c
}

func pemOf(base64 string) string {
	return "-----BEGIN PUBLIC KEY-----\n" + base64 + "\n-----END PUBLIC KEY-----\n"
}

// vectors are those that GitHub published in "Secret scanning partner program": today's sample request, and those of earlier editions (the last
// is in github/docs pull 18776).
var vectors = map[string]struct{ id, key, signature, body string }{
	"2024": {
		"bcb53661c06b4728e59d897fb6165d5c9cda0fd9cdf9d09ead458168deb7518c",
		"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYAGMWO8XgCamYKMJS6jc/qgvSlAd\nAjPuDPRcXU22YxgBrz+zoN19MzuRyW87qEt9/AmtoNP5GrobzUvQSyJFVw==",
		"MEQCIQDaMKqrGnE27S0kgMrEK0eYBmyG0LeZismAEz/BgZyt7AIfXt9fErtRS4XaeSt/AO1RtBY66YcAdjxji410VQV4xg==",
		`[{"source":"commit","token":"some_token","type":"some_type","url":"https://example.com/base-repo-url/"}]`,
	},
	"2022": {
		"f9525bf080f75b3506ca1ead061add62b8633a346606dc5fe544e29231c6ee0d",
		"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEsz9ugWDj5jK5ELBK42ynytbo38gP\nHzZFI03Exwz8Lh/tCfL3YxwMdLjB+bMznsanlhK0RwcGP3IDb34kQDIo3Q==",
		"MEUCIFLZzeK++IhS+y276SRk2Pe5LfDrfvTXu6iwKKcFGCrvAiEAhHN2kDOhy2I6eGkOFmxNkOJ+L2y8oQ9A2T9GGJo6WJY=",
		`[{"token":"some_token","type":"some_type","url":"some_url","source":"some_source"}]`,
	},
	"2020": {
		"90a421169f0a406205f1563a953312f0be898d3c7b6c06b681aa86a874555f4a",
		"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE9MJJHnMfn2+H4xL4YaPDA4RpJqUq\nkCmRCBnYERxZanmcpzQSXs1X/AljlKkbJ8qpVIW4clayyef9gWhFbNHWAA==",
		"MEUCIQDKZokqnCjrRtw0tni+2Ltvl/uiMJ1EGumEsp1BsNr32AIgQY1YXD2nlj+XNfGK4rBfkMJ1JDOQcYXxa2sY8FNkrKc=",
		`[{"token":"some_token","type":"some_type","url":"some_url"}]`,
	},
}

func TestPublishedVectorsAreBelievedAndNothingNearThem(t *testing.T) { // K11
	for name, v := range vectors {
		t.Run(name, func(t *testing.T) {
			g := publish(t, published{v.id, pemOf(v.key), false})
			keys, _ := keysOf(g)
			ctx := context.Background()

			if err := keys.Verify(ctx, v.id, v.signature, []byte(v.body)); err != nil {
				t.Fatal(err)
			}

			for what, err := range map[string]error{
				"another body":      keys.Verify(ctx, v.id, v.signature, []byte(strings.Replace(v.body, "some_token", "some_tokem", 1))),
				"a body with space": keys.Verify(ctx, v.id, v.signature, []byte(v.body+"\n")),
				"no body":           keys.Verify(ctx, v.id, v.signature, nil),
				"no signature":      keys.Verify(ctx, v.id, "", []byte(v.body)),
				"no base64":         keys.Verify(ctx, v.id, v.signature[1:], []byte(v.body)),
				"no ASN.1":          keys.Verify(ctx, v.id, "AAAA", []byte(v.body)),
				"a long one":        keys.Verify(ctx, v.id, strings.Repeat("A", 4096), []byte(v.body)),
			} {
				if !errors.Is(err, githubleak.ErrSignature) {
					t.Errorf("%s: %v", what, err)
				}
			}
			for _, id := range []string{"", strings.Repeat("0", 64), strings.Repeat("0", 5000)} {
				if err := keys.Verify(ctx, id, v.signature, []byte(v.body)); !errors.Is(err, githubleak.ErrUnknownKey) {
					t.Errorf("id of %d characters: %v", len(id), err)
				}
			}
		})
	}
}

// signer makes a key pair and signs with it.
func signer(t *testing.T, id string) (published, func(body string) string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return published{id, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), true}, func(body string) string {
		sum := sha256.Sum256([]byte(body))
		signature, err := ecdsa.SignASN1(rand.Reader, private, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return base64.StdEncoding.EncodeToString(signature)
	}
}

func TestKeysAreFetchedAtMostOnceAMinute(t *testing.T) { // K11
	first, sign := signer(t, "first")
	second, signSecond := signer(t, "second")
	g := publish(t, first)
	keys, clock := keysOf(g)
	ctx := context.Background()
	verify := func(id, signature string) error { return keys.Verify(ctx, id, signature, []byte("[]")) }

	for range 50 {
		if err := verify("first", sign("[]")); err != nil {
			t.Fatal(err)
		}
		if err := verify("second", signSecond("[]")); !errors.Is(err, githubleak.ErrUnknownKey) {
			t.Fatal(err)
		}
	}
	if n := g.asked.Load(); n != 1 {
		t.Errorf("asked %d times within a minute", n)
	}
	clock.now = clock.now.Add(time.Minute)
	_ = verify("third", sign("[]"))
	if g.asked.Load() != 2 || g.same.Load() != 1 {
		t.Errorf("asked %d times, %d times nothing had changed", g.asked.Load(), g.same.Load())
	}
	g.keys = []published{second}
	clock.now = clock.now.Add(time.Minute)
	if err := verify("second", signSecond("[]")); err != nil {
		t.Errorf("a new key: %v", err)
	}
	if err := verify("first", sign("[]")); !errors.Is(err, githubleak.ErrUnknownKey) {
		t.Errorf("a key that was taken away: %v", err)
	}
}

func TestNothingIsBelievedWhileTheKeysCantBeFetched(t *testing.T) { // K11, 4.5
	first, sign := signer(t, "first")
	g := publish(t, first)
	g.broken.Store(true)
	keys, clock := keysOf(g)
	verify := func() error { return keys.Verify(context.Background(), "first", sign("[]"), []byte("[]")) }

	for range 3 {
		if err := verify(); !errors.Is(err, githubleak.ErrUnavailable) {
			t.Fatal(err)
		}
	}
	if g.asked.Load() != 1 {
		t.Errorf("asked %d times", g.asked.Load())
	}
	g.broken.Store(false)
	clock.now = clock.now.Add(time.Minute)
	if err := verify(); err != nil {
		t.Fatal(err)
	}
	g.broken.Store(true)
	clock.now = clock.now.Add(23 * time.Hour)
	if err := verify(); err != nil {
		t.Errorf("a known key within a day: %v", err)
	}
	clock.now = clock.now.Add(2 * time.Hour)
	if err := verify(); !errors.Is(err, githubleak.ErrUnavailable) {
		t.Errorf("keys of yesterday: %v", err)
	}
}

func TestListsThatCantBeRightAreRefused(t *testing.T) { // K11
	other, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	der, _ := x509.MarshalPKIXPublicKey(&other.PublicKey)
	good, sign := signer(t, "first")
	many := make([]published, 33)
	for i := range many {
		many[i] = good
	}
	for name, list := range map[string][]published{
		"none": nil, "another curve": {{"first", string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), true}}, "no PEM": {{"first", "key", true}},
		"too many": many, "too long": {good, {"x", strings.Repeat("x", 70<<10), true}},
	} {
		keys, _ := keysOf(publish(t, list...))

		if err := keys.Verify(context.Background(), "first", sign("[]"), []byte("[]")); !errors.Is(err, githubleak.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	good, sign := signer(t, "first")
	behind := publish(t, good)
	front := httptest.NewServer(http.RedirectHandler(behind.URL, http.StatusFound))
	t.Cleanup(front.Close)
	keys := githubleak.New(githubleak.Options{URL: front.URL, Now: time.Now}) //nolint:forbidigo // no time passes here

	if err := keys.Verify(context.Background(), "first", sign("[]"), []byte("[]")); !errors.Is(err, githubleak.ErrUnavailable) || behind.asked.Load() != 0 {
		t.Error(err)
	}
}
