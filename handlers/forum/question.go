package forum

import (
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/forum"
)

// reader is who reads a question, and what of it they may do.
type reader struct {
	actor.Actor
	signIn   string // where a visitor signs in, to come back
	question forum.Question
	kept     *views.Note // why the reader may not post at all
	others   bool        // somebody else than the reader wrote under the question
}

func (r reader) supports() bool {
	return r.SignedIn() && permission.Staff(r.StaffRole, permission.StaffQuestionsAnswer)
}

func (r reader) moderates() bool {
	return r.SignedIn() && permission.Staff(r.StaffRole, permission.StaffQuestionsModerate)
}

func (r reader) asks() bool { return r.SignedIn() && r.UserID == r.question.AskerID }

// writes reports whether the reader can add to the question.
func (r reader) writes() bool {
	return r.SignedIn() && r.kept == nil && r.question.MergedInto == nil && (r.question.LockedAt == nil || r.supports() || r.moderates())
}

// Question shows a question. Its old addresses lead to its own; that of a merged one to where it went.
func (h *Handler) Question(c echo.Context) error {
	id, err := web.PathID(c, "id", forum.Prefix)
	if err != nil {
		return err
	}
	ctx, a := web.Ctx(c), web.Actor(c)
	q, err := h.Store.Get(ctx, a, id)
	if err != nil {
		return err
	}
	slug, twin := strings.CutSuffix(c.Param("slug"), ".md")
	if path, moved, err := h.moved(c, q, slug); err != nil {
		return err
	} else if moved {
		if twin {
			path += ".md"
		} else if q.MergedInto != nil && web.Actor(c).SignedIn() && q.AskerID == web.Actor(c).UserID {
			return h.Warn(c, path, "Your question was merged into this one, which asks the same.")
		}
		return elsewhere(c, path)
	}
	thread, err := h.Store.Posts(ctx, a, q.Question, web.PageOf(c))
	if err != nil {
		return err
	}
	if web.WantsMarkdown(c) {
		return h.Markdown(c, h.twin(c, q, thread))
	}
	p, err := h.questionPage(c, q, thread)
	if err != nil {
		return err
	}
	return h.Render(c, views.QuestionPage(p))
}

// moved is where a question is, when it is not at this address any more.
func (h *Handler) moved(c echo.Context, q forum.Row, slug string) (string, bool, error) {
	if q.MergedInto != nil {
		path, err := h.Store.PathOf(web.Ctx(c), web.Actor(c), *q.MergedInto)
		return path, true, err
	}
	return q.Path(), slug != q.Slug, nil
}

func (h *Handler) questionPage(c echo.Context, q forum.Row, t forum.Thread) (views.Question, error) {
	r := reader{Actor: web.Actor(c), question: q.Question}
	p := views.Question{
		Frame: h.Frame(c, q.Title), Title: q.Title, Kind: kindOf(c, q.Kind), States: states(c, q.Question), Tags: tagLinks(q.Tags), Author: q.AskerName, Gone: q.AskerGone,
		Asked: h.moment(c, q.CreatedAt), Notes: questionNotes(c, q.Question), Pager: web.Pager(c, t.Previous, t.Next), Facts: questionFacts(c, q),
		Solve: r.asks() && q.AcceptedPostID == nil && q.Answers > 0, About: h.about(c, q),
	}
	var err error
	if r.kept, err = h.kept(c); err != nil {
		return p, err
	}
	if r.kept != nil {
		p.Notes = append(p.Notes, *r.kept)
	}
	p.Frame.Wide = true
	p.Frame.Canonical, p.Frame.Markdown = h.Link(q.Path()), q.Path()+".md"
	if q.Counted { // anybody may read it
		p.Feed = "/forum/q/" + q.ID.Show(forum.Prefix) + "/feed.atom"
		p.Frame.Feed = p.Feed
	}
	p.Frame.NoIndex = p.Frame.NoIndex || !q.Counted || q.Visibility != forum.Public || !q.Shown()
	if p.Frame.SignIn != nil {
		p.SignInHref = p.Frame.SignIn.Href
		if q.LockedAt == nil {
			r.signIn = p.SignInHref
		}
	}
	if permission.Staff(r.StaffRole, permission.StaffQuestionsRead) {
		p.DeskHref = "/support/questions/" + q.ID.Show(forum.Prefix)
	}
	r.others = othersWrote(q.Question, t)
	p.Post = h.post(c, r, t.Post)
	for _, a := range t.Answers {
		p.Answers = append(p.Answers, h.post(c, r, a))
	}
	if q.Answers > 0 {
		p.Count = web.T(c, "%d answers", int(q.Answers))
	}
	h.replyForm(c, r, &p)
	if err := h.shared(c, r, &p); err != nil {
		return p, err
	}
	return p, h.followers(c, r, &p)
}

