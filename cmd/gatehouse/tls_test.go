package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"maps"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// certificate writes a self-signed one for 127.0.0.1.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := db.SystemClock()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "EC PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// looseAddress is one of this machine that nobody listens at.
func looseAddress(t *testing.T) string {
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

// serveTLS serves with the certificate in two files until the test ends, or stop, and returns its address. More are settings besides.
func serveTLS(t *testing.T, cert, key string, more map[string]string) (addr string, stop func()) {
	t.Helper()
	addr = looseAddress(t)
	env := map[string]string{"GATEHOUSE_ADDR": addr, "GATEHOUSE_BASE_URL": "https://" + addr, "GATEHOUSE_TLS_CERT": cert, "GATEHOUSE_TLS_KEY": key}
	maps.Copy(env, more)
	return addr, serveWith(t, env)
}

// serveWith serves with these settings and a data folder of its own until the test ends, or stop.
func serveWith(t *testing.T, env map[string]string) (stop func()) {
	t.Helper()
	env["GATEHOUSE_DATA_DIR"] = t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	said, say := io.Pipe()
	w := &world{ctx: ctx, stdout: say, stderr: io.Discard, lookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}
	o, err := openOrMake(w)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- serve(w, o) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error("the server did not stop well", err)
		}
		_ = o.Close()
	})
	t.Cleanup(stop)
	lines := bufio.NewScanner(said)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "Gatehouse serves") {
		continue
	}
	return stop
}

// C3: TLS 1.2 at least; the API never answers over plain http; pages carry HSTS.
func TestBuiltInTLSIsModernAndNothingElseAnswers(t *testing.T) {
	cert, key := certificate(t)
	addr, _ := serveTLS(t, cert, key, nil)
	client := func(most uint16) *http.Client {
		return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: most}}} //nolint:gosec // asks for what must be refused
	}
	get := func(c *http.Client, url string) (*http.Response, error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			return nil, err
		}
		answer, err := c.Do(r)
		if err == nil {
			_ = answer.Body.Close()
		}
		return answer, err
	}

	modern, err := get(client(tls.VersionTLS13), "https://"+addr+"/login")
	if err != nil {
		t.Fatal(err)
	}
	_, old := get(client(tls.VersionTLS11), "https://"+addr+"/login")
	plain, plainErr := get(http.DefaultClient, "http://"+addr+"/v1/whoami")

	if modern.StatusCode != http.StatusOK || modern.Header.Get("Strict-Transport-Security") == "" || modern.TLS.Version < tls.VersionTLS12 {
		t.Error(modern.Status, modern.Header)
	}
	if old == nil {
		t.Error("TLS 1.1 was accepted")
	}
	if plainErr == nil && plain.StatusCode != http.StatusBadRequest {
		t.Error("plain http was answered with", plain.Status)
	}
}

// 4.16: a certificate that was renewed is shown without a restart; one that can't be used changes nothing.
func TestHangupReadsTheCertificateAnew(t *testing.T) {
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGHUP) // else one that comes too early ends the test
	defer signal.Stop(caught)
	cert, key := certificate(t)
	addr, _ := serveTLS(t, cert, key, nil)
	shown := func() string {
		conn, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(t.Context(), "tcp", addr) //nolint:gosec // looks at what is shown
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return string(conn.(*tls.Conn).ConnectionState().PeerCertificates[0].Raw) //nolint:forcetypeassert // it is one
	}
	hangup := func() {
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	before := shown()
	newCert, newKey := certificate(t)
	renewed, err := os.ReadFile(newCert)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cert, renewed, 0o600); err != nil { // its key is not there yet
		t.Fatal(err)
	}
	hangup()
	half := shown()
	if err := os.Rename(newKey, key); err != nil {
		t.Fatal(err)
	}

	after := before
	for tries := 0; after == before && tries < 1000; tries++ {
		hangup()
		after = shown()
	}

	if half != before || after == before {
		t.Errorf("with half of it the old one was shown: %v; with all of it the new one: %v", half == before, after != before)
	}
}

// systemd is told when the process serves, and when it stops (sd_notify).
func TestSystemdIsToldHowTheProcessStands(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	heard := func() string {
		b := make([]byte, 100)
		n, _, err := socket.ReadFrom(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	cert, key := certificate(t)
	_, stop := serveTLS(t, cert, key, map[string]string{"NOTIFY_SOCKET": path})

	ready := heard()
	stop()
	stopping := heard()

	if ready != "READY=1" || stopping != "STOPPING=1" {
		t.Error(ready, stopping)
	}
}

// D13, L3: what is read in two ways is refused inside of TLS too, since a proxy that encrypts anew stands between; HTTP/2 goes on beside it.
func TestInsideTLSRequestsAreReadInOneWay(t *testing.T) {
	cert, key := certificate(t)
	addr, _ := serveTLS(t, cert, key, nil)
	say := func(request string) string {
		conn, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}}).DialContext(t.Context(), "tcp", addr) //nolint:gosec // its own certificate
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		line, _ := bufio.NewReader(conn).ReadString('\n') // what is missing is seen
		return strings.TrimSpace(line)
	}

	for request, want := range map[string]string{
		"GET /healthz HTTP/1.1\r\nHost: " + addr + "\r\nConnection: close\r\n\r\n":                                                               "HTTP/1.1 200 OK",
		"GET /healthz HTTP/1.1\nHost: " + addr + "\nConnection: close\n\n":                                                                       "HTTP/1.1 400 Bad Request",
		"GET /healthz HTTP/1.1\r\nHost: " + addr + "\r\nX-Fol: fol\r\n ded\r\nConnection: close\r\n\r\n":                                         "HTTP/1.1 400 Bad Request",
		"POST /v1/authz HTTP/1.1\r\nHost: " + addr + "\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n": "HTTP/1.1 400 Bad Request",
		"POST /v1/authz HTTP/1.1\r\nHost: " + addr + "\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n":                      "HTTP/1.1 411 Length Required",
	} {
		if got := say(request); got != want {
			t.Errorf("%q: %q", request, got)
		}
	}
	silent, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr) // who never shakes hands holds up nobody
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	second := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // its own certificate
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+addr+"/healthz", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := second.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.ProtoMajor != 2 || answer.StatusCode != http.StatusOK {
		t.Error(answer.Proto, answer.Status)
	}
}
