package collector_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/collector"
)

var batch = []collector.Message{
	{At: time.Date(2026, 11, 22, 9, 8, 7, 654321000, time.UTC), ID: "key.revoked", Body: []byte(`{"seq":1,"act":"key.revoked"}`)},
	{At: time.Date(2026, 11, 22, 9, 8, 8, 0, time.UTC), ID: "user.signed in\n<13>1 x", Warn: true, Body: []byte(`{"seq":2,"reason":"a\nb"}` + "\n")},
}

var wanted = []string{
	`<110>1 2026-11-22T09:08:07.654321Z portal.example gatehouse - key.revoked - {"seq":1,"act":"key.revoked"}`,
	`<108>1 2026-11-22T09:08:08.000000Z portal.example gatehouse - user.signedin<13>1x - {"seq":2,"reason":"a\nb"}`,
}

func open(t *testing.T, target string) *collector.Collector {
	t.Helper()
	c, err := collector.New(target, "portal.example")
	if err != nil {
		t.Fatal(target, err)
	}
	return c
}

// octets reads messages as RFC 6587 counts them, until the other half is closed.
func octets(r io.Reader) (all []string, err error) {
	in := bufio.NewReader(r)
	for {
		size, err := in.ReadString(' ')
		if errors.Is(err, io.EOF) && size == "" {
			return all, nil
		}
		n, err2 := strconv.Atoi(strings.TrimSpace(size))
		if err != nil || err2 != nil {
			return all, errors.Join(err, err2)
		}
		message := make([]byte, n)
		if _, err := io.ReadFull(in, message); err != nil {
			return all, err
		}
		all = append(all, string(message))
	}
}

func check(t *testing.T, what string, got []string, err error) {
	t.Helper()
	if err != nil || strings.Join(got, "\n") != strings.Join(wanted, "\n") {
		t.Errorf("%s: %v\n%s", what, err, strings.Join(got, "\n"))
	}
}

// U6: a value with line ends forges no message, since each stands behind its length and in JSON.
func TestSyslogOverTCPIsCountedAndClosedInOrder(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test's listener
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	got, failed := make(chan []string, 1), make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			failed <- err
			return
		}
		all, err := octets(conn)
		_ = conn.Close()
		got <- all
		failed <- err
	}()

	err = open(t, "tcp://"+l.Addr().String()).Send(t.Context(), batch)

	check(t, "tcp", <-got, errors.Join(err, <-failed))
}

// At least once: a receiver that dies with the batch half read did not take it.
func TestABatchThatWasCutOffWasNotTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test's listener
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = io.ReadFull(conn, make([]byte, 8))
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // as the kernel does for a process that dies with data unread
		}
		_ = conn.Close()
	}()

	cut := open(t, "tcp://"+l.Addr().String()).Send(t.Context(), batch)
	_ = l.Close()
	away := open(t, "tcp://"+l.Addr().String()).Send(t.Context(), batch)

	if cut == nil || away == nil {
		t.Error(cut, away)
	}
}

// A collector whose certificate is not trusted is told nothing.
func TestSyslogOverTLSWantsATrustedCertificate(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	defer server.Close()
	l, err := tls.Listen("tcp", "127.0.0.1:0", server.TLS)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	read := make(chan int, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			read <- 0
			return
		}
		n, _ := io.Copy(io.Discard, conn)
		_ = conn.Close()
		read <- int(n)
	}()

	err = open(t, "tls://"+l.Addr().String()).Send(t.Context(), batch)

	var unknown *tls.CertificateVerificationError
	if n := <-read; !errors.As(err, &unknown) || n != 0 {
		t.Error(err, n)
	}
}

func TestSyslogOverAUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()

	err = open(t, "unix://"+path).Send(t.Context(), batch)

	var got []string
	for range batch {
		message := make([]byte, 4096)
		n, err := l.Read(message)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(message[:n]))
	}
	check(t, "unix", got, err)
}

// N2: lines of JSON, with the user of the target and no redirect.
func TestHTTPSTakesLinesOfJSON(t *testing.T) {
	var got []string
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		user, password, _ := r.BasicAuth()
		got = append(got, r.Method+" "+r.URL.String()+" "+user+" "+password+" "+string(body))
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	}))
	defer server.Close()
	c := open(t, strings.Replace(server.URL, "http://", "http://user:pass@", 1)+"/in?x=1")

	taken := c.Send(t.Context(), batch)
	status = http.StatusFound
	moved := c.Send(t.Context(), batch)

	if taken != nil || moved == nil || len(got) != 2 || got[0] != "POST /in?x=1 user pass "+`{"seq":1,"act":"key.revoked"}`+"\n"+`{"seq":2,"reason":"a\nb"}`+"\n" || strings.Contains(c.Name(), "pass") {
		t.Error(taken, moved, got, c.Name())
	}
}

func TestOnlyCollectorsAreTargets(t *testing.T) {
	for _, target := range []string{"", "example.com:514", "udp://example.com:514", "tls://example.com", "tcp://user@example.com:601", "unix://host/path", "unix://", "https://", "tls://example.com:6514/x"} {
		if _, err := collector.New(target, "x"); !errors.Is(err, collector.ErrTarget) {
			t.Error(target, err)
		}
	}
}
