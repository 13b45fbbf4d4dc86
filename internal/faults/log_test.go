package faults_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
	"github.com/gatehouse-dev/gatehouse/internal/tools/rig"
)

// lostLines is what the metrics of a process say of its log.
func lostLines(t testing.TB, metrics string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+metrics+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := callers().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	found := regexp.MustCompile(`(?m)^gatehouse_log_lines_lost_total (\d+)$`).FindSubmatch(text)
	if err != nil || found == nil {
		t.Fatal("the metric is not there", err)
	}
	n, _ := strconv.Atoi(string(found[1]))
	return n
}

// REL-25: nobody reads the log, and the pipe is full. Each request fails for want of the database, which is logged; each is answered all the same, what was
// lost is counted, and the process ends when it is told to.
func TestLogThatNobodyReadsHoldsUpNothing(t *testing.T) {
	c := newCompany(t, "postgres")
	way, through := testenv.LinkTo(t, c.url)
	metrics, err := rig.FreeAddress()
	c.must(err)
	reader, writer, err := os.Pipe()
	c.must(err)
	defer reader.Close()
	const small = 4096
	_, _, failed := syscall.Syscall(syscall.SYS_FCNTL, writer.Fd(), syscall.F_SETPIPE_SZ, small)
	if failed != 0 {
		t.Fatal(failed)
	}
	env := c.env(map[string]string{"GATEHOUSE_DATABASE_URL": through, "GATEHOUSE_METRICS_ADDR": metrics})
	p, err := rig.Start(rig.Options{Env: env, Log: writer})
	c.must(err)
	t.Cleanup(p.Kill)
	_ = writer.Close() // the process has its own

	way.Cut()
	all := &answers{}
	var callersAll sync.WaitGroup
	client := callers()
	stop := make(chan struct{})
	for range 8 {
		callersAll.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				began := time.Now()
				answer, err := client.Get(p.URL + "/login") //nolint:noctx // its client has a timeout
				if err != nil {
					all.add(lost, 0)
					return
				}
				_, _ = io.Copy(io.Discard, answer.Body)
				_ = answer.Body.Close()
				all.add(strconv.Itoa(answer.StatusCode), time.Since(began))
			}
		})
	}
	eventually(t, "lines are lost", func() bool { return lostLines(t, metrics) > 100 })
	close(stop)
	callersAll.Wait()
	way.Mend()
	counted := lostLines(t, metrics)
	ended := p.Stop()

	if ended != nil || len(all.others("500", "503")) > 0 {
		t.Errorf("%v; %s", ended, all)
	}
	report(t, "REL-25", "nobody reads the log: %s; lines lost and counted: %d; lost answers: 0", all, counted)
}
