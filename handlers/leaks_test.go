package handlers_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/leak"
)

// leakWorld is the house with keys to leak, and with somebody who publishes public keys as GitHub does.
type leakWorld struct {
	*world
	sign   func(body string) (id, signature string)
	broken *atomic.Bool // GitHub’s list can't be read
	log    *bytes.Buffer
}

// The vector that GitHub publishes today in “Secret scanning partner program”.
const (
	vectorID        = "bcb53661c06b4728e59d897fb6165d5c9cda0fd9cdf9d09ead458168deb7518c"
	vectorKey       = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYAGMWO8XgCamYKMJS6jc/qgvSlAd\nAjPuDPRcXU22YxgBrz+zoN19MzuRyW87qEt9/AmtoNP5GrobzUvQSyJFVw==\n-----END PUBLIC KEY-----\n"
	vectorSignature = "MEQCIQDaMKqrGnE27S0kgMrEK0eYBmyG0LeZismAEz/BgZyt7AIfXt9fErtRS4XaeSt/AO1RtBY66YcAdjxji410VQV4xg=="
	vectorBody      = `[{"source":"commit","token":"some_token","type":"some_type","url":"https://example.com/base-repo-url/"}]`
)

func serveLeaks(t *testing.T, d *db.DB, clock *dbtest.Clock) *leakWorld {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	w := &leakWorld{broken: &atomic.Bool{}, log: &bytes.Buffer{}}
	list := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		if w.broken.Load() {
			rw.WriteHeader(http.StatusBadGateway)
			return
		}
		_ = json.NewEncoder(rw).Encode(map[string]any{"public_keys": []map[string]any{
			{"key_identifier": "ours", "key": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), "is_current": true},
			{"key_identifier": vectorID, "key": vectorKey, "is_current": false},
		}})
	}))
	t.Cleanup(list.Close)
	w.sign = func(body string) (string, string) {
		sum := sha256.Sum256([]byte(body))
		signature, err := ecdsa.SignASN1(rand.Reader, private, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return "ours", base64.StdEncoding.EncodeToString(signature)
	}
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() { slog.SetDefault(before) })
	w.world = serveWith(t, d, clock, map[string]string{"GATEHOUSE_GITHUB_KEYS_URL": list.URL})
	w.inhabit()
	return w
}

// newKey makes a key of my app; its text is in the answer, once.
func (w *leakWorld) newKey(name string) key.Made {
	w.Helper()
	a := webtest.ActorOf(w.mine.user)
	made, err := w.house.Stores.Key.Create(context.Background(), a, key.CreateRequest{
		Token: w.house.Stores.Key.NewFormToken(a, key.CreatePurpose()), AppID: w.mine.app.ID, Environment: "live", Name: name,
		Pairs: []key.Pair{{API: "orders", Scope: "orders:read"}}, Expiry: key.Expiry{Days: 30},
	})
	w.ok(err)
	return made
}

func (w *leakWorld) invented() string {
	w.Helper()
	s, err := apikey.Mint("gk", apikey.Live, rand.Reader)
	w.ok(err)
	return s.Reveal()
}

// work does the reports that wait.
func (w *leakWorld) work() {
	w.Helper()
	var jobs []string
	w.ok(w.db.Read(context.Background()).Raw("SELECT payload FROM jobs WHERE kind = ? AND finished_at IS NULL ORDER BY created_at, id", leak.JobKind).Scan(&jobs).Error)
	for _, j := range jobs {
		w.ok(w.house.Stores.Leak.Job(context.Background(), json.RawMessage(j)))
	}
	w.ok(w.db.Tx(context.Background(), func(tx *db.Tx) error {
		_, err := tx.Run("UPDATE jobs SET finished_at = ? WHERE kind = ?", tx.Now, leak.JobKind)
		return err
	}))
}

func (w *leakWorld) state(id db.ID) key.StateName {
	w.Helper()
	d, err := w.house.Stores.Key.GetAny(context.Background(), webtest.ActorOf(w.admin), id)
	w.ok(err)
	return d.State(w.clock.Now()).Name
}

// send calls as a program does.
func (w *leakWorld) send(path, body string, headers map[string]string) webtest.Page {
	w.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, w.site.URL+path, strings.NewReader(body))
	w.ok(err)
	r.Header.Set("Content-Type", "application/json")
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(r)
	w.ok(err)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	w.ok(err)
	return webtest.Page{Status: answer.StatusCode, Body: string(text), Header: answer.Header}
}

