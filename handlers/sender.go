package handlers

import (
	"context"
	netmail "net/mail"

	"github.com/gatehouse-dev/gatehouse/internal/smtp"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/setting"
	"github.com/gatehouse-dev/gatehouse/views/mail"
)

// newSender sends what the outbox holds to the SMTP server of the settings.
func newSender(o Options, s Stores) (*outbox.Sender, error) {
	server, err := smtp.Parse(o.Settings.SMTPURL.Reveal())
	if err != nil {
		return nil, err
	}
	out := smtp.New(server, o.Settings.MailFrom)
	transport := func(ctx context.Context, id string, l outbox.Letter) (bool, error) {
		portal, err := setting.PortalOf(ctx, o.DB)
		if err != nil {
			return false, err
		}
		subject, plain, html, err := mail.Compose(ctx, portal.Name, words(l))
		if err != nil {
			return true, err
		}
		err = out.Send(ctx, smtp.Message{ID: id, To: netmail.Address{Address: l.To}, Date: o.DB.Now(), Subject: subject, Text: plain, HTML: html})
		return smtp.Permanent(err), err
	}
	return outbox.NewSender(o.DB, s.Outbox, o.Replica, transport), nil
}

// words maps a letter for the view.
func words(l outbox.Letter) mail.Letter {
	out := mail.Letter{Language: l.Language, TimeZone: l.TimeZone, Subject: mail.Line(l.Subject), Code: l.Code, URL: l.URL, Lines: lines(l.Lines), After: lines(l.After)}
	if l.Button != nil {
		button := mail.Line(*l.Button)
		out.Button = &button
	}
	return out
}

func lines(in []outbox.Line) []mail.Line {
	out := make([]mail.Line, len(in))
	for i, l := range in {
		out[i] = mail.Line(l)
	}
	return out
}
