package follow

import (
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/markdown"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// excerpt is how many characters of a post a mail holds at most.
const excerpt = 500

// What mails say. Each first line takes the author's name.
var (
	askedSubject   = text.N("New question: %s")
	replySubject   = text.N("Re: %s")
	askedLine      = text.N("%s asks:")
	answeredLine   = text.N("%s answered:")
	supportLine    = text.N("%s of support answered:")
	commentedLine  = text.N("%s commented:")
	askedButton    = text.N("Open the question")
	answeredButton = text.N("Open the answer")
	commentButton  = text.N("Open the comment")
	solvedLink     = text.N("Did this solve it? Answer yes or no:")
	endLink        = text.N("Stop mails about this:")
	whyQuestion    = text.N("You get this mail because you follow the question.")
	whyTag         = text.N("You get this mail because you follow a tag of the question.")
	whyAPI         = text.N("You get this mail because you follow the API that the question is about.")
	whyStaff       = text.N("You get this mail because you chose to hear of each new question.")
)

func (s *Store) letter(p told, r recipient, now time.Time) outbox.Letter {
	l := outbox.Letter{
		Kind: "forum_" + p.Kind, To: r.Email, UserID: r.ID, Language: r.Language, TimeZone: r.TimeZone,
		Subject: outbox.L(replySubject, p.Title), Quote: markdown.PlainText(p.Body, excerpt),
		URL: s.link("/forum/q/" + p.QuestionID.Show("qst") + "/" + p.Slug), Thread: s.thread(p, r),
	}
	line, button := answeredLine, outbox.L(answeredButton)
	switch {
	case p.Kind == "question":
		l.Subject, line, button = outbox.L(askedSubject, p.Title), askedLine, outbox.L(askedButton)
	case p.Kind == "comment":
		line, button = commentedLine, outbox.L(commentButton)
	case p.ByStaff:
		line = supportLine
	}
	if p.Kind != "question" {
		l.URL += "#post_" + p.ID.Show("pst")
	}
	l.Lines, l.Button = []outbox.Line{outbox.L(line, Harmless(p.AuthorName))}, &button
	if p.Kind == "answer" && r.ID == p.AskerID && !p.Solved { // a question that is solved already is not asked about again
		l.Links = append(l.Links, outbox.Link{Label: outbox.L(solvedLink), URL: s.link("/solved?token=" + s.solvedToken(p, r, now))})
	}
	l.Links = append(l.Links, outbox.Link{Label: outbox.L(endLink), URL: l.Thread.Unsubscribe})
	l.After = []outbox.Line{outbox.L(r.why())}
	return l
}

func (r recipient) why() string {
	switch Kind(r.Kind) {
	case Question:
		return whyQuestion
	case Tag:
		return whyTag
	case API:
		return whyAPI
	}
	return whyStaff
}

// thread puts all mails about a question to one person together: the first of them stands for the question, whether it was ever sent or not.
func (s *Store) thread(p told, r recipient) *outbox.Thread {
	person := "." + r.ID.Show("user")
	root := p.QuestionID.Show("qst") + person
	t := &outbox.Thread{ID: p.ID.Show("pst") + person, Root: root, List: "questions", Unsubscribe: s.link("/unsubscribe?token=" + s.endToken(r))}
	if p.Kind == "question" {
		t.ID, t.Root = root, ""
	}
	return t
}

func (s *Store) endToken(r recipient) string {
	if r.FollowID == nil {
		return s.seal(claim{Kind: endQuestions, ID: r.ID, User: r.ID})
	}
	return s.seal(claim{Kind: endFollow, ID: db.Deref(r.FollowID), User: r.ID})
}

// Harmless keeps a mail program, and Markdown, from making a link of a name: what somebody is called must not be a place to go to.
func Harmless(name string) string {
	if name = text.Harmless(name); name != "" {
		return name
	}
	return "–"
}
