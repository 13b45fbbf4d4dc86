package handlers

import (
	"context"
	netmail "net/mail"
	"strings"

	"github.com/gatehouse-dev/gatehouse/handlers/account"
	"github.com/gatehouse-dev/gatehouse/internal/smtp"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/setting"
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
		subject, plain, html, err := account.ComposeMail(ctx, portal.Name, l)
		if err != nil {
			return true, err
		}
		m := smtp.Message{ID: id, To: netmail.Address{Address: l.To}, Date: o.DB.Now(), Subject: subject, Text: plain, HTML: html}
		err = out.Send(ctx, threaded(m, l.Thread))
		return smtp.Permanent(err), err
	}
	return outbox.NewSender(o.DB, s.Outbox, o.Replica, transport), nil
}

// threaded adds to a message where it belongs and how it is ended. A portal without https, which is one on this machine, has no address that a mail program
// could call; the letter's own link is there all the same.
func threaded(m smtp.Message, t *outbox.Thread) smtp.Message {
	if t == nil {
		return m
	}
	m.ID, m.Root, m.List = t.ID, t.Root, t.List
	if strings.HasPrefix(t.Unsubscribe, "https://") {
		m.Unsubscribe, m.OneClick = t.Unsubscribe, true
	}
	return m
}
