package smtp_test

import (
	"context"
	"fmt"
	"net/mail"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/smtp"
	"github.com/gatehouse-dev/gatehouse/internal/testenv"
)

var from = mail.Address{Name: "Example Developers", Address: "developers@example.com"}

func parse(t *testing.T, text string) smtp.Server {
	t.Helper()
	server, err := smtp.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return server
}

func welcome() smtp.Message {
	return smtp.Message{
		ID: "0192f0c1-7b1c-7000-8000-000000000001", To: mail.Address{Name: "Ada Lovelace", Address: "ada@example.org"},
		Subject: "Verify your address", Text: "Hello Ada,\n\n→ your code is 123456.\n", HTML: "<p>Hello Ada</p>",
		Date: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), Unsubscribe: "https://developers.example.com/console/account",
	}
}

func TestMessageArrivesWhole(t *testing.T) {
	inbox := testenv.SMTP(t)
	sender := smtp.New(parse(t, inbox.URL), from)

	if err := sender.Send(t.Context(), welcome()); err != nil {
		t.Fatal(err)
	}
	got := inbox.Await(t, "ada@example.org")

	for header, want := range map[string]string{
		"From": `"Example Developers" <developers@example.com>`, "To": `"Ada Lovelace" <ada@example.org>`,
		"Subject": "Verify your address", "Date": "Sat, 21 Nov 2026 12:00:00 +0000", "Auto-Submitted": "auto-generated",
		"Message-Id":       "<0192f0c1-7b1c-7000-8000-000000000001@example.com>",
		"List-Unsubscribe": "<https://developers.example.com/console/account>", "User-Agent": "", "X-Mailer": "",
	} {
		if value := got.Header.Get(header); value != want {
			t.Errorf("%s: got %q, want %q", header, value, want)
		}
	}
	if got.From != "developers@example.com" {
		t.Errorf("envelope from %q", got.From)
	}
	if got.Text != welcome().Text || got.HTML != welcome().HTML {
		t.Errorf("text %q, html %q", got.Text, got.HTML)
	}
}

func TestMessageWithoutHTMLIsPlainText(t *testing.T) {
	inbox := testenv.SMTP(t)
	message := welcome()
	message.HTML = ""

	if err := smtp.New(parse(t, inbox.URL), from).Send(t.Context(), message); err != nil {
		t.Fatal(err)
	}

	if got := inbox.Await(t, "ada@example.org"); got.Text != message.Text || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("got %q as %q", got.Text, got.Header.Get("Content-Type"))
	}
}

// F4
func TestNoTextBecomesAHeader(t *testing.T) {
	for name, breaker := range map[string]string{
		"CRLF": "\r\n", "LF": "\n", "CR": "\r", "NUL": "\x00", "NEL": "\u0085", "line separator": "\u2028", "escape": "\x1b[2J", "right to left": "\u202e",
	} {
		t.Run(name, func(t *testing.T) {
			inbox := testenv.SMTP(t)
			message := welcome()
			message.Subject = "Hello" + breaker + "Bcc: eve@example.net"
			message.To.Name = "Ada" + breaker + "Bcc: eve@example.net"
			sender := smtp.New(parse(t, inbox.URL), mail.Address{Name: "Us" + breaker + "X-Evil: yes", Address: from.Address})

			if err := sender.Send(t.Context(), message); err != nil {
				t.Fatal(err)
			}
			got := inbox.Await(t, "ada@example.org")

			if len(got.To) != 1 || got.Header.Get("Bcc") != "" || got.Header.Get("X-Evil") != "" {
				t.Errorf("to %v, header %v", got.To, got.Header)
			}
			if strings.Contains(got.Subject, breaker) {
				t.Errorf("subject %q", got.Subject)
			}
		})
	}
}

