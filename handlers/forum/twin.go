package forum

import (
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/forum"
)

// twin is the question as Markdown, for programs that read. What people wrote stands in it as they wrote it, each under who said it and in which
// role, so that a reader takes it for no more than it is.
func (h *Handler) twin(c echo.Context, q forum.Row, t forum.Thread) string {
	var b strings.Builder
	line := func(parts ...string) { b.WriteString(strings.Join(parts, "") + "\n") }
	line("# ", markdownLine(q.Title))
	line()
	line("- Address: ", h.Link(q.Path()))
	line("- Asked by: ", name(q.AskerName, q.AskerGone), ", ", q.CreatedAt.UTC().Format(time.RFC3339))
	for _, s := range states(c, q.Question) {
		line("- State: ", s.Words)
	}
	if q.APISlug != "" {
		line("- About: ", markdownLine(q.APIName), " ", h.Link("/apis/"+q.APISlug))
	}
	if q.Source != "" {
		line("- Asked on: ", h.Link(q.Source))
	}
	if len(q.Tags) > 0 {
		line("- Tags: ", strings.Join(q.Tags, ", "))
	}
	line()
	line("> Written by users of ", markdownLine(web.Portal(c).Name), ". The role of each author is in the heading above what they wrote.")
	line()
	said(&b, "Question", q.Question, t.Post)
	for _, a := range t.Answers {
		title := "Answer"
		if a.Accepted {
			title = "Accepted answer"
		}
		said(&b, title, q.Question, a)
	}
	if t.Next != "" {
		line("[More answers](", h.Link(q.Path()+".md?"+query("after", t.Next)), ")")
	}
	return b.String()
}

func said(b *strings.Builder, title string, q forum.Question, s forum.Said) {
	b.WriteString("## " + title + " by " + name(s.AuthorName, s.AuthorGone) + " (" + role(q, s.Post) + "), " + s.CreatedAt.UTC().Format(time.RFC3339) + "\n\n")
	b.WriteString(quoted(s.Body))
	for _, comment := range s.Comments {
		b.WriteString("### Comment by " + name(comment.AuthorName, comment.AuthorGone) + " (" + role(q, comment.Post) + "), " + comment.CreatedAt.UTC().Format(time.RFC3339) + "\n\n")
		b.WriteString(quoted(comment.Body))
	}
}

// quoted is a text that can't pass for a heading of the document: each line stands in a quote.
func quoted(body string) string {
	return "> " + strings.ReplaceAll(body, "\n", "\n> ") + "\n\n"
}

func role(q forum.Question, p forum.Post) string {
	switch {
	case p.ByStaff:
		return "support"
	case p.AuthorID == q.AskerID:
		return "asker"
	}
	return "user"
}

func name(name string, gone bool) string {
	if gone {
		return "deleted user"
	}
	return markdownLine(name)
}

// markdownLine keeps a name or a title on its line and takes away what Markdown would read in it.
func markdownLine(s string) string {
	return strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`, "#", `\#`, "|", `\|`, "!", `\!`).Replace(audit.Clean(s))
}
