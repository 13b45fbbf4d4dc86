package web

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
)

// WantsMarkdown reports whether the page's Markdown twin is asked for: by ".md" at the end of the address, or by an Accept header that likes
// text/markdown better than text/html. Where the header decided, the answer says so in Vary, whichever it is.
func WantsMarkdown(c echo.Context) bool {
	if strings.HasSuffix(c.Request().URL.Path, ".md") {
		return true
	}
	c.Response().Header().Add(echo.HeaderVary, echo.HeaderAccept)
	return prefersMarkdown(strings.Join(c.Request().Header.Values(echo.HeaderAccept), ","))
}

// prefersMarkdown reads Accept (RFC 9110, 12.5.1). Only a header that names text/markdown asks for it: */* is a browser's or curl's.
func prefersMarkdown(accept string) bool {
	markdown, html := 0.0, 0.0
	for part := range strings.SplitSeq(accept, ",") {
		kind, params, _ := strings.Cut(part, ";")
		q := 1.0
		for param := range strings.SplitSeq(params, ";") {
			if name, value, ok := strings.Cut(strings.TrimSpace(param), "="); ok && strings.EqualFold(name, "q") {
				if n, err := strconv.ParseFloat(value, 64); err == nil {
					q = n
				}
			}
		}
		switch strings.ToLower(strings.TrimSpace(kind)) {
		case "text/markdown":
			markdown = q
		case "text/html", "application/xhtml+xml":
			html = max(html, q)
		}
	}
	return markdown > 0 && markdown >= html
}

// Markdown answers with a Markdown text. It loads nothing and runs nowhere: a browser shows it as text.
func (k *Kit) Markdown(c echo.Context, body string) error {
	c.Response().Header().Set("X-Robots-Tag", "noindex")
	return c.Blob(http.StatusOK, "text/markdown; charset=utf-8", []byte(body))
}
