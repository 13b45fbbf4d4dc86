package faults_test

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
	"github.com/gatehouse-dev/gatehouse/internal/tools/rig"
)

// example is a file of docs/examples.
func example(t testing.TB, path ...string) string {
	t.Helper()
	root, err := rig.Root()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(append([]string{root, "docs", "examples"}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// balancer runs nginx with the file that we recommend, in front of the replicas of these settings.
func balancer(t testing.TB, replicas []map[string]string) *process {
	t.Helper()
	swaps := []string{
		"listen 443 ssl;", "listen 127.0.0.1:@PORT@;", "server_name developers.example.com;", "",
		"ssl_certificate /etc/nginx/tls/developers.pem;", "", "ssl_certificate_key /etc/nginx/tls/developers.key;", "",
	}
	for i, host := range []string{"10.0.0.11", "10.0.0.12", "10.0.0.13"} {
		swaps = append(swaps, host+":8080", replicas[i]["GATEHOUSE_ADDR"], host+":8081", replicas[i]["GATEHOUSE_EDGE_ADDR"])
	}
	text := example(t, "replicas", "nginx.conf")
	for i := 0; i < len(swaps); i += 2 {
		if !strings.Contains(text, swaps[i]) {
			t.Fatalf("the file has no %s", swaps[i])
		}
	}
	base, _ := testenv.Nginx(t, strings.NewReplacer(swaps...).Replace(text))
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	return &process{Process: &rig.Process{URL: base}, edge: u.Host}
}

// readiness is what /readyz of one process says, "" when nothing answers.
func readiness(p *process) string {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	answer, err := client.Get(p.URL + "/readyz") //nolint:noctx // its client has a timeout
	if err != nil {
		return ""
	}
	word, _ := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	return answer.Status[:3] + " " + strings.TrimSpace(string(word))
}

// REL-5: three replicas behind nginx are restarted one after another under load. No request fails; each is told to go elsewhere before its replica stops to
// answer; each process ends with code 0; every call is counted, once.
func TestRollingRestartFailsNoRequest(t *testing.T) {
	c := newCompany(t, "postgres")
	drain := amount("3s", "5s")
	settings := make([]map[string]string, 3)
	for i := range settings {
		settings[i] = c.env(map[string]string{"GATEHOUSE_DRAIN": drain})
	}
	front := balancer(t, settings)
	replicas := make([]*process, len(settings))
	for i, env := range settings {
		env["GATEHOUSE_BASE_URL"] = front.URL
		replicas[i] = c.startIn(env)
		t.Cleanup(func() { replicas[i].Kill() })
	}
	l := c.load(front)
	eventually(t, "the load runs", func() bool { return l.good.of("VALID") > 50 })

	var took []time.Duration
	for i, old := range replicas {
		began := time.Now()
		ended := make(chan error, 1)
		go func() { ended <- old.Stop() }()
		eventually(t, "readiness is red", func() bool { return readiness(old) == "503 leaving" })
		if code := c.verify(callers(), old.edge, c.key.Secret.Reveal()); code != "VALID" {
			t.Errorf("replica %d answers %s while it is left", i, code)
		}
		c.must(<-ended)
		took = append(took, time.Since(began).Round(time.Millisecond))
		replicas[i] = c.startIn(settings[i])
		before := l.good.of("VALID")
		eventually(t, "the load goes on", func() bool { return l.good.of("VALID") > before+50 })
	}
	l.end()
	for _, p := range replicas {
		c.must(p.Stop())
	}

	l.honest(t)
	if len(l.good.others("VALID"))+len(l.pages.others("200")) > 0 {
		t.Errorf("requests failed: %s", l)
	}
	// What nginx asked a second time, since the first answer did not come, may be counted twice; these three are beside the load.
	if f := stored(t, c.url, c.key.Key.ID); f.Minutes < int64(l.good.sent+3) || f.Minutes > int64(l.good.sent+3)+10 {
		t.Errorf("%d calls and 3 more, %d counted", l.good.sent, f.Minutes)
	}
	report(t, "REL-5", "3 replicas restarted one after another behind nginx, drain %s, each ended after %v; %s; failed: 0", drain, took, l)
}

// left is a listening socket that outlives the processes to which it is left, as systemd's do.
func left(t testing.TB) (addr string, socket *os.File) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test's listener
	if err != nil {
		t.Fatal(err)
	}
	socket, err = l.(*net.TCPListener).File() //nolint:errcheck,forcetypeassert // it is one
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	addr = l.Addr().String()
	_ = l.Close() // the file's copy stays open
	return addr, socket
}

// REL-6: the one process of an installation on SQLite is restarted under load, and its sockets are not its own. Nobody is refused, and nothing fails.
func TestRestartOfTheOnlyProcessRefusesNobody(t *testing.T) {
	c := newCompany(t, "sqlite")
	addr, portal := left(t)
	edgeAddr, edge := left(t)
	env := c.env(map[string]string{"GATEHOUSE_ADDR": addr, "GATEHOUSE_EDGE_ADDR": edgeAddr, "GATEHOUSE_DRAIN": "1s"})
	start := func() *process {
		p, err := rig.Start(rig.Options{Env: env, Sockets: []*os.File{edge, portal}})
		c.must(err)
		return &process{p, edgeAddr, env}
	}
	p := start()
	t.Cleanup(func() { p.Kill() })
	l := c.load(p)
	fresh := &answers{} // of connections of their own
	stop := make(chan struct{})
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	l.each(50*time.Millisecond, func(int) {
		select {
		case <-stop:
		default:
			began := time.Now()
			fresh.add(c.verify(client, edgeAddr, c.key.Secret.Reveal()), time.Since(began))
		}
	})

	restarts := amount(2, 5)
	for range restarts {
		before := fresh.of("VALID")
		eventually(t, "the load runs", func() bool { return fresh.of("VALID") > before+10 })
		c.must(p.Stop())
		p = start()
	}
	close(stop)
	l.end()
	c.must(p.Stop())

	l.honest(t)
	if len(fresh.others("VALID"))+len(l.good.others("VALID"))+len(l.pages.others("200")) > 0 {
		t.Errorf("requests failed: on new connections %s; %s", fresh, l)
	}
	if f := stored(t, c.url, c.key.Key.ID); f.Minutes != int64(l.good.sent+fresh.sent) {
		t.Errorf("%d calls, %d counted", l.good.sent+fresh.sent, f.Minutes)
	}
	report(t, "REL-6", "the only process restarted %d times, sockets left to it; on new connections: %s; %s; refused: 0", restarts, fresh, l)
}

// A socket that no setting names would be served by nobody: the start says so.
func TestSocketThatNoSettingNamesStopsTheStart(t *testing.T) {
	c := newCompany(t, "sqlite")
	_, stray := left(t)

	_, err := rig.Start(rig.Options{Env: c.env(nil), Sockets: []*os.File{stray}})

	if err == nil || !strings.Contains(err.Error(), "was left to us") {
		t.Error(err)
	}
}
