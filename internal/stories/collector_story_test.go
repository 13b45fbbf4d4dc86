package stories_test

import (
	"bufio"
	"context"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/tools/rig"
)

// A siem is what collects logs. It listens only when it is told to.
type siem struct {
	t       testing.TB
	address string
	mutex   sync.Mutex
	lines   []string // of JSON, in the order in which they came
	strange []string // what should not have come
}

func (s *siem) take(lines []string, strange ...string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.lines, s.strange = append(s.lines, lines...), append(s.strange, strange...)
}

func (s *siem) has() []string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return append([]string{}, s.lines...)
}

func (s *siem) listen() net.Listener {
	s.t.Helper()
	l, err := (&net.ListenConfig{}).Listen(s.t.Context(), "tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = l.Close() })
	return l
}

// overTCP takes syslog: messages behind their lengths, until the other half is closed (RFC 6587).
func (s *siem) overTCP() {
	l := s.listen()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			var lines, strange []string
			for in := bufio.NewReader(conn); ; {
				size, err := in.ReadString(' ')
				n, err2 := strconv.Atoi(strings.TrimSuffix(size, " "))
				message := make([]byte, n)
				if _, err3 := io.ReadFull(in, message); err != nil || err2 != nil || err3 != nil {
					break
				}
				head, body, ok := strings.Cut(string(message), " - {")
				if !ok || !strings.HasPrefix(head, "<110>1 ") && !strings.HasPrefix(head, "<108>1 ") {
					strange = append(strange, string(message))
				}
				lines = append(lines, "{"+body)
			}
			s.take(lines, strange...)
			_ = conn.Close()
		}
	}()
}

// overHTTPS takes lines of JSON from who knows the password.
func (s *siem) overHTTPS() {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		user, password, _ := r.BasicAuth()
		var strange []string
		if err != nil || user+":"+password != siemPassword || r.URL.Path != "/in" {
			strange = append(strange, r.URL.Path+" as "+user)
		}
		s.take(strings.Split(strings.TrimSpace(string(body)), "\n"), strange...)
	}))
	_ = server.Listener.Close()
	server.Listener = s.listen()
	server.StartTLS()
	s.t.Cleanup(server.Close)
}

const siemPassword = "gatehouse:kelp-and-harbour-77"

// trusted is a file with the certificate that a server of this process shows.
func trusted(t testing.TB) string {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	path := filepath.Join(t.TempDir(), "trusted.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// U1, U6, N2: what happens while the collector is away waits, and comes once it is there: all of it, in its order, as it stands in an export.
func TestACollectorThatWasAwayIsGivenTheWholeLog(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dialect, before, after string
		come                   func(*siem)
	}{
		"syslog over TCP": {"SQLite", "tcp://", "", (*siem).overTCP},
		"HTTPS":           {"PostgreSQL", "https://" + siemPassword + "@", "/in", (*siem).overHTTPS},
	} {
		t.Run(name, func(t *testing.T) {
			address, err := rig.FreeAddress()
			if err != nil {
				t.Fatal(err)
			}
			s := &siem{t: t, address: address}
			w := &world{house: newHouseWith(t, c.dialect, func(env map[string]string) {
				env["GATEHOUSE_AUDIT_STREAM"], env["SSL_CERT_FILE"] = c.before+address+c.after, trusted(t)
			})}
			w.setUp(newClerk(t, w.URL, "admin"))
			w.join(newClerk(t, w.URL, "developer"), "Dev Patel", devMail)
			complained := await(context.Background(), func() bool {
				_, log := w.Said()
				return strings.Contains(log, "the collector does not take the audit log")
			})
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			w.run("audit", "export", path)
			want := eventsOf(string(read(t, path)))

			c.come(s)

			arrived := await(context.Background(), func() bool { return len(s.has()) >= len(want) })
			if !complained || !arrived || len(want) < 5 {
				t.Fatal(complained, arrived, len(want))
			}
			w.stop()
			got := s.has()
			if strings.Join(got[:len(want)], "\n") != strings.Join(want, "\n") || len(s.strange) > 0 {
				t.Errorf("came:\n%s\nstrange: %s\nwant:\n%s", strings.Join(got, "\n"), s.strange, strings.Join(want, "\n"))
			}
			w.complainedOfTheCollectorAlone()
		})
	}
}

func eventsOf(export string) (all []string) {
	for line := range strings.Lines(export) {
		if strings.HasPrefix(line, `{"type":"event"`) {
			all = append(all, strings.TrimSpace(line))
		}
	}
	return all
}

// complainedOfTheCollectorAlone looks through the log of a server that has ended, which does not tell of the password.
func (w *world) complainedOfTheCollectorAlone() {
	w.t.Helper()
	log := strings.Join(w.logs, "")
	w.logs = nil
	for line := range strings.Lines(log) {
		if strings.Contains(line, `"level":"ERROR"`) && !strings.Contains(line, "the collector does not take the audit log") {
			w.t.Errorf("in the log: %s", line)
		}
	}
	if strings.Contains(log, strings.Split(siemPassword, ":")[1]) {
		w.t.Error("the password of the collector stands in the log")
	}
}