// asGitHub sends a body with a signature over it.
func (w *leakWorld) asGitHub(body string) webtest.Page {
	w.Helper()
	id, signature := w.sign(body)
	return w.send("/v1/leaks/github", body, map[string]string{"GITHUB-PUBLIC-KEY-IDENTIFIER": id, "GITHUB-PUBLIC-KEY-SIGNATURE": signature})
}

// seenOf is all of an answer that a sender can see, but the request id and the time.
func seenOf(p webtest.Page) string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(p.Header)) {
		if name != "X-Request-Id" && name != "Date" && name != "Content-Security-Policy" {
			names = append(names, name+": "+strings.Join(p.Header[name], ", "))
		}
	}
	return fmt.Sprint(p.Status, p.Location, names, changing.ReplaceAllString(p.Body, "…"))
}

// K11: neither the answer nor what is done for it tells a real key from a dead or an invented one, before or after it was stopped.
func TestReportsAreAnsweredAlikeWhateverTheKey(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := serveLeaks(t, d, clock)
		real, dead := w.newKey("Real"), w.newKey("Dead")
		w.ok(w.house.Stores.Key.Revoke(context.Background(), webtest.ActorOf(w.mine.user), dead.Key.ID, ""))
		texts := map[string]string{"real": real.Secret.Reveal(), "dead": dead.Secret.Reveal(), "invented": w.invented()}
		count := dbtest.CountQueries(t, d)
		visitor := w.site.Visitor()
		visitor.Post("/found-a-key", url.Values{"keys": {w.invented()}}) // the first of its network makes a counter
		first := map[string]string{}
		for round := range 2 {
			for _, kind := range []string{"invented", "real", "dead"} {
				for way, send := range map[string]func() webtest.Page{
					"page": func() webtest.Page {
						return visitor.Post("/found-a-key", url.Values{"keys": {"see " + texts[kind]}, "place": {"a wiki"}})
					},
					"api": func() webtest.Page {
						return w.send("/v1/leaks", `{"keys": ["`+texts[kind]+`"], "url": "https://x.example/"}`, nil)
					},
				} {
					before := count.Load()
					answer := send()
					seen := fmt.Sprint(seenOf(answer), " after ", count.Load()-before, " queries")
					if first[way] == "" {
						first[way] = seen
					}
					if seen != first[way] || answer.Status != map[string]int{"page": 303, "api": 202}[way] {
						t.Errorf("%s, %s, round %d:\n%s\n%s", way, kind, round, seen, first[way])
					}
				}
			}
			w.work()
		}
		if w.state(real.Key.ID) != key.Paused || w.state(dead.Key.ID) != key.Revoked || w.state(w.mine.key.ID) != key.Active {
			t.Error(w.state(real.Key.ID), w.state(dead.Key.ID), w.state(w.mine.key.ID))
		}
		page := visitor.Get("/found-a-key?taken=1")
		if page.Status != 200 || !strings.Contains(page.Body, "The report is taken.") || strings.Contains(page.Body, texts["real"]) {
			t.Error(page.Status, "the page does not say that it is taken")
		}
	})
}

