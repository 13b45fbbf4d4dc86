package follow

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/follow"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/forum/follow"
)

// maxToken bounds what is looked at of a token.
const maxToken = 400

// private keeps a page with a token in its address out of caches, indexes and referrers.
func private(c echo.Context, page *views.Token) {
	web.NoReferrer(c)
	page.Frame.NoIndex = true
	page.Frame.Canonical = ""
}

// ConfirmUnsubscribe shows what the link ends, with one button. Opening it changes nothing: mail programs open links by themselves.
func (h *Handler) ConfirmUnsubscribe(c echo.Context) error {
	token := c.QueryParam("token")
	if len(token) > maxToken {
		return fault.Missing()
	}
	s, err := h.Store.Subscription(web.Ctx(c), token)
	if err != nil {
		return err
	}
	page := views.Token{Frame: h.Frame(c, web.T(c, "Stop mails")), Title: web.T(c, "Stop mails"), Name: s.Name, Text: web.T(c, subscribed(s.Kind))}
	hidden := []components.Hidden{{Name: "token", Value: token}, {Name: "end", Value: "1"}}
	button := views.Button{Action: "/unsubscribe", Hidden: hidden, Label: web.T(c, "Stop mails"), Kind: components.Primary}
	if !s.On {
		page.Title, page.Text = web.T(c, "No more mails"), web.T(c, "You get no more mails about this.")
		button.Hidden[1].Name, button.Label, button.Kind = "again", web.T(c, "Send mails again"), components.Plain
	}
	page.Buttons = []views.Button{button}
	page.After = web.T(c, "All that you follow is listed under “Account”, when you are signed in.")
	private(c, &page)
	return h.Render(c, views.TokenPage(page))
}

func subscribed(k follow.Kind) string {
	switch k {
	case follow.Question:
		return text.N("You get a mail when something is written under this question.")
	case follow.Tag:
		return text.N("You get a mail about each new question with this tag.")
	case follow.API:
		return text.N("You get a mail about each new question about this API.")
	}
	return text.N("You get a mail about each new question, as you chose.")
}

// Unsubscribe ends what the token stands for. It is a route for programs: no cookie counts, and the token is the proof. A mail program posts
// List-Unsubscribe=One-Click to the address of the header, with the token in the query, and wants no redirect (RFC 8058, section 3.1); the page's form
// posts the token in the body and is led back to the page, which then says how it is.
func (h *Handler) Unsubscribe(c echo.Context) error {
	r := c.Request()
	if err := r.ParseMultipartForm(web.AuthBody); err != nil && err != http.ErrNotMultipart { //nolint:errorlint // net/http compares it so
		return fault.Wrap(err, fault.Invalid, "Go back and change what you entered.")
	}
	form := r.PostForm
	if r.MultipartForm != nil && len(form) == 0 {
		form = r.MultipartForm.Value
	}
	token := form.Get("token")
	oneClick := token == "" && form.Get("List-Unsubscribe") == "One-Click"
	if oneClick {
		token = r.URL.Query().Get("token")
	}
	if len(token) > maxToken {
		return fault.Missing()
	}
	act := h.Store.Unsubscribe
	if form.Get("again") != "" {
		act = h.Store.Resubscribe
	}
	if err := act(web.Ctx(c), from(c), token); err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	if oneClick {
		return c.String(http.StatusOK, "Unsubscribed.\n")
	}
	return c.Redirect(http.StatusSeeOther, "/unsubscribe?token="+url.QueryEscape(token))
}

// AskSolved asks whether an answer solved the question. Opening it changes nothing.
func (h *Handler) AskSolved(c echo.Context) error {
	return h.solvedPage(c, c.QueryParam("token"), "", nil)
}

