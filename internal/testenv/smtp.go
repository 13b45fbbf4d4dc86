package testenv

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// An Inbox is a real SMTP server on loopback that keeps what it is given. All methods may be used from any goroutine.
type Inbox struct {
	// URL is for GATEHOUSE_SMTP_URL: without TLS, with the user and password that the server asks for.
	URL string

	// Roots believe the server's certificate, which is for example.com; nil when it speaks no TLS.
	Roots *x509.CertPool

	mutex   sync.Mutex
	signIns int
	mails   []Mail
	arrived chan struct{}
	refusal *smtp.SMTPError
}

const smtpUser, smtpPassword = "gatehouse", "sink"

// SMTP starts a server that speaks no TLS and stops when the test ends.
func SMTP(t testing.TB) *Inbox {
	t.Helper()
	return serveSMTP(t, nil, func(server *smtp.Server, l net.Listener) error { return server.Serve(l) })
}

// SMTPStartTLS is SMTP with STARTTLS, for the host example.com.
func SMTPStartTLS(t testing.TB) *Inbox {
	t.Helper()
	return serveSMTP(t, certificate(), func(server *smtp.Server, l net.Listener) error { return server.Serve(l) })
}

// SMTPTLS is SMTP with TLS from the first byte, for the host example.com.
func SMTPTLS(t testing.TB) *Inbox {
	t.Helper()
	return serveSMTP(t, certificate(), func(server *smtp.Server, l net.Listener) error {
		return server.Serve(tls.NewListener(l, server.TLSConfig))
	})
}

// certificate borrows the one that net/http/httptest carries for its own servers.
func certificate() *tls.Config {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	return &tls.Config{Certificates: server.TLS.Certificates, MinVersion: tls.VersionTLS12}
}

func serveSMTP(t testing.TB, secure *tls.Config, serve func(*smtp.Server, net.Listener) error) *Inbox {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("start an SMTP server: %v", err)
	}
	inbox := &Inbox{
		URL:     fmt.Sprintf("smtp://%s:%s@%s", smtpUser, smtpPassword, listener.Addr()),
		arrived: make(chan struct{}),
	}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &smtpSession{inbox: inbox}, nil }))
	server.Domain = "sink.test"
	server.AllowInsecureAuth = true
	server.MaxMessageBytes = 10 << 20
	server.ErrorLog = log.New(io.Discard, "", 0)
	if secure != nil {
		server.TLSConfig, inbox.Roots = secure, x509.NewCertPool()
		leaf, err := x509.ParseCertificate(secure.Certificates[0].Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		inbox.Roots.AddCert(leaf)
	}
	served := make(chan error, 1)
	go func() { served <- serve(server, listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		// A server that is closed before it began to serve would not know of its listener.
		_ = listener.Close()
		if err := <-served; err != nil && !errors.Is(err, smtp.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			t.Errorf("SMTP server: %v", err)
		}
	})
	return inbox
}

// SignIns counts how often somebody has shown the server a password, right or wrong.
func (i *Inbox) SignIns() int {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	return i.signIns
}

// Refuse makes the server answer every following recipient with this status, such as 450 (try later) or 550 (never); 0
// makes it accept again.
func (i *Inbox) Refuse(code int) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	i.refusal = nil
	if code != 0 {
		i.refusal = &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 0, 0}, Message: "refused by the test"}
	}
}

// Mails returns what has arrived so far, oldest first.
func (i *Inbox) Mails() []Mail {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	return append([]Mail(nil), i.mails...)
}

// Await waits until a mail is there that was sent to this address, and returns the newest one. The test fails after
// twenty seconds without one.
func (i *Inbox) Await(t testing.TB, to string) Mail {
	t.Helper()
	return i.AwaitMatch(t, "to "+to, func(m Mail) bool {
		for _, address := range m.To {
			if strings.EqualFold(address, to) {
				return true
			}
		}
		return false
	})
}

// AwaitMatch is Await for any mail that matches; what names it in the failure.
func (i *Inbox) AwaitMatch(t testing.TB, what string, match func(Mail) bool) Mail {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for {
		i.mutex.Lock()
		arrived, mails := i.arrived, i.mails
		i.mutex.Unlock()
		for n := len(mails) - 1; n >= 0; n-- {
			if match(mails[n]) {
				return mails[n]
			}
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			t.Fatalf("no mail %s has arrived, of %d", what, len(mails))
		}
	}
}

func (i *Inbox) keep(m Mail) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	i.mails = append(i.mails, m)
	close(i.arrived)
	i.arrived = make(chan struct{})
}

func (i *Inbox) refused() error {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	if i.refusal == nil {
		return nil
	}
	return i.refusal
}

type smtpSession struct {
	inbox    *Inbox
	signedIn bool
	mail     Mail
}

func (s *smtpSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *smtpSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		s.inbox.mutex.Lock()
		s.inbox.signIns++
		s.inbox.mutex.Unlock()
		if user != smtpUser || password != smtpPassword {
			return smtp.ErrAuthFailed
		}
		s.signedIn = true
		return nil
	}), nil
}

func (s *smtpSession) Mail(from string, _ *smtp.MailOptions) error {
	if !s.signedIn {
		return smtp.ErrAuthRequired
	}
	s.mail = Mail{From: from}
	return nil
}

func (s *smtpSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mail.To = append(s.mail.To, to)
	return s.inbox.refused()
}

func (s *smtpSession) Data(content io.Reader) error {
	raw, err := io.ReadAll(content)
	if err != nil {
		return err
	}
	if err := s.mail.read(raw); err != nil {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "unreadable mail: " + err.Error()}
	}
	s.inbox.keep(s.mail)
	return nil
}

func (s *smtpSession) Reset() { s.mail = Mail{} }

func (s *smtpSession) Logout() error { return nil }