// K11: what is not GitHub's is refused, what is is labelled and acted upon, once.
func TestGitHubsReportsAreCheckedLabelledAndTakenOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := serveLeaks(t, d, clock)
		made, invented := w.newKey("Worker"), w.invented()
		signed := map[string]string{"Github-Public-Key-Identifier": vectorID, "Github-Public-Key-Signature": vectorSignature}

		w.broken.Store(true)
		if got := w.send("/v1/leaks/github", vectorBody, signed); got.Status != 503 || got.Header.Get("Retry-After") != "60" {
			t.Error("while the keys can't be read:", got.Status, got.Body)
		}
		w.broken.Store(false)
		clock.Advance(61e9)
		sum := sha256.Sum256([]byte("some_token"))
		published := w.send("/v1/leaks/github", vectorBody, signed)
		if want := fmt.Sprintf(`[{"token_hash":"%x","token_type":"some_type","label":"false_positive"}]`, sum); published.Status != 200 || strings.TrimSpace(published.Body) != want {
			t.Errorf("the published request: %d %s", published.Status, published.Body)
		}
		for name, c := range map[string]struct {
			body string
			with map[string]string
			want int
			code string
		}{
			"a replay": {vectorBody, signed, 409, "REPLAYED"}, "an altered body": {vectorBody + " ", signed, 403, "BAD_SIGNATURE"},
			"an unknown key id": {vectorBody, map[string]string{"Github-Public-Key-Identifier": "other", "Github-Public-Key-Signature": vectorSignature}, 403, "UNKNOWN_KEY"},
			"no headers":        {vectorBody, nil, 403, "UNKNOWN_KEY"}, "no signature": {vectorBody, map[string]string{"Github-Public-Key-Identifier": vectorID}, 403, "BAD_SIGNATURE"},
		} {
			if got := w.send("/v1/leaks/github", c.body, c.with); got.Status != c.want || !strings.Contains(got.Body, c.code) {
				t.Errorf("%s: %d %s", name, got.Status, got.Body)
			}
		}
		body := `[{"token":"` + made.Secret.Reveal() + `","type":"gk_key","url":"https://github.com/o/r/blob/1/a.txt","source":"commit"},{"token":"` + invented + `","type":"gk_key","url":"","source":"content","more":1}]`

		got := w.asGitHub(body)

		var labels []struct {
			Hash  string `json:"token_hash"`
			Type  string `json:"token_type"`
			Label string `json:"label"`
		}
		w.ok(json.Unmarshal([]byte(got.Body), &labels))
		sum = sha256.Sum256([]byte(made.Secret.Reveal()))
		if got.Status != 200 || len(labels) != 2 || labels[0].Label != "true_positive" || labels[1].Label != "false_positive" || labels[0].Hash != fmt.Sprintf("%x", sum) || labels[0].Type != "gk_key" || strings.Contains(got.Body, made.Secret.Reveal()) {
			t.Errorf("%d %s", got.Status, got.Body)
		}
		if w.state(made.Key.ID) != key.Paused {
			t.Error("the key is", w.state(made.Key.ID))
		}
		if again := w.asGitHub(body); again.Status != 409 {
			t.Error("the same body under another signature:", again.Status)
		}
		for name, body := range map[string]string{"no JSON": "x", "no array": `{"token": "x"}`, "other types": `[{"token": 1}]`} {
			if got := w.asGitHub(body); got.Status != 422 {
				t.Error(name, got.Status, got.Body)
			}
		}
		if got := w.asGitHub(`[]`); got.Status != 200 || strings.TrimSpace(got.Body) != "[]" {
			t.Error("nothing:", got.Status, got.Body)
		}
	})
}

// L1, L7
func TestReportsByProgramsAreBounded(t *testing.T) {
	clock := dbtest.NewClock()
	w := serveLeaks(t, dbtest.SQLite(t, clock), clock)
	invented := w.invented()
	for name, c := range map[string]struct {
		body, pointer string
		want          int
	}{
		"no JSON": {"x", "", 422}, "an array": {"[]", "", 422}, "nothing": {"{}", "/keys", 422}, "no key": {`{"text": "hello"}`, "/keys", 422}, "an unknown member": {`{"keys": [], "found": 1}`, "/found", 422},
		"a member twice": {`{"keys": [], "keys": []}`, "/keys", 422}, "two values": {`{"keys": ["` + invented + `"]} {}`, "", 422}, "another type": {`{"keys": "` + invented + `"}`, "/keys", 422},
		"a long place": {`{"keys": ["` + invented + `"], "place": "` + strings.Repeat("x", 301) + `"}`, "/place", 422}, "too long": {`{"text": "` + strings.Repeat("x", 1<<20) + `"}`, "", 422},
	} {
		got := w.send("/v1/leaks", c.body, nil)
		if got.Status != c.want || c.pointer != "" && !strings.Contains(got.Body, `"pointer":"`+c.pointer+`"`) || strings.Contains(got.Body, invented) {
			t.Errorf("%s: %d %.300s", name, got.Status, got.Body)
		}
	}
	clock.Advance(time.Hour) // what was refused counted, too
	statuses := map[int]int{}
	for range 40 {
		got := w.send("/v1/leaks", `{"keys": ["`+w.invented()+`"], "text": "and `+w.invented()+`"}`, nil)
		statuses[got.Status]++
		if got.Status == 202 && !strings.Contains(got.Body, `"keys":2`) {
			t.Error(got.Body)
		}
		if got.Status == 429 && got.Header.Get("Retry-After") == "" {
			t.Error("says not when again")
		}
	}
	if statuses[202] != 30 || statuses[429] != 10 {
		t.Error(statuses)
	}
	if page := w.site.Visitor().Post("/found-a-key", url.Values{"keys": {w.invented()}}); page.Status != 429 {
		t.Error("the page counts apart:", page.Status)
	}
}