// shared tells the asker what of theirs staff see beside the question, and how to end that.
func (h *Handler) shared(c echo.Context, r reader, p *views.Question) error {
	app, err := h.Store.SharedApp(web.Ctx(c), r.Actor, r.question)
	if err == nil && app != "" {
		p.Shared, p.StopSharing = app, &views.Act{Action: "/forum/q/" + r.question.ID.Show(forum.Prefix) + "/unshare", Label: web.T(c, "Stop sharing")}
	}
	return err
}

func (h *Handler) replyForm(c echo.Context, r reader, p *views.Question) {
	if r.writes() {
		p.Reply = &views.Reply{Action: "/forum/q/" + r.question.ID.Show(forum.Prefix) + "/answers", Body: bodyField(c, web.T(c, "Your answer"), "", "")}
		p.Reply.Body.Rows = 6
	}
	if r.question.LockedAt != nil {
		p.SignInHref = ""
	}
}

func (h *Handler) followers(c echo.Context, r reader, p *views.Question) error {
	f, err := h.Store.Following(web.Ctx(c), r.Actor, r.question.ID)
	if err != nil {
		return err
	}
	if f.Count > 0 {
		p.Facts = append(p.Facts, components.Fact{Term: web.T(c, "Follows"), Value: web.T(c, "%d people", int(f.Count))})
	}
	if !r.SignedIn() || r.kept != nil && !f.Mine {
		return nil
	}
	p.Follow = &views.Act{Action: "/forum/q/" + r.question.ID.Show(forum.Prefix) + "/follow", Label: web.T(c, "Follow"), Name: "on", Value: "1", About: web.T(c, "Follow this question by mail")}
	if f.Mine {
		p.Follow.Label, p.Follow.Value = web.T(c, "Stop following"), "0"
	}
	return nil
}

// about is what the question is about: its API, and the page on which it was asked.
func (h *Handler) about(c echo.Context, q forum.Row) []views.Link {
	var all []views.Link
	if q.APISlug != "" {
		all = append(all, views.Link{Label: q.APIName, Href: "/apis/" + q.APISlug})
	}
	if q.Source != "" && q.Source != "/apis/"+q.APISlug {
		all = append(all, views.Link{Label: h.pageTitle(c, q.Source), Href: q.Source})
	}
	return all
}

func questionFacts(c echo.Context, q forum.Row) []components.Fact {
	var facts []components.Fact
	add := func(term, value string) { facts = append(facts, components.Fact{Term: term, Value: value}) }
	if q.FirstReplyAt != nil {
		add(web.T(c, "First reply"), web.T(c, "By support in %s", took(c, q.FirstReplyAt.Sub(q.CreatedAt))))
	}
	if q.AcceptedAt != nil {
		add(web.T(c, "Solved"), text.Date(web.Ctx(c), *q.AcceptedAt))
	}
	return facts
}

