package account

import (
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	views "github.com/gatehouse-dev/gatehouse/views/account"
	"github.com/gatehouse-dev/gatehouse/views/components"
)

const prefixMail = "mail"

var mailStates = map[string]string{"waiting": text.N("Waiting"), "sent": text.N("Sent"), "failed": text.N("Not delivered")}

var mailTones = map[string]components.Tone{"waiting": components.Warn, "sent": components.OK, "failed": components.Bad}

// Mails lists what the portal wrote.
func (h *Handler) Mails(c echo.Context) error {
	f := outbox.Filter{State: c.QueryParam("state"), Recipient: c.QueryParam("to")}
	if mailStates[f.State] == "" {
		f.State = ""
	}
	found, err := h.Store.Mails(web.Ctx(c), web.Actor(c), f, web.PageOf(c))
	if err != nil {
		return err
	}
	p := views.Mails{Frame: h.Frame(c, web.T(c, "Mail")), MailByHand: h.MailByHand, State: f.State, To: f.Recipient, Tabs: mailTabs(c, f), Pager: web.Pager(c, found.Previous, found.Next), TestTo: web.User(c).Email}
	if p.LastError, err = h.Store.LastMailError(web.Ctx(c), web.Actor(c)); err != nil {
		return err
	}
	ids := make([]db.ID, len(found.Rows))
	for i, m := range found.Rows {
		ids[i] = m.ID
	}
	closed, err := h.Store.ClosedMails(web.Ctx(c), web.Actor(c), ids)
	if err != nil {
		return err
	}
	dead, err := h.Store.DeadMails(web.Ctx(c), web.Actor(c), found.Rows)
	if err != nil {
		return err
	}
	for _, m := range found.Rows {
		p.Rows = append(p.Rows, h.mailRow(c, m, closed[m.ID], dead[m.ID]))
	}
	return h.Render(c, views.MailsPage(p))
}

func mailTabs(c echo.Context, f outbox.Filter) []components.Tab {
	at := func(state string) string {
		q := url.Values{}
		for name, v := range map[string]string{"state": state, "to": f.Recipient} {
			if v != "" {
				q.Set(name, v)
			}
		}
		if len(q) == 0 {
			return "/admin/mail"
		}
		return "/admin/mail?" + q.Encode()
	}
	tabs := []components.Tab{{Label: web.T(c, "All"), Href: at(""), Current: f.State == ""}}
	for _, s := range []string{"waiting", "sent", "failed"} {
		tabs = append(tabs, components.Tab{Label: web.T(c, mailStates[s]), Href: at(s), Current: f.State == s})
	}
	return tabs
}

func (h *Handler) mailRow(c echo.Context, m outbox.Mail, closed, dead bool) views.Mail {
	opens := h.MailByHand && m.State == "waiting"
	row := views.Mail{
		ID: m.ID.Show(prefixMail), Subject: subjectOf(c, m.Subject), Recipient: m.Recipient, Tone: mailTones[m.State], State: web.T(c, mailStates[m.State]),
		Error: m.LastError, At: h.at(c, &m.CreatedAt), CanOpen: opens && !closed, Closed: opens && closed,
	}
	if dead {
		row.Tone, row.State = components.Off, web.T(c, "Its link does not work any more")
	}
	if m.Attempts > 1 {
		row.Attempts = web.T(c, "%d tries", m.Attempts)
	}
	return row
}

// SendTestMail writes to the admin's own address.
func (h *Handler) SendTestMail(c echo.Context) error {
	if err := h.Store.SendTestMail(web.Ctx(c), web.Actor(c)); err != nil {
		return err
	}
	return h.Done(c, "/admin/mail", text.N("A test mail to your address waits to be sent. Its state is in the list below."))
}

// OpenMail shows one waiting letter to an admin who hands it out. With a mail server nobody needs to read other people's mail.
func (h *Handler) OpenMail(c echo.Context) error {
	id, err := web.PathID(c, "mail", prefixMail)
	if err != nil {
		return err
	}
	if !h.MailByHand {
		return fault.New(fault.Conflict, "The mail server delivers this letter. It can’t be opened here.")
	}
	m, l, err := h.Store.OpenMail(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return err
	}
	dead, err := h.Store.DeadMails(web.Ctx(c), web.Actor(c), []outbox.Mail{m})
	if err != nil {
		return err
	}
	subject, plain, _, err := ComposeMail(web.Ctx(c), web.Portal(c).Name, l)
	if err != nil {
		return err
	}
	web.NoReferrer(c)
	p := views.MailLetter{Frame: h.Frame(c, subject), ID: m.ID.Show(prefixMail), Subject: subject, Recipient: m.Recipient, Text: plain, Code: l.Code, URL: l.URL, Acts: account.ActsFor(l), Dead: dead[m.ID]}
	if !p.Dead {
		p.Ends = h.ends(c, m, l)
	}
	return h.Render(c, views.MailPage(p))
}

// ends tells until when what the letter holds is of use: a code is short-lived, and most letters just tell something.
func (h *Handler) ends(c echo.Context, m outbox.Mail, l outbox.Letter) []components.Fact {
	if m.ExpiresAt == nil {
		return nil
	}
	if l.Code == "" {
		return []components.Fact{{Term: web.T(c, "Useless after"), Body: components.Time(h.at(c, m.ExpiresAt))}}
	}
	code := m.CreatedAt.Add(account.CodeAge)
	return []components.Fact{
		{Term: web.T(c, "Code useless after"), Body: components.Time(h.at(c, &code))},
		{Term: web.T(c, "Link useless after"), Body: components.Time(h.at(c, m.ExpiresAt))},
	}
}

// HandOutMail marks a letter as handed out and deletes its body.
func (h *Handler) HandOutMail(c echo.Context) error {
	id, err := web.PathID(c, "mail", prefixMail)
	if err != nil {
		return err
	}
	if err := h.Store.HandOutMail(web.Ctx(c), web.Actor(c), id); err != nil {
		return err
	}
	return h.Done(c, "/admin/mail", text.N("The letter is marked as handed out."))
}

// subjectOf is the subject of a letter that is not opened: what it names stays hidden.
func subjectOf(c echo.Context, key string) string {
	args := make([]any, strings.Count(key, "%"))
	for i := range args {
		args[i] = hidden{}
	}
	return web.T(c, key, args...)
}

// hidden stands for a name or a number alike.
type hidden struct{}

func (hidden) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "…") }
