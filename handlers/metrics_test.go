package handlers_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.yaml.in/yaml/v3"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// exposition is what Prometheus reads of a house.
func (w *world) exposition() string {
	w.Helper()
	answer := httptest.NewRecorder()
	w.house.Metrics.ServeHTTP(answer, httptest.NewRequestWithContext(w.Context(), http.MethodGet, "/metrics", nil))
	if answer.Code != http.StatusOK {
		w.Fatal(answer.Code, answer.Body)
	}
	return answer.Body.String()
}

// series are the names with labels of an exposition, without the figures.
func series(exposition string) []string {
	var all []string
	for line := range strings.Lines(exposition) {
		if name, _, ok := cutLast(line); ok && !strings.HasPrefix(line, "#") {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

func cutLast(line string) (before, after string, ok bool) {
	i := strings.LastIndexByte(strings.TrimSpace(line), ' ')
	if i < 0 {
		return "", "", false
	}
	return line[:i], line[i+1:], true
}

// C10: metrics are on a handler of their own, and no path or id of a request is in them.
func TestMetricsNameRoutesNotPaths(t *testing.T) {
	clock := dbtest.NewClock()
	w := serve(t, dbtest.SQLite(t, clock), clock)
	w.inhabit()
	dev := w.site.As(w.mine.user)
	dev.Get("/console/keys/" + w.mine.key.ID.Show("key"))

	onPortal := dev.Get("/metrics").Status
	body := w.exposition()

	if onPortal != http.StatusNotFound || strings.Contains(body, w.mine.key.ID.Show("key")) ||
		!strings.Contains(body, `gatehouse_requests_total{route="/console/keys/:key",status="200"} 1`) || !strings.Contains(body, "gatehouse_keyring_age_seconds") {
		t.Fatal(onPortal, body)
	}
}

// A page that fails is counted by the status that it gets, though that is written later.
func TestMetricsCountFailuresByTheirStatus(t *testing.T) {
	clock := dbtest.NewClock()
	w := serve(t, dbtest.SQLite(t, clock), clock)
	w.inhabit()

	missing := w.site.As(w.mine.user).Get("/console/keys/" + w.them.key.ID.Show("key")).Status

	if body := w.exposition(); missing != http.StatusNotFound || !strings.Contains(body, `gatehouse_requests_total{route="/console/keys/:key",status="404"} 1`) {
		t.Error(missing, body)
	}
}

// C10: what callers send never makes a series, so their number is bounded.
func TestNoRequestMakesASeriesOfItsOwn(t *testing.T) {
	clock := dbtest.NewClock()
	w := serve(t, dbtest.SQLite(t, clock), clock)
	w.inhabit()
	ask := func(method, path string) {
		r := httptest.NewRequestWithContext(t.Context(), method, "http://127.0.0.1:8080"+path, nil)
		r.Header.Set("Authorization", "Bearer gk_live_nothing")
		w.house.Portal.ServeHTTP(httptest.NewRecorder(), r)
	}
	for _, path := range []string{"/v1/whoami", "/v1/authz", "/v1/keys/verify", "/v1/authz/envoy/orders/live/x", "/forum/q/1/x", "/nothing/1", "/static/1", "/v1/nothing"} {
		ask(http.MethodGet, path)
		ask("BREW", path)
	}
	before := series(w.exposition())

	for _, tail := range []string{"2", "another", "%2e%2e", "gk_live_secretsecretsecret"} {
		for _, path := range []string{"/v1/authz/envoy/orders/live/", "/v1/authz/envoy/", "/forum/q/1/", "/nothing/", "/static/", "/v1/nothing", "/v1/authz?x="} {
			ask(http.MethodGet, path+tail)
			ask("BREW", path+tail)
			ask("METHOD-OF-ITS-OWN", path+tail)
		}
	}
	after := series(w.exposition())

	// A route may be asked with a status for the first time; what was sent may stand nowhere.
	ofRoutes := regexp.MustCompile(`^gatehouse_requests_total\{route="(none|/[a-z0-9/:*.-]*)",status="\d+"\}$`)
	made := slices.DeleteFunc(slices.Clone(after), func(s string) bool { return slices.Contains(before, s) || ofRoutes.MatchString(s) })
	if len(made) > 0 || strings.Contains(strings.Join(after, "\n"), "another") || len(after) > 1500 {
		t.Errorf("%d series, made by requests: %v", len(after), made)
	}
}

// What Prometheus's own checker says of names, help texts and form (promtool check metrics).
func TestMetricsPassPrometheusOwnCheck(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := serve(t, d, clock)

		problems, err := promlint.New(strings.NewReader(w.exposition())).Lint()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	})
}

func TestMetricsTellOfTheEdge(t *testing.T) {
	clock := dbtest.NewClock()
	w := serve(t, dbtest.SQLite(t, clock), clock)
	w.house.Portal.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:8080/v1/whoami", nil))

	body := w.exposition()

	for _, line := range []string{
		`gatehouse_edge_answers_total{door="whoami",status="401"} 1`, `gatehouse_edge_answers_total{door="verify",status="200"} 0`,
		`gatehouse_edge_duration_seconds_count{door="whoami"} 1`, `gatehouse_verifications_total{code="RATE_LIMITED"} 0`, `gatehouse_limits_redis 0`,
		`gatehouse_replicas 1`, `gatehouse_log_lines_lost_total 0`, `gatehouse_mails_waiting NaN`,
	} {
		if !strings.Contains(body, line+"\n") {
			t.Errorf("there is no %s", line)
		}
	}
}

var metricNames = regexp.MustCompile(`\b(gatehouse|go|process)_[a-z_]+`)

// exampleQueries are the queries of docs/examples/grafana, by where they stand.
func exampleQueries(t *testing.T) map[string]string {
	t.Helper()
	dir := filepath.Join("..", "docs", "examples", "grafana")
	dashboard, err := os.ReadFile(filepath.Join(dir, "dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Templating struct {
			List []struct{ Name, Query string }
		}
		Panels []struct {
			Title, Type string
			Targets     []struct{ Expr string }
		}
	}
	decoder := json.NewDecoder(bytes.NewReader(dashboard))
	if err := decoder.Decode(&board); err != nil {
		t.Fatal(err)
	}
	queries := map[string]string{}
	for _, v := range board.Templating.List {
		queries["variable "+v.Name] = v.Query
	}
	for _, p := range board.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("the panel %s asks for nothing", p.Title)
		}
		for i, target := range p.Targets {
			queries[p.Title+" "+string(rune('A'+i))] = target.Expr
		}
	}
	rules, err := os.ReadFile(filepath.Join(dir, "alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var alerts struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Annotations struct{ Summary string }
			}
		}
	}
	if err := yaml.Unmarshal(rules, &alerts); err != nil {
		t.Fatal(err)
	}
	for _, g := range alerts.Groups {
		for _, r := range g.Rules {
			if queries["alert "+r.Alert] = r.Expr; r.Annotations.Summary == "" {
				t.Errorf("%s says nothing", r.Alert)
			}
		}
	}
	return queries
}

