package framing_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/crowd"
	"github.com/gatehouse-dev/gatehouse/internal/framing"
)

func listen(t *testing.T, o framing.Options) net.Listener {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.Limits, o.Now = limits, time.Now
	o.Answer = func(r *framing.Refusal) []byte {
		return []byte("HTTP/1.1 " + http.StatusText(r.Status) + "\r\nConnection: close\r\n\r\n")
	}
	return framing.NewListener(l, o)
}

func dial(t *testing.T, l net.Listener, say string) net.Conn {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, say); err != nil {
		t.Fatal(err)
	}
	return c
}

// D13: net/http reads ahead while it answers. A bad request that comes meanwhile, in whatever pieces, is refused after that answer and not instead of it.
func TestARefusalComesAfterTheAnswerThatIsBeingMade(t *testing.T) {
	l := listen(t, framing.Options{})
	reached, let := make(chan bool), make(chan bool)
	s := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached <- true
		<-let
		if err := r.Context().Err(); err != nil {
			t.Error("the request was ended:", err)
		}
		_, _ = io.WriteString(w, "answered")
	})}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	for name, pieces := range map[string][2]string{
		"at once":                     {get + "GET /b HTTP/1.1\nHost: a\r\n\r\n", ""},
		"while it is answered":        {get, "GET /b HTTP/1.1\nHost: a\r\n\r\n"},
		"a byte that is no beginning": {get, "\n\n"},
		"its first byte at once":      {get + "G", "ET /b HTTP/1.1\nHost: a\r\n\r\n"},
	} {
		c := dial(t, l, pieces[0])

		<-reached
		if _, err := io.WriteString(c, pieces[1]); err != nil {
			t.Fatal(err)
		}
		let <- true
		said, err := io.ReadAll(c)

		answers := strings.Split(string(said), "HTTP/1.1 ")
		if err != nil || len(answers) != 3 || !strings.HasPrefix(answers[1], "200") || !strings.HasSuffix(answers[1], "answered") || !strings.HasPrefix(answers[2], "Bad Request") {
			t.Errorf("%s: %q %v", name, said, err)
		}
	}
}

// L3
func TestConnectionsBeyondTheBoundAreClosedAtOnce(t *testing.T) {
	l := listen(t, framing.Options{Bounds: crowd.Bounds{Total: 2}})
	s := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "answered") })}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	first, second := dial(t, l, "GET"), dial(t, l, get)
	if n, err := second.Read(make([]byte, 1)); n != 1 {
		t.Fatal("control: the second of two is answered:", err)
	}

	third, err := io.ReadAll(dial(t, l, ""))
	_ = first.Close()
	last := ""
	for last == "" { // as soon as the server knows that the first has gone
		c := dial(t, l, "")
		_, _ = io.WriteString(c, strings.Replace(get, "Host", "Connection: close\r\nHost", 1))
		said, err := io.ReadAll(c)
		if err != nil && !errors.Is(err, io.EOF) && len(said) == 0 {
			continue // reset
		}
		last = string(said)
	}

	if len(third) > 0 {
		t.Errorf("the third of two was answered: %q %v", third, err)
	}
	if !strings.HasSuffix(last, "answered") {
		t.Errorf("%q", last)
	}
}

// L3: whoever takes all that one address may have leaves others theirs.
func TestOnePeerLeavesConnectionsToOthers(t *testing.T) {
	l := listen(t, framing.Options{Bounds: crowd.Bounds{PerPeer: 2}})
	s := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "answered") })}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	first, second := dial(t, l, "GET"), dial(t, l, get)
	if n, err := second.Read(make([]byte, 1)); n != 1 {
		t.Fatal("control: the second of two is answered:", err)
	}

	third, err := io.ReadAll(dial(t, l, ""))
	other := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	c, dialed := other.DialContext(t.Context(), "tcp", l.Addr().String())
	if dialed != nil {
		t.Fatal(dialed)
	}
	_, _ = io.WriteString(c, strings.Replace(get, "Host", "Connection: close\r\nHost", 1))
	said, otherErr := io.ReadAll(c)

	if len(third) > 0 {
		t.Errorf("the third of two was answered: %q %v", third, err)
	}
	if !strings.HasSuffix(string(said), "answered") {
		t.Errorf("another address: %q %v", said, otherErr)
	}
	_ = first.Close()
}
