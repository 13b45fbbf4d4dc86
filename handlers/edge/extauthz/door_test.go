package extauthz_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/gatehouse-dev/gatehouse/handlers/edge/extauthz"
)

// stranger sends half questions to a server, over real connections, and hears with which status of gRPC each ends.
type stranger struct {
	t      *testing.T
	addr   string
	client *http2.Transport //nolint:staticcheck // of x/net: it opens as many connections as it needs
	ended  chan string
}

func newStranger(t *testing.T, wait time.Duration) *stranger {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := extauthz.NewServer(extauthz.Options{
		Edge: http.NotFoundHandler(), Plausible: func(text string) bool { return text == "plausible" }, Now: time.Now, Wait: wait,
	})
	go func() { _ = server.Serve(l) }()
	s := &stranger{t: t, addr: l.Addr().String(), ended: make(chan string, 1000)}
	s.client = &http2.Transport{AllowHTTP: true, DialTLSContext: func(ctx context.Context, network, addr string, _ *tls.Config) (net.Conn, error) { //nolint:staticcheck // of x/net: it opens as many connections as it needs
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}}
	t.Cleanup(func() {
		at, cancel := context.WithCancel(context.Background())
		cancel()
		_ = server.Shutdown(at) // at once: half questions never end by themselves
	})
	return s
}

// half sends the first half of a question.
func (s *stranger) half(method, token string) {
	body, rest := io.Pipe()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, "http://"+s.addr+method, body)
	if err != nil {
		s.t.Error(err)
		return
	}
	r.Header.Set("Content-Type", "application/grpc")
	r.Header.Set("Te", "trailers")
	if token != "" {
		r.Header.Set("X-Gatehouse-Token", token)
	}
	half := make([]byte, 5+20<<10)
	binary.BigEndian.PutUint32(half[1:], 40<<10)
	go func() { _, _ = rest.Write(half) }()
	go func() {
		answer, err := s.client.RoundTrip(r) //nolint:staticcheck // of x/net: it opens as many connections as it needs
		if err != nil {
			s.ended <- err.Error()
			return
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		s.ended <- answer.Header.Get("Grpc-Status") + answer.Trailer.Get("Grpc-Status")
	}()
}

func (s *stranger) wait() string {
	select {
	case status := <-s.ended:
		return status
	case <-time.After(20 * time.Second):
		return "none"
	}
}

const check = "/envoy.service.auth.v3.Authorization/Check"

// L3, C13: nothing is held of what comes without the token of a gateway, nor of what nobody answers.
func TestAQuestionWithoutATokenIsRefusedBeforeItsMessage(t *testing.T) {
	s := newStranger(t, time.Hour)
	for _, c := range []struct{ method, token, status string }{
		{check, "", "16"}, {check, "a guess", "16"}, {"/grpc.health.v1.Health/Watch", "", "12"}, {"/nothing.Here/Check", "plausible", "12"},
	} {
		s.half(c.method, c.token)
		if status := s.wait(); status != c.status {
			t.Errorf("%s %q: %s", c.method, c.token, status)
		}
	}
}

// L3: who has the form of a token, which is no secret, holds a few hundred half questions at most.
func TestOneAddressHoldsFewHalfQuestions(t *testing.T) {
	s := newStranger(t, time.Hour)

	for range 450 {
		s.half(check, "plausible")
	}

	for range 50 {
		if status := s.wait(); status != "8" {
			t.Fatal("beyond the 400 that one address may have:", status)
		}
	}
	select {
	case status := <-s.ended:
		t.Error("one of the 400 ended:", status)
	default:
	}
}

// L3, REL-14: the time of a question runs from its beginning, not from when it is there whole.
func TestAHalfQuestionEndsWithItsTime(t *testing.T) {
	s := newStranger(t, 50*time.Millisecond)
	for _, method := range []string{check, "/grpc.health.v1.Health/Check"} {
		s.half(method, "plausible")

		if status := s.wait(); status != "4" {
			t.Error(method, status)
		}
	}
}