// Each query of the Grafana dashboard and of the alerts names metrics that there are, and every one of ours is shown.
func TestDashboardAndAlertsNameMetricsThatThereAre(t *testing.T) {
	clock := dbtest.NewClock()
	w := serve(t, dbtest.Postgres(t, clock), clock)
	w.inhabit()
	w.site.As(w.mine.user).Get("/console")
	there := map[string]bool{}
	for _, s := range series(w.exposition()) {
		name, _, _ := strings.Cut(s, "{")
		there[name] = true
	}
	shown := map[string]bool{}

	queries := exampleQueries(t)
	for place, query := range queries {
		for _, name := range metricNames.FindAllString(query, -1) {
			if shown[name] = true; !there[name] {
				t.Errorf("%s: there is no %s", place, name)
			}
		}
		if strings.Count(query, "(") != strings.Count(query, ")") || strings.Count(query, "{") != strings.Count(query, "}") {
			t.Errorf("%s: %s", place, query)
		}
	}

	if len(queries) < 40 {
		t.Errorf("only %d queries", len(queries))
	}
	for name := range there {
		base := strings.TrimSuffix(strings.TrimSuffix(name, "_sum"), "_count")
		if strings.HasPrefix(name, "gatehouse_") && !shown[name] && !shown[base+"_bucket"] {
			t.Errorf("%s is on no panel", name)
		}
	}
}
