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
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
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

// serveTLS serves with a certificate until the test ends, and returns its address.
func serveTLS(t *testing.T) string {
	t.Helper()
	probe, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := probe.Addr().String()
	if err := probe.Close(); err != nil {
		t.Fatal(err)
	}
	cert, key := certificate(t)
	env := map[string]string{"GATEHOUSE_ADDR": addr, "GATEHOUSE_BASE_URL": "https://" + addr, "GATEHOUSE_TLS_CERT": cert, "GATEHOUSE_TLS_KEY": key, "GATEHOUSE_DATA_DIR": t.TempDir()}
	ctx, stop := context.WithCancel(context.Background())
	said, say := io.Pipe()
	w := &world{ctx: ctx, stdout: say, stderr: io.Discard, lookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}
	o, err := open(w)
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
	return addr
}

// C3: TLS 1.2 at least; the API never answers over plain http; pages carry HSTS.
func TestBuiltInTLSIsModernAndNothingElseAnswers(t *testing.T) {
	addr := serveTLS(t)
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