// questionNotes say in words what keeps others from reading, and from answering.
func questionNotes(c echo.Context, q forum.Question) []views.Note {
	var notes []views.Note
	add := func(on bool, tone components.Tone, words, data string) {
		if on {
			notes = append(notes, views.Note{Tone: tone, Text: words, Data: data})
		}
	}
	add(q.State == forum.Pending, components.Warn, web.T(c, "This waits for approval. Until then only you and staff see it."), "")
	add(q.State == forum.Rejected, components.Bad, web.T(c, "This was not approved. Only you and staff see it."), "")
	add(q.HiddenAt != nil, components.Bad, web.T(c, "Support hid this. Only who asked and staff see it."), q.HiddenReason)
	add(q.ClosedAt != nil && q.LockedAt == nil, components.Info, web.T(c, "This question is closed. A word of who asked opens it again."), "")
	add(q.ClosedAt != nil && closedFor[q.ClosedReason] != "", components.Info, web.T(c, "Why it was closed: %s.", web.T(c, closedFor[q.ClosedReason])), "")
	add(q.LockedAt != nil, components.Info, web.T(c, "This question is locked. Nothing can be added to it."), "")
	add(q.Visibility == forum.Organization, components.Info, web.T(c, "Only members of the asker’s organization and staff see this."), "")
	return notes
}

// changeWaits is what the author of an edit is told that staff have to approve.
var changeWaits = text.N("Your change waits for approval. Until then everybody reads this as it was before.")

func postNotes(c echo.Context, r reader, p forum.Said) []views.Note {
	var notes []views.Note
	if change := (views.Link{Label: web.T(c, "See the change"), Href: postPath(p.Post, "history")}); p.PendingRevision == nil {
	} else if p.Mine {
		notes = append(notes, views.Note{Tone: components.Warn, Text: web.T(c, changeWaits), Link: change})
	} else if r.moderates() {
		notes = append(notes, views.Note{Tone: components.Warn, Text: web.T(c, "A change by its author waits for approval."), Link: change})
	}
	if p.Kind != forum.PostQuestion && p.State == forum.Pending {
		notes = append(notes, views.Note{Tone: components.Warn, Text: web.T(c, "This waits for approval. Until then only its author and staff see it.")})
	}
	if p.Kind != forum.PostQuestion && p.State == forum.Rejected {
		notes = append(notes, views.Note{Tone: components.Bad, Text: web.T(c, "This was not approved. Only its author and staff see it.")})
	}
	if p.HiddenAt != nil {
		notes = append(notes, views.Note{Tone: components.Bad, Text: web.T(c, "Support hid this. Only its author and staff see it."), Data: p.HiddenReason})
	}
	return notes
}

// post is a question or an answer as it is shown, with what the reader can do.
func (h *Handler) post(c echo.Context, r reader, s forum.Said) views.Post {
	p := views.Post{
		Anchor: anchor(s.Post), Author: s.AuthorName, Gone: s.AuthorGone, Staff: badge(c, s.Post), At: h.moment(c, s.CreatedAt), Body: stored(s.Post), Accepted: s.Accepted,
		Notes: postNotes(c, r, s), Votes: text.Number(web.Ctx(c), s.Votes), Voted: s.Voted, Links: h.postLinks(c, r, s), VoteHref: r.signIn,
		Headless: s.Kind == forum.PostQuestion,
	}
	if s.EditedAt != nil {
		at := h.moment(c, *s.EditedAt)
		p.Edited, p.History = &at, postPath(s.Post, "history")
	}
	for _, said := range s.Comments {
		p.Comments = append(p.Comments, h.comment(c, r, said))
	}
	if s.More > 0 {
		p.More = &views.Link{Label: web.T(c, "Show %d more comments", int(s.More)), Href: postPath(s.Post, "comments")}
	}
	if r.writes() && !s.Mine && s.Shown() && r.question.Shown() {
		p.Vote = &views.Act{Action: postPath(s.Post, "vote"), Label: web.T(c, "Vote up"), Value: "1"} // aria-pressed tells whether
		if s.Voted {
			p.Vote.Value = "0"
		}
	}
	if r.writes() {
		field := bodyField(c, web.T(c, "Comment"), "", "")
		field.ID, field.Rows = "f-comment-"+s.ID.Show(forum.PostPrefix), 3
		p.Comment = &views.Reply{Action: postPath(s.Post, "comments"), Body: field}
	}
	if s.Kind == forum.PostAnswer && s.Shown() && (r.asks() || r.supports()) {
		p.Acts = append(p.Acts, acceptAct(c, s))
	}
	return p
}

