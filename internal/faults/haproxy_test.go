package faults_test

import (
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
	"github.com/gatehouse-dev/gatehouse/internal/tools/rig"
)

// bothUp has HAProxy itself tell when it has seen both replicas ready, for pages and for keys, each of which it asks by itself.
const bothUp = `    monitor-uri /both-up
    monitor fail if { nbsrv(gatehouse_portal) lt 2 } || { nbsrv(gatehouse_edge) lt 2 }
`

// checked runs HAProxy with the file that we recommend, in front of the two replicas of these settings.
func checked(t testing.TB, replicas []map[string]string) *process {
	t.Helper()
	swaps := []string{"bind :443 ssl crt /etc/haproxy/certs/developers.pem", "bind 127.0.0.1:@PORT@"}
	text := example(t, "replicas", "haproxy.cfg")
	for i, host := range []string{"10.0.0.11", "10.0.0.12"} {
		_, port, err := net.SplitHostPort(replicas[i]["GATEHOUSE_ADDR"])
		if err != nil {
			t.Fatal(err)
		}
		swaps = append(swaps, host+":8080", replicas[i]["GATEHOUSE_ADDR"], host+":8081", replicas[i]["GATEHOUSE_EDGE_ADDR"]+" check port "+port)
	}
	swaps = append(swaps, "check port 8080 ", "", "    use_backend", bothUp+"    use_backend")
	for i := 0; i < len(swaps); i += 2 {
		if !strings.Contains(text, swaps[i]) {
			t.Fatalf("the file has no %s", swaps[i])
		}
	}
	base, _ := testenv.HAProxy(t, strings.NewReplacer(swaps...).Replace(text), "")
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	return &process{Process: &rig.Process{URL: base}, edge: u.Host}
}

// statusOf is what a page is answered with; 0 for not at all.
func statusOf(t testing.TB, address string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

// REL-5: as behind nginx, behind HAProxy that looks at /readyz: one of two replicas is stopped by SIGTERM under load, and no request fails.
func TestStoppedReplicaBehindHAProxyFailsNoRequest(t *testing.T) {
	c := newCompany(t, "postgres")
	settings := []map[string]string{c.env(map[string]string{"GATEHOUSE_DRAIN": "5s"}), c.env(map[string]string{"GATEHOUSE_DRAIN": "5s"})}
	front := checked(t, settings)
	replicas := make([]*process, len(settings))
	for i, env := range settings {
		env["GATEHOUSE_BASE_URL"] = front.URL
		replicas[i] = c.startIn(env)
		t.Cleanup(func() { replicas[i].Kill() })
	}
	eventually(t, "HAProxy sees both ready", func() bool { return statusOf(t, front.URL+"/both-up") == http.StatusOK })
	l := c.load(front)
	eventually(t, "the load runs", func() bool { return l.good.of("VALID") > 50 })

	ended := make(chan error, 1)
	go func() { ended <- replicas[0].Stop() }()
	eventually(t, "readiness is red", func() bool { return readiness(replicas[0]) == "503 leaving" })
	c.must(<-ended)
	before := l.good.of("VALID")
	eventually(t, "the load goes on", func() bool { return l.good.of("VALID") > before+50 })
	l.end()
	c.must(replicas[1].Stop())

	l.honest(t)
	if len(l.good.others("VALID"))+len(l.pages.others("200")) > 0 {
		t.Errorf("requests failed: %s", l)
	}
	report(t, "REL-5", "one of 2 replicas stopped behind HAProxy, which asks /readyz twice a second, drain 5s; %s; failed: 0", l)
}
