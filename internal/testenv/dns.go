package testenv

import (
	"net"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// DNS is a DNS server of one's own that answers questions for TXT records, over UDP.
type DNS struct {
	Addr string

	mu     sync.Mutex
	texts  map[string][]string
	silent bool
	asked  []string
}

// StartDNS starts a server that knows no record.
func StartDNS(t testing.TB) *DNS {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &DNS{Addr: conn.LocalAddr().String(), texts: map[string][]string{}}
	t.Cleanup(func() { _ = conn.Close() })
	go d.serve(conn)
	return d
}

// Set gives a name its TXT records; none: the name is not there.
func (d *DNS) Set(name string, texts ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.texts[strings.ToLower(name)+"."] = texts
}

// Fail makes the server answer each question with SERVFAIL, or ends that.
func (d *DNS) Fail(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.silent = on
}

// Asked are the names that were asked for so far.
func (d *DNS) Asked() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.asked...)
}

func (d *DNS) serve(conn net.PacketConn) {
	buf := make([]byte, 4096)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if answer, err := d.answer(buf[:n]); err == nil {
			_, _ = conn.WriteTo(answer, from)
		}
	}
}

func (d *DNS) answer(question []byte) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(question); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	m.Response, m.Authoritative, m.RCode = true, true, dnsmessage.RCodeNameError
	m.Additionals = nil
	for _, q := range m.Questions {
		d.asked = append(d.asked, q.Name.String())
		for _, text := range d.texts[strings.ToLower(q.Name.String())] {
			m.RCode = dnsmessage.RCodeSuccess
			m.Answers = append(m.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: dnsmessage.TypeTXT, Class: dnsmessage.ClassINET, TTL: 60}, Body: &dnsmessage.TXTResource{TXT: []string{text}},
			})
		}
	}
	if d.silent {
		m.RCode, m.Answers = dnsmessage.RCodeServerFailure, nil
	}
	return m.Pack()
}
