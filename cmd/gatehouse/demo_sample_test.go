package main

import (
	"bytes"
	"context"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
)

// said is what a command has printed so far.
type said struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.text.Write(b)
}

func (s *said) String() string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.text.String()
}

var sampleLine = regexp.MustCompile(`The Catalogue API answers at (http://127\.0\.0\.1:\d+) \((live|test)\)`)

// runDemo runs the demo until use returns, which gets the address of the sample by environment.
func runDemo(t *testing.T, environment map[string]string, use func(bases map[string]string)) {
	t.Helper()
	out, log := &said{}, &said{}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- demoCommand{}.Run(&world{ctx: ctx, stdout: out, stderr: log, lookupEnv: func(name string) (string, bool) { v, ok := environment[name]; return v, ok }})
	}()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.NewTimer(5 * time.Minute)
	defer late.Stop()
	for !strings.Contains(out.String(), "Gatehouse serves") {
		select {
		case <-tick.C:
		case err := <-ended:
			t.Fatalf("the demo ended: %v: %s%s", err, out, log)
		case <-late.C:
			t.Fatalf("the demo does not serve: %s%s", out, log)
		}
	}
	bases := map[string]string{}
	for _, found := range sampleLine.FindAllStringSubmatch(out.String(), -1) {
		bases[found[2]] = found[1]
	}
	use(bases)
	stop()
	if err := <-ended; err != nil {
		t.Fatalf("%v: %s", err, log)
	}
}

func statusOf(t *testing.T, url string) string {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.Status + " " + answer.Header.Get("X-Gatehouse-Code")
}

// K1: the sample's gateway key lives as long as the process, and is nowhere else.
func TestEachStartOfTheDemoGuardsItsSampleByAKeyOfItsOwn(t *testing.T) {
	environment := map[string]string{
		"GATEHOUSE_DATA_DIR": t.TempDir(), "GATEHOUSE_ADDR": "127.0.0.1:" + strconv.Itoa(testenv.FreePort(t)),
	}
	for range 2 {
		runDemo(t, environment, func(bases map[string]string) {
			for _, name := range []string{"live", "test"} {
				if got := statusOf(t, bases[name]+"/products"); got != "401 Unauthorized MISSING_KEY" {
					t.Errorf("%s: %s", name, got)
				}
			}
		})
	}

	o, err := open(&world{ctx: t.Context(), lookupEnv: func(name string) (string, bool) {
		if name == "GATEHOUSE_DATA_DIR" {
			return filepath.Join(environment[name], "demo"), true
		}
		return "", false
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = o.Close() }()
	for query, want := range map[string]int64{
		"SELECT COUNT(*) FROM keys WHERE name = 'Gateway for Catalogue API'":                                                                         3, // one of them is of the demo's story
		"SELECT COUNT(*) FROM keys WHERE name = 'Gateway for Catalogue API' AND revoked_at IS NOT NULL":                                              1,
		"SELECT COUNT(*) FROM api_environments e JOIN apis a ON a.id = e.api_id WHERE a.slug = 'catalogue' AND e.base_url LIKE 'http://127.0.0.1:%'": 2,
	} {
		var n int64
		if err := o.db.Read(t.Context()).Raw(query).Scan(&n).Error; err != nil || n != want {
			t.Errorf("%s: %d %v", query, n, err)
		}
	}
}
