package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// freeAddress is one of this machine that nobody listens at.
func freeAddress(t *testing.T) string {
	t.Helper()
	probe, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := probe.Addr().String()
	if err := probe.Close(); err != nil {
		t.Fatal(err)
	}
	return addr
}

// serving serves the portal and the edge, with a data folder of its own, until the test ends.
func serving(t *testing.T) (portal, edge string) {
	t.Helper()
	portal, edge = freeAddress(t), freeAddress(t)
	env := map[string]string{"GATEHOUSE_ADDR": portal, "GATEHOUSE_EDGE_ADDR": edge, "GATEHOUSE_DATA_DIR": t.TempDir()}
	ctx, stop := context.WithCancel(context.Background())
	said, say := io.Pipe()
	w := &world{ctx: ctx, stdout: say, stderr: io.Discard, lookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}
	o, err := openOrMake(w)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- serve(w, o) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error("the server did not stop well", err)
		}
		_ = o.Close()
	})
	lines := bufio.NewScanner(said)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "Gatehouse serves") {
		continue
	}
	return portal, edge
}

// slowly opens a connection and says something on it.
func slowly(t *testing.T, addr, say string) net.Conn {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, say); err != nil {
		t.Fatal(err)
	}
	return c
}

// hungUp waits until the other end ends a connection, and returns what it said before.
func hungUp(c net.Conn) (string, error) {
	said, err := io.ReadAll(c)
	if err != nil && strings.Contains(err.Error(), "reset") {
		err = nil
	}
	return string(said), err
}

// answered asks on a new connection.
func answered(t *testing.T, addr, path string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

// L3: two thousand clients that never end their heads are put up with for as long as one head may take, and others are served meanwhile.
func TestTwoThousandSlowClientsAreEndedAndOthersServed(t *testing.T) {
	portal, edge := serving(t)
	const each = 1000
	for _, addr := range []string{portal, edge} {
		var ended sync.WaitGroup
		failed := make(chan error, each)
		for i := range each {
			begun := []string{"GET /v1/whoami HTTP/1.1\r\nHost: a\r\nX-Slow: ", "G", "POST /v1/keys/verify HTTP/1.1\r\nHost: a\r\n"}[i%3]
			c := slowly(t, addr, begun)
			ended.Go(func() {
				if said, err := hungUp(c); err != nil || strings.HasPrefix(said, "HTTP/1.1 2") {
					failed <- fmt.Errorf("%q %w", said, err)
				}
			})
		}

		if status := answered(t, addr, "/v1/whoami"); status != http.StatusUnauthorized {
			t.Errorf("meanwhile another was answered %d at %s", status, addr)
		}
		ended.Wait()

		close(failed)
		for err := range failed {
			t.Fatal(err)
		}
		if status := answered(t, addr, "/v1/whoami"); status != http.StatusUnauthorized {
			t.Errorf("afterwards another was answered %d at %s", status, addr)
		}
	}
}

// L3: bodies that do not come, and answers that nobody reads.
func TestASlowBodyAndAnUnreadAnswerEndTheirConnectionToTheEdge(t *testing.T) {
	_, edge := serving(t)
	ask := "GET /v1/whoami HTTP/1.1\r\nHost: a\r\n\r\n"
	slow := "POST /v1/keys/verify HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
	t.Run("body", func(t *testing.T) {
		t.Parallel()

		said, err := hungUp(slowly(t, edge, slow))

		if err != nil || !strings.HasPrefix(said, "HTTP/1.1 408") {
			t.Errorf("%q %v", said, err)
		}
	})
	t.Run("answers", func(t *testing.T) {
		t.Parallel()
		c := slowly(t, edge, ask)
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetReadBuffer(4 << 10)
		}

		var err error
		many := strings.Repeat(ask, 1000)
		for range 10_000 { // until nothing more is taken, and then until the other end goes
			if _, err = io.WriteString(c, many); err != nil {
				break
			}
		}

		if timeout, ok := err.(net.Error); err == nil || ok && timeout.Timeout() { //nolint:errorlint // what connections return
			t.Errorf("nobody hung up: %v", err)
		}
		if status := answered(t, edge, "/v1/whoami"); status != http.StatusUnauthorized {
			t.Errorf("another was answered %d", status)
		}
	})
}

// L3: the portal's bounds, and connections that are ended by some that are short enough for a test.
func TestThePortalBoundsReadingAndWriting(t *testing.T) {
	s := newServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write(make([]byte, 64<<20))
	}))
	for name, bound := range map[string]time.Duration{"header": s.ReadHeaderTimeout, "request": s.ReadTimeout, "answer": s.WriteTimeout, "idle": s.IdleTimeout} {
		if bound <= 0 || bound > 2*time.Minute || name == "header" && bound > 5*time.Second {
			t.Errorf("%s: %v", name, bound)
		}
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.ReadTimeout, s.WriteTimeout = time.Second, time.Second
	closed := make(chan bool, 2)
	s.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			closed <- true
		}
	}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })

	for _, request := range []string{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1"} {
		_ = slowly(t, l.Addr().String(), request) // and never read

		<-closed // or the test's own time is over
	}
}

// D13: what can be read in two ways is refused at the portal's port too, and ends the connection.
func TestThePortalReadsRequestsInOneWay(t *testing.T) {
	portal, _ := serving(t)
	good := "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
	if status := answered(t, portal, "/healthz"); status != http.StatusOK {
		t.Fatal("control:", status)
	}

	for _, bad := range []string{"GET /healthz HTTP/1.1\nHost: a\n\n", "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET /healthz HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n"} {
		said, err := hungUp(slowly(t, portal, good+bad+good))

		if err != nil || strings.Count(said, "HTTP/1.1 ") != 2 || !strings.HasPrefix(said, "HTTP/1.1 200") || !strings.Contains(said, "HTTP/1.1 400") {
			t.Errorf("%q: %q %v", bad, said, err)
		}
	}
}