// F4
func TestMessageThatCannotBeWrittenIsRefusedForGood(t *testing.T) {
	inbox := testenv.SMTP(t)
	sender := smtp.New(parse(t, inbox.URL), from)
	for name, spoil := range map[string]func(*smtp.Message){
		"recipient with a line end": func(m *smtp.Message) { m.To.Address = "ada@example.org\r\nRCPT TO:<eve@example.net>" },
		"no address":                func(m *smtp.Message) { m.To.Address = "nobody" },
		"two addresses":             func(m *smtp.Message) { m.To.Address = "a@example.org, b@example.org" },
		"id with a line end":        func(m *smtp.Message) { m.ID = "1\r\nX-Evil: yes" },
		"root with a line end":      func(m *smtp.Message) { m.Root = "1\r\nX-Evil: yes" },
		"list with a line end":      func(m *smtp.Message) { m.List = "1>\r\nX-Evil: yes" },
		"no id":                     func(m *smtp.Message) { m.ID = "" },
		"no text":                   func(m *smtp.Message) { m.Text = "" },
		"no date":                   func(m *smtp.Message) { m.Date = time.Time{} },
		"link with a line end":      func(m *smtp.Message) { m.Unsubscribe = "https://example.com/\r\nX-Evil: yes" },
		"link that runs a script":   func(m *smtp.Message) { m.Unsubscribe = "javascript:alert(1)" },
	} {
		message := welcome()
		spoil(&message)

		err := sender.Send(t.Context(), message)

		if !smtp.Permanent(err) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if mails := inbox.Mails(); len(mails) > 0 {
		t.Errorf("sent %v", mails)
	}
}

func TestServerDecidesWhetherToTryAgain(t *testing.T) {
	inbox := testenv.SMTP(t)
	sender := smtp.New(parse(t, inbox.URL), from)
	for code, permanent := range map[int]bool{421: false, 450: false, 452: false, 550: true, 554: true, 530: false, 535: false} {
		inbox.Refuse(code)

		err := sender.Send(t.Context(), welcome())

		if err == nil || smtp.Permanent(err) != permanent {
			t.Errorf("%d: got %v", code, err)
		}
	}
	inbox.Refuse(0)

	if err := sender.Send(t.Context(), welcome()); err != nil {
		t.Errorf("after the refusals: %v", err)
	}
}

func TestServerThatIsAwayIsTriedAgain(t *testing.T) {
	sender := smtp.New(parse(t, fmt.Sprintf("smtp://127.0.0.1:%d", testenv.FreePort(t))), from)

	err := sender.Send(t.Context(), welcome())

	if err == nil || smtp.Permanent(err) {
		t.Errorf("got %v", err)
	}
}

func TestWrongPasswordIsTriedAgain(t *testing.T) {
	inbox := testenv.SMTP(t)
	wrong := strings.Replace(inbox.URL, ":sink@", ":wrong-password@", 1)

	err := smtp.New(parse(t, wrong), from).Send(t.Context(), welcome())

	if err == nil || smtp.Permanent(err) {
		t.Errorf("got %v", err)
	}
	if err != nil && strings.Contains(err.Error(), "wrong-password") {
		t.Errorf("the error shows the password: %v", err)
	}
}

func TestSendEndsWithItsContext(t *testing.T) {
	inbox := testenv.SMTP(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()

	err := smtp.New(parse(t, inbox.URL), from).Send(ctx, welcome())

	if err == nil || smtp.Permanent(err) {
		t.Errorf("got %v", err)
	}
}

// distant is a server that is called example.com but runs here.
func distant(t *testing.T, inbox *testenv.Inbox, scheme string) *smtp.Sender {
	t.Helper()
	address, err := url.Parse(inbox.URL)
	if err != nil {
		t.Fatal(err)
	}
	server := parse(t, scheme+"://gatehouse:sink@example.com")
	server.Roots = inbox.Roots
	sender := smtp.New(server, from)
	sender.DialTo(address.Host)
	return sender
}

func TestDistantServerWithoutTLSGetsNeitherPasswordNorMail(t *testing.T) {
	inbox := testenv.SMTP(t)

	err := distant(t, inbox, "smtp").Send(t.Context(), welcome())

	if err == nil || smtp.Permanent(err) {
		t.Errorf("got %v", err)
	}
	if inbox.SignIns() > 0 || len(inbox.Mails()) > 0 {
		t.Error("something was sent unencrypted")
	}
}

func TestDistantServerIsSpokenToByTLS(t *testing.T) {
	for scheme, start := range map[string]func(testing.TB) *testenv.Inbox{"smtp": testenv.SMTPStartTLS, "smtps": testenv.SMTPTLS} {
		inbox := start(t)

		if err := distant(t, inbox, scheme).Send(t.Context(), welcome()); err != nil {
			t.Errorf("%s: %v", scheme, err)
			continue
		}

		inbox.Await(t, "ada@example.org")
	}
}

func TestServerWithAForeignCertificateGetsNothing(t *testing.T) {
	inbox := testenv.SMTPStartTLS(t)
	inbox.Roots = nil

	err := distant(t, inbox, "smtp").Send(t.Context(), welcome())

	if err == nil || smtp.Permanent(err) || inbox.SignIns() > 0 {
		t.Errorf("got %v after %d sign-ins", err, inbox.SignIns())
	}
}

func TestParseReadsTheAddress(t *testing.T) {
	for text, want := range map[string]string{
		"smtp://mail.example.com":                    "smtp://mail.example.com:587",
		"smtps://user:p%2Fw@mail.example.com":        "smtps://mail.example.com:465",
		"smtp://user:pw@127.0.0.1:2525":              "smtp://127.0.0.1:2525",
		"smtp://user%40example.com:pw@[2001:db8::1]": "smtp://[2001:db8::1]:587",
	} {
		server, err := smtp.Parse(text)

		if shown := fmt.Sprintf("%v", server); err != nil || shown != want {
			t.Errorf("%s: got %s, %v", text, shown, err)
		}
	}
}

func TestParseRefusesWithoutRepeatingThePassword(t *testing.T) {
	for _, text := range []string{
		"", "mail.example.com", "http://user:hunter2@mail.example.com", "smtp://", "smtp://:hunter2@mail.example.com", "smtp://user@mail.example.com",
		"smtp://user:hunter2@mail.example.com:0", "smtp://user:hunter2@mail.example.com:99999", "smtp://user:hunter2@mail.example.com/inbox",
		"smtp://user:hunter2/x@mail.example.com", "smtp://user:hunter2%zz@mail.example.com", "smtp://user:hunter2@mail.example.com?tls=no",
	} {
		_, err := smtp.Parse(text)

		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func TestServerShowsNoPassword(t *testing.T) {
	server := parse(t, "smtp://user:hunter2@mail.example.com")

	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if shown := fmt.Sprintf(verb, server); strings.Contains(shown, "hunter2") {
			t.Errorf("%s: %s", verb, shown)
		}
	}
	if shown := server.LogValue().String(); strings.Contains(shown, "hunter2") {
		t.Error(shown)
	}
}

func TestThreadedMailSaysWhereItBelongsAndHowItIsEnded(t *testing.T) {
	inbox := testenv.SMTP(t)
	message := welcome()
	message.ID, message.Root, message.List = "pst_1.usr_2", "qst_3.usr_2", "questions"
	message.Unsubscribe, message.OneClick = "https://developers.example.com/unsubscribe?token="+strings.Repeat("abcdefghij", 12), true

	if err := smtp.New(parse(t, inbox.URL), from).Send(t.Context(), message); err != nil {
		t.Fatal(err)
	}
	got := inbox.Await(t, "ada@example.org")

	for header, want := range map[string]string{
		"Message-Id": "<pst_1.usr_2@example.com>", "In-Reply-To": "<qst_3.usr_2@example.com>", "References": "<qst_3.usr_2@example.com>",
		"List-Id": "<questions.example.com>", "List-Unsubscribe": "<" + message.Unsubscribe + ">", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
		"Auto-Submitted": "auto-generated",
	} {
		if value := got.Header.Get(header); value != want {
			t.Errorf("%s: got %q, want %q", header, value, want)
		}
	}
}

func TestCheckSignsInAndHandsNothingOver(t *testing.T) {
	inbox := testenv.SMTP(t)
	wrong := strings.Replace(inbox.URL, ":sink@", ":wrong-password@", 1)

	right := smtp.New(parse(t, inbox.URL), from).Check(t.Context())
	refused := smtp.New(parse(t, wrong), from).Check(t.Context())
	away := smtp.New(parse(t, fmt.Sprintf("smtp://127.0.0.1:%d", testenv.FreePort(t))), from).Check(t.Context())

	if right != nil || refused == nil || away == nil || inbox.SignIns() != 2 || len(inbox.Mails()) != 0 {
		t.Errorf("%v, %v, %v, %d sign-ins, %d mails", right, refused, away, inbox.SignIns(), len(inbox.Mails()))
	}
	if refused != nil && strings.Contains(refused.Error(), "wrong-password") {
		t.Errorf("the error shows the password: %v", refused)
	}
}
