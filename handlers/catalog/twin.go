package catalog

import (
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
)

// twin is an API's page as Markdown.
func (h *Handler) twin(c echo.Context, d catalog.Detail) string {
	var b strings.Builder
	b.WriteString("# " + oneLine(d.Name) + "\n\n")
	if d.Summary != "" {
		b.WriteString("> " + oneLine(d.Summary) + "\n\n")
	}
	b.WriteString(h.Link("/apis/"+d.Slug) + "\n")
	if d.Description != "" {
		b.WriteString("\n" + strings.TrimSpace(d.Description) + "\n")
	}
	for i, e := range d.Environments {
		if i == 0 {
			b.WriteString("\n## " + web.T(c, "Where it is") + "\n\n")
		}
		b.WriteString("- " + web.T(c, environmentWords[e.Environment]) + ": " + e.BaseURL + "\n")
	}
	for i, s := range d.Scopes {
		if i == 0 {
			b.WriteString("\n## " + web.T(c, "Scopes") + "\n\n")
		}
		b.WriteString("- `" + s.Name + "`: " + oneLine(s.Sentence) + "\n")
	}
	for i, p := range offeredPresets(d) {
		if i == 0 {
			b.WriteString("\n## " + web.T(c, "Presets") + "\n\n")
		}
		b.WriteString("- " + oneLine(p.Name) + ": " + oneLine(p.Purpose) + " `" + strings.Join(catalog.ScopeNames(p.Offered()), "` `") + "`\n")
	}
	for i, p := range d.Plans {
		if i == 0 {
			b.WriteString("\n## " + web.T(c, "Plans") + "\n\n")
		}
		b.WriteString("- " + oneLine(p.Name) + ": " + limits(c, p) + "\n")
	}
	return b.String()
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
