package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// A Sender hands messages to one server, as one sender. It may be used from any goroutine.
type Sender struct {
	server Server
	from   mail.Address
	dial   func(ctx context.Context, network, address string) (net.Conn, error) // nil: the network
}

// New makes a sender; it connects only when it sends.
func New(server Server, from mail.Address) *Sender {
	return &Sender{server: server, from: from}
}

// An Error says why a message was not handed over, and whether it is any use to try again.
type Error struct {
	// Permanent is true when the same message will never be taken: its recipient does not exist, or it can't be written as
	// a mail. All else may pass: a server that is away, that is busy, or that no longer takes our password.
	Permanent bool
	Code      int // the server's status, such as 550; 0 when it gave none
	cause     error
}

func (e *Error) Error() string {
	kind := "for now"
	if e.Permanent {
		kind = "for good"
	}
	return fmt.Sprintf("mail was not sent (%s): %s", kind, oneLine(e.cause.Error()))
}

func (e *Error) Unwrap() error { return e.cause }

// Permanent says whether err is an Error that trying again won't mend.
func Permanent(err error) bool {
	var failure *Error
	return errors.As(err, &failure) && failure.Permanent
}

const patience = time.Minute

// Send hands the message to the server. When it returns nil the server has it; the server then answers for its delivery.
// Every error is an *Error.
func (s *Sender) Send(ctx context.Context, m Message) error {
	message, err := m.compose(s.from)
	if err != nil {
		return &Error{Permanent: true, cause: err}
	}
	client, err := s.client()
	if err != nil {
		return &Error{cause: err}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = client.DialAndSendWithContext(ctx, message)
	if err == nil || message.IsDelivered() {
		// What fails after the server took the message, such as saying goodbye, must not make us send it twice.
		return nil
	}
	return failure(err)
}

// failure judges by the status (RFC 5321, section 4.2.1): 5xx is for good. Those about signing in are not about the
// message, and without a status nobody has judged it at all.
func failure(err error) *Error {
	var sending *gomail.SendError
	if !errors.As(err, &sending) {
		return &Error{cause: err}
	}
	code := sending.ErrorCode()
	switch code {
	case 530, 534, 535, 538:
		return &Error{Code: code, cause: err}
	}
	return &Error{Permanent: code >= 500 && code < 600, Code: code, cause: err}
}

func (s *Sender) tls() *tls.Config {
	return &tls.Config{ServerName: s.server.Host, RootCAs: s.server.Roots, MinVersion: tls.VersionTLS12}
}

func (s *Sender) client() (*gomail.Client, error) {
	options := []gomail.Option{
		gomail.WithPort(s.server.Port), gomail.WithTimeout(patience), gomail.WithHELO(domain(s.from.Address)),
		gomail.WithTLSConfig(s.tls()),
		gomail.WithoutNoop(),
	}
	switch {
	case s.server.implicitTLS:
		options = append(options, gomail.WithSSL())
	case s.server.local():
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if s.server.user != "" {
		options = append(options, gomail.WithUsername(s.server.user), gomail.WithPassword(s.server.password), s.signIn())
	}
	if s.dial != nil {
		options = append(options, gomail.WithDialContextFunc(s.dial))
	}
	return gomail.NewClient(s.server.Host, options...)
}

// signIn picks the best way that the server knows. Ways that send the password as it is are for encrypted connections
// and for this machine.
func (s *Sender) signIn() gomail.Option {
	if s.server.local() && !s.server.implicitTLS {
		return gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1, gomail.SMTPAuthPlainNoEnc, gomail.SMTPAuthLoginNoEnc, gomail.SMTPAuthCramMD5)
	}
	return gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256PLUS, gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1PLUS, gomail.SMTPAuthSCRAMSHA1,
		gomail.SMTPAuthPlain, gomail.SMTPAuthLogin, gomail.SMTPAuthCramMD5)
}