func (h *Handler) solvedPage(c echo.Context, token, words string, failed error) error {
	if len(token) > maxToken {
		return fault.Missing()
	}
	s, err := h.Store.Solving(web.Ctx(c), from(c), token)
	if err != nil {
		return err
	}
	problems, wrong, _ := web.Problems(c, failed)
	page := views.Token{Frame: h.Frame(c, web.T(c, "Did this solve it?")), Title: web.T(c, "Did this solve it?"), Name: s.Title, Href: s.Path}
	hidden := func(verdict string) []components.Hidden {
		return []components.Hidden{{Name: "token", Value: token}, {Name: "solved", Value: verdict}}
	}
	switch {
	case s.Accepted:
		page.Text = web.T(c, "You said that it is solved.")
	case !s.Solved.IsZero():
		page.Text = web.T(c, "The question is solved: another answer is the accepted one.")
	case s.Replied && s.Waits:
		page.Text = web.T(c, "The question is open, and support knows that you still need help.")
	}
	if !s.Accepted {
		page.Buttons = []views.Button{{Action: "/solved", Hidden: hidden("yes"), Label: web.T(c, "Yes, it is solved"), Kind: components.Primary}}
	}
	field := components.Field{Name: "words", Label: web.T(c, "What is still missing?"), Value: words, Error: wrong["body"], Rows: 3, MaxLength: 2000, Optional: true, Hint: web.T(c, "It stands as your comment under the answer.")}
	for _, p := range problems {
		if field.Error == "" {
			field.Error = p.Message
		}
	}
	no := views.Button{Action: "/solved", Hidden: hidden("no"), Label: web.T(c, "No, I still need help"), Words: &field}
	if s.Replied { // the link speaks for its holder once
		no.Words, page.After = nil, web.T(c, "You wrote here since this mail was sent. Sign in to say more.")
	}
	if !s.Replied || !s.Solved.IsZero() {
		page.Buttons = append(page.Buttons, no)
	}
	private(c, &page)
	if failed != nil {
		return h.RenderProblems(c, views.TokenPage(page))
	}
	return h.Render(c, views.TokenPage(page))
}

// Solved takes the asker's word: yes accepts the answer; no takes back whichever is accepted and says so under the answer, so that the question waits on support again.
func (h *Handler) Solved(c echo.Context) error {
	var f struct {
		Token  string `form:"token"`
		Solved string `form:"solved"`
		Words  string `form:"words"`
	}
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	if len(f.Token) > maxToken {
		return fault.Missing()
	}
	s, err := h.Store.Solving(web.Ctx(c), from(c), f.Token)
	if err != nil {
		return err
	}
	switch f.Solved {
	case "yes":
		_, err = h.Forum.Accept(web.Ctx(c), s.Asker, s.PostID)
	case "no":
		err = h.unsolved(c, s, f.Words)
	default:
		err = fault.New(fault.Invalid, "Choose yes or no.")
	}
	if _, _, ok := web.Problems(c, err); ok {
		return h.solvedPage(c, f.Token, apikey.Mask(f.Words), err)
	}
	if err != nil {
		return err
	}
	words := text.N("Good to know. The question is marked as solved.")
	if f.Solved == "no" {
		words = text.N("Support knows that you still need help.")
	}
	return h.Done(c, "/solved?token="+url.QueryEscape(f.Token), words)
}

func (h *Handler) unsolved(c echo.Context, s follow.Solving, words string) error {
	words = strings.TrimSpace(words)
	switch {
	case s.Replied && words != "":
		return fault.New(fault.Conflict, "You wrote here since this mail was sent. Sign in to say more.")
	case !s.Replied:
		if words == "" {
			words = web.T(c, "This did not solve it yet.")
		}
		if _, err := h.Forum.Comment(web.Ctx(c), s.Asker, forum.Reply{Body: words, Parent: s.PostID, Version: s.Version}); err != nil {
			return err
		}
	}
	if s.Solved.IsZero() {
		return nil
	}
	_, err := h.Forum.Unaccept(web.Ctx(c), s.Asker, s.Solved) // also another answer's: what is not solved is not shown as solved anywhere
	return err
}
