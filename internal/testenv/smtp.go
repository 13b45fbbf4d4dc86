package testenv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
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

	mutex   sync.Mutex
	mails   []Mail
	arrived chan struct{}
	refusal *smtp.SMTPError
}

const smtpUser, smtpPassword = "gatehouse", "sink"

// SMTP starts a server that stops when the test ends.
func SMTP(t testing.TB) *Inbox {
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
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-served; err != nil && !errors.Is(err, smtp.ErrServerClosed) {
			t.Errorf("SMTP server: %v", err)
		}
	})
	return inbox
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
