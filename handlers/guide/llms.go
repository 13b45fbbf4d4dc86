package guide

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/content"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Llms lists what there is as Markdown for programs that read (llmstxt.org): guides, tutorials, and the newest solved questions that anybody may read.
func (h *Handler) Llms(c echo.Context) error {
	var b strings.Builder
	b.WriteString("# " + oneLine(web.Portal(c).Name) + "\n\n> " + text.T(web.Ctx(c), "Guides, tutorials and solved questions about the APIs of this portal, as Markdown.") + "\n")
	pages, language := h.Guides.Pages(), text.Of(web.Ctx(c)).Language
	for _, kind := range []struct{ kind, title string }{{content.Guide, web.T(c, "Guides")}, {content.Tutorial, web.T(c, "Tutorials")}} {
		all := pages.List(kind.kind, language)
		if len(all) > 0 {
			b.WriteString("\n## " + kind.title + "\n\n")
		}
		for _, p := range all {
			b.WriteString("- [" + inLink(p.Title) + "](" + h.Link(p.Path()) + ".md): " + oneLine(p.Summary) + "\n")
		}
	}
	solved, err := h.Forum.SolvedPublic(web.Ctx(c), db.PageRequest{Size: db.MaxPage})
	if err != nil {
		return err
	}
	if len(solved.Rows) > 0 {
		b.WriteString("\n## " + web.T(c, "Solved questions") + "\n\n")
	}
	for _, q := range solved.Rows {
		b.WriteString("- [" + inLink(q.Title) + "](" + h.Link(q.Path()) + ".md)\n")
	}
	header := c.Response().Header()
	header.Set("Cache-Control", "public, max-age=60")
	header.Add(echo.HeaderVary, "Accept-Language")
	header.Add(echo.HeaderVary, echo.HeaderCookie)
	return c.Blob(http.StatusOK, "text/plain; charset=utf-8", []byte(b.String()))
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// inLink is a title that can stand between the brackets of a link: people write titles.
func inLink(s string) string {
	return strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, "<", `\<`, "`", "\\`").Replace(oneLine(s))
}
