package handlers_test

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// The settings lead to the collector and to the place of checkpoints.
func TestTheAuditLogReachesWhatIsOutside(t *testing.T) {
	lines := make(chan string, 1000)
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for in := bufio.NewScanner(r.Body); in.Scan(); {
			lines <- r.URL.Path + " " + in.Text()
		}
	}))
	defer collector.Close()
	clock := dbtest.NewClock()
	w := serveWith(t, dbtest.SQLite(t, clock), clock, map[string]string{
		"GATEHOUSE_AUDIT_STREAM": collector.URL + "/events", "GATEHOUSE_AUDIT_CHECKPOINTS": collector.URL + "/checkpoints", "GATEHOUSE_DATA_DIR": filepath.Join(t.TempDir(), "data"),
	})
	w.inhabit()
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for _, loop := range w.house.Loops() {
		running.Go(func() { loop(ctx) })
	}

	wanted := map[string]bool{`/events {"type":"event","seq":1,`: false, `/checkpoints {"type":"checkpoint","seq":`: false}
	for left := len(wanted); left > 0; {
		line := <-lines
		for begins, seen := range wanted {
			if !seen && strings.HasPrefix(line, begins) {
				wanted[begins] = true
				left--
			}
		}
	}

	stop()
	running.Wait()
}