func acceptAct(c echo.Context, s forum.Said) views.Act {
	if s.Accepted {
		return views.Act{Action: postPath(s.Post, "unaccept"), Label: web.T(c, "Take acceptance back"), About: web.T(c, "This answer")}
	}
	return views.Act{Action: postPath(s.Post, "accept"), Label: web.T(c, "Accept"), About: web.T(c, "This answer")}
}

// postLinks lead to what the reader can do with a post on pages of its own.
func (h *Handler) postLinks(c echo.Context, r reader, s forum.Said) []views.Link {
	if !r.SignedIn() {
		return nil
	}
	var all []views.Link
	if (s.Mine && r.writes()) || r.moderates() {
		all = append(all, views.Link{Label: web.T(c, "Edit"), Href: postPath(s.Post, "edit")})
	}
	if s.Mine && !deletable(r, s) {
		return all
	}
	if s.Mine {
		return append(all, views.Link{Label: web.T(c, "Delete"), Href: postPath(s.Post, "delete")})
	}
	return append(all, views.Link{Label: web.T(c, "Flag"), Href: postPath(s.Post, "flag")})
}

// deletable reports, by what the page shows, whether a post of the reader's can be deleted; its page of confirmation asks the store.
func deletable(r reader, s forum.Said) bool {
	switch {
	case !r.writes():
		return false
	case s.Kind == forum.PostQuestion:
		return !r.others
	case s.Kind == forum.PostAnswer:
		return !s.Accepted && s.More == 0 && !slices.ContainsFunc(s.Comments, notMine)
	}
	return true
}

func notMine(s forum.Said) bool { return !s.Mine }

func othersWrote(q forum.Question, t forum.Thread) bool {
	if int(q.Answers) > len(t.Answers) || t.Post.More > 0 || slices.ContainsFunc(t.Post.Comments, notMine) || slices.ContainsFunc(t.Answers, notMine) {
		return true
	}
	return slices.ContainsFunc(t.Answers, func(a forum.Said) bool { return a.More > 0 || slices.ContainsFunc(a.Comments, notMine) })
}

func (h *Handler) comment(c echo.Context, r reader, s forum.Said) views.Comment {
	return views.Comment{
		Anchor: anchor(s.Post), Author: s.AuthorName, Gone: s.AuthorGone, Staff: badge(c, s.Post), At: h.moment(c, s.CreatedAt), Edited: s.EditedAt != nil, Body: stored(s.Post),
		Notes: postNotes(c, r, s), Links: h.postLinks(c, r, s),
	}
}

// Comments shows all comments under one post.
func (h *Handler) Comments(c echo.Context) error {
	id, err := web.PathID(c, "id", forum.PostPrefix)
	if err != nil {
		return err
	}
	q, parent, err := h.Store.PostFor(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return err
	}
	list, err := h.Store.Comments(web.Ctx(c), web.Actor(c), q.Question, parent.Post, web.PageOf(c))
	if err != nil {
		return err
	}
	r := reader{Actor: web.Actor(c), question: q.Question}
	p := views.Comments{Frame: h.Frame(c, web.T(c, "Comments")), Title: web.T(c, "Comments"), About: views.Link{Label: q.Title, Href: anchored(q.Question, parent.Post)}, Pager: web.Pager(c, list.Previous, list.Next)}
	p.Frame.NoIndex = true
	for _, s := range list.Rows {
		p.Comments = append(p.Comments, h.comment(c, r, s))
	}
	if r.writes() {
		p.Comment = &views.Reply{Action: postPath(parent.Post, "comments"), Body: bodyField(c, web.T(c, "Comment"), "", "")}
	}
	return h.Render(c, views.CommentsPage(p))
}
