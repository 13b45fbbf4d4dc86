// Package collector hands events to a collector of logs: by syslog (RFC 5424) over TCP, TLS or a Unix socket, or by HTTPS. A batch was taken when Send returns
// nil; after an error some of it may have been.
package collector

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Timeout of one batch.
const Timeout = 20 * time.Second

// Message is one event.
type Message struct {
	At   time.Time
	ID   string // what it is, such as key.revoked: the MSGID of syslog
	Warn bool   // it tells of something that was refused
	Body []byte // JSON on one line
}

// Collector takes batches. Safe for concurrent use.
type Collector struct {
	target *url.URL
	host   string
	client *http.Client
}

// ErrTarget is returned by New for what is no collector.
var ErrTarget = errors.New("a collector is tls://host:port, tcp://host:port, unix:///path or https://host/path")

// New makes a collector of target; host is what syslog says of where the events come from. Fault: ErrTarget.
func New(target, host string) (*Collector, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, ErrTarget // without the text, which can hold a password
	}
	switch u.Scheme {
	case "tls", "tcp":
		if u.Hostname() == "" || u.Port() == "" || u.Path != "" || u.User != nil {
			return nil, ErrTarget
		}
	case "unix":
		if u.Host != "" || u.Path == "" {
			return nil, ErrTarget
		}
	case "https", "http":
		if u.Hostname() == "" {
			return nil, ErrTarget
		}
	default:
		return nil, ErrTarget
	}
	return &Collector{target: u, host: token(host, 255), client: &http.Client{
		Timeout: Timeout, Transport: &http.Transport{DisableKeepAlives: true, TLSHandshakeTimeout: Timeout},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Scheme is how events go there.
func (c *Collector) Scheme() string { return c.target.Scheme }

// Name is the target without user and password.
func (c *Collector) Name() string {
	shown := *c.target
	shown.User = nil
	return shown.String()
}

// Send hands a batch over.
func (c *Collector) Send(ctx context.Context, batch []Message) error {
	if len(batch) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	switch c.target.Scheme {
	case "https", "http":
		return c.post(ctx, batch)
	case "unix":
		return c.unix(ctx, batch)
	}
	return c.stream(ctx, batch)
}

// post sends lines of JSON. Only an answer of 2xx from the address itself counts (N2).
func (c *Collector) post(ctx context.Context, batch []Message) error {
	var body bytes.Buffer
	for _, m := range batch {
		body.Write(bytes.TrimSpace(m.Body))
		body.WriteByte('\n')
	}
	address := *c.target
	address.User = nil
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address.String(), &body)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-ndjson")
	if u := c.target.User; u != nil {
		password, _ := u.Password()
		r.SetBasicAuth(u.Username(), password)
	}
	answer, err := c.client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10))
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fmt.Errorf("the collector answered %s", answer.Status)
	}
	return nil
}

// stream sends a batch over a connection of its own, each message behind its length (RFC 6587, 3.4.1). Syslog has no receipt: what was written may still wait in the
// kernel when the other side dies. So the end of the batch is told by closing our half, and only a peer that closes its own in order has read all of it.
func (c *Collector) stream(ctx context.Context, batch []Message) error {
	conn, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if end, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(end); err != nil {
			return err
		}
	}
	var out bytes.Buffer
	for _, m := range batch {
		line := c.line(m)
		fmt.Fprintf(&out, "%d ", len(line))
		out.Write(line)
	}
	if _, err := conn.Write(out.Bytes()); err != nil {
		return err
	}
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.New("the connection has no half to close")
	}
	if err := half.CloseWrite(); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, io.LimitReader(conn, 64<<10)); err != nil {
		return fmt.Errorf("the collector did not close the connection after the batch: %w", err)
	}
	return nil
}

func (c *Collector) dial(ctx context.Context) (net.Conn, error) {
	if c.target.Scheme == "tls" {
		return (&tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.target.Hostname()}}).DialContext(ctx, "tcp", c.target.Host)
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", c.target.Host)
}

// unix sends datagrams, as /dev/log takes them, to a server on this machine: what it accepts is in its hands.
func (c *Collector) unix(ctx context.Context, batch []Message) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unixgram", c.target.Path)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if end, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(end); err != nil {
			return err
		}
	}
	for _, m := range batch {
		if _, err := conn.Write(c.line(m)); err != nil {
			return err
		}
	}
	return nil
}

// Priorities: facility 13, log audit, with severity 6 for what was done and 4 for what was refused.
const (
	done    = 13*8 + 6
	refused = 13*8 + 4
)

// line is a message of RFC 5424. No field can hold what ends a line or begins another field (U6).
func (c *Collector) line(m Message) []byte {
	priority := done
	if m.Warn {
		priority = refused
	}
	head := fmt.Sprintf("<%d>1 %s %s gatehouse - %s - ", priority, m.At.UTC().Format("2006-01-02T15:04:05.000000Z"), c.host, token(m.ID, 32))
	return append([]byte(head), bytes.TrimSpace(m.Body)...)
}

// token is s as PRINTUSASCII of at most so many bytes; "-" for nothing.
func token(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
	if s == "" {
		return "-"
	}
	return s[:min(len(s), most)]
}
