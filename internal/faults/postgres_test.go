package faults_test

import (
	"bufio"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
	"github.com/gatehouse-dev/gatehouse/internal/tools/rig"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// staleMax is how long processes say yes from memory in these tests.
const staleMax = 2 * time.Second

// counted is how many calls of a key are stored, by the table of days.
func (c *company) counted(id db.ID) int64 {
	c.Helper()
	return c.number(`SELECT CAST(COALESCE(SUM(u.calls), 0) AS bigint) FROM usage_days u JOIN usage_series s ON s.id = u.series_id WHERE s.key_id = ?`, id)
}

// exact fails the test unless each answered call is counted once and, of those that got no answer, none twice; it returns how many are lost.
func (c *company) exact(id db.ID, a *answers) (gone int64) {
	c.Helper()
	stored, answered := c.counted(id), int64(a.of("VALID"))
	if most := answered + int64(a.of(lost)); stored < answered || stored > most {
		c.Errorf("%d calls are counted; %d were answered, %d at most happened", stored, answered, most)
	}
	return max(0, answered-stored)
}

// stopped stops the process in order, so that all that it counted is stored.
func (c *company) stopped(all ...*process) {
	c.Helper()
	for _, p := range all {
		c.must(p.Stop())
	}
}

// metric reads a number that the process shows.
func (p *process) metric(t testing.TB, name string) float64 {
	t.Helper()
	answer, err := http.Get("http://" + p.env["GATEHOUSE_METRICS_ADDR"] + "/metrics") //nolint:noctx // a test's question
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			n, err := strconv.ParseFloat(rest, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

// outage is something that happens to PostgreSQL, and how it ends.
type outage struct {
	name       string
	begin, end func()
	total      bool // nothing can be read while it lasts
}

func outages(s *testenv.PostgresServer, link *testenv.Link) []outage {
	terminate := "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'gatehouse'"
	return []outage{
		{"killed and started again", s.Kill, s.Start, true},
		{"frozen", s.Freeze, s.Thaw, true},
		{"behind a network that swallows all", link.Hang, link.Mend, true},
		{"five seconds late", func() { link.Slow(5 * time.Second) }, link.Mend, true},
		{"its connections ended", func() { s.Run(terminate) }, func() { s.Run(terminate) }, false},
		{"out of connections", func() { s.Run("ALTER DATABASE gatehouse ALLOW_CONNECTIONS false"); s.Run(terminate) }, func() { s.Run("ALTER DATABASE gatehouse ALLOW_CONNECTIONS true") }, true},
	}
}

// REL-9, 4.5: whatever happens to PostgreSQL, a good key is never called bad nor a bad one good; "don't know" is 503, pages too; all is well again soon after.
func TestPostgresAwayIsNoAnswerAndNeverAWrongOne(t *testing.T) {
	s := testenv.OwnPostgres(t)
	c := companyAt(t, s.URL, t.TempDir())
	link, over := testenv.LinkTo(t, s.URL)
	metrics, err := rig.FreeAddress()
	c.must(err)
	p := c.start(map[string]string{"GATEHOUSE_DATABASE_URL": over, "GATEHOUSE_STALE_MAX": staleMax.String(), "GATEHOUSE_METRICS_ADDR": metrics})
	l := c.load(p)
	eventually(t, "keys are verified", func() bool { return l.good.of("VALID") > 50 })
	calm := p.metric(t, "go_goroutines")
	for _, o := range outages(s, link) {
		unknowing, pages := l.good.of("503 UNAVAILABLE"), l.pages.of("503")
		o.begin()
		red := !o.total
		if o.total {
			eventually(t, o.name+": it stops to answer", func() bool { red = red || !p.ready(); return l.good.of("503 UNAVAILABLE") > unknowing })
		}
		pass(amount(500*time.Millisecond, 3*time.Second))
		o.end()
		began := time.Now()
		eventually(t, o.name+": ready again", p.ready)
		eventually(t, o.name+": says yes again", func() bool { return c.verify(http.DefaultClient, p.edge, c.key.Secret.Reveal()) == "VALID" })
		if !red {
			t.Errorf("%s: readiness was not red before the first 503", o.name)
		}
		report(t, "REL-9", "PostgreSQL %s: %d calls and %d pages told 503, well again %s after", o.name, l.good.of("503 UNAVAILABLE")-unknowing, l.pages.of("503")-pages, time.Since(began).Round(time.Millisecond))
	}
	eventually(t, "goroutines end", func() bool { return p.metric(t, "go_goroutines") < calm+50 })
	if n := s.Number("SELECT COUNT(*) FROM pg_stat_activity WHERE datname = 'gatehouse' AND backend_type = 'client backend'"); n > 16+8 {
		t.Errorf("%d connections are open", n) // ours have 8 at most
	}
	l.end()
	extra := len(outages(s, link)) // asked beside the load
	c.stopped(p)

	l.honest(t)
	if bad := l.pages.others("200", "503"); len(bad) > 0 {
		t.Errorf("pages were %v", bad)
	}
	stored, answered := c.counted(c.key.Key.ID), int64(l.good.of("VALID"))
	if stored < answered+int64(extra) || stored > answered+int64(extra)+int64(l.good.of(lost))+200 {
		t.Errorf("%d calls are counted, %d were answered", stored, answered)
	}
	report(t, "REL-9", "%s; counted %d", l, stored)
}

// REL-4: PostgreSQL commits, and the answer is lost on the way back: of counts as of keys that are made. What is sent again counts once.
func TestCommitWhoseAnswerIsLostHappensOnce(t *testing.T) {
	c := newCompany(t, "postgres")
	link, over := testenv.LinkTo(t, c.url)
	p := c.start(map[string]string{"GATEHOUSE_DATABASE_URL": over})
	l := c.load(p)
	client := callers()
	defer client.CloseIdleConnections()
	repeats, unsure, keys := 0, map[int]bool{}, amount(8, 40)
	stop := make(chan struct{})
	go func() { // a link that loses commits for a while, and then again
		for !closed(stop) {
			link.LoseCommits()
			pass(1500 * time.Millisecond)
			link.Mend()
			pass(500 * time.Millisecond)
		}
	}()
	for n := range keys {
		name := fmt.Sprintf("Once %d", n)
		eventually(t, name, func() bool {
			repeats++
			r := c.once(client, p, name)
			unsure[n] = r == http.StatusConflict // the program can't know, and says so
			return unsure[n] || r == http.StatusCreated
		})
	}
	close(stop)
	link.Mend()
	eventually(t, "the spool is stored", func() bool { return link.Lost() > 0 && c.counted(c.key.Key.ID) > 0 })
	l.end()
	c.stopped(p)

	l.honest(t)
	gone := c.exact(c.key.Key.ID, &l.good)
	twice, doubts := 0, 0
	for n := range keys {
		if unsure[n] {
			doubts++
		}
		if there := c.number("SELECT COUNT(*) FROM keys WHERE name = ?", fmt.Sprintf("Once %d", n)); there > 1 || there == 0 && !unsure[n] {
			twice++
			t.Errorf("there are %d keys of the name Once %d", there, n)
		}
	}
	c.sound()
	report(t, "REL-4", "%d commits without an answer; %d calls answered, %d counted: %d lost; %d keys asked for by %d calls, %d of them unsure, %d made twice or lost; %s",
		link.Lost(), l.good.of("VALID"), c.counted(c.key.Key.ID), gone, keys, repeats, doubts, twice, l)
}

// once makes a key of that name under an idempotency key of that name, and returns the status.
func (c *company) once(client *http.Client, p *process, name string) int {
	r, err := http.NewRequest(http.MethodPost, p.URL+"/v1/keys", strings.NewReader(c.newKey(name))) //nolint:noctx // its client has a timeout
	if err != nil {
		return 0
	}
	r.Header.Set("Authorization", "Bearer "+c.manager)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", strings.ReplaceAll(name, " ", "-"))
	r.GetBody = nil
	answer, err := client.Do(r)
	if err != nil {
		return 0
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}
