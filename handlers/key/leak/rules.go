package leak

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/apikey"
)

// Rules is a rule file for gitleaks. A regular expression can't compute the checksum: what it finds and the portal refuses was no key.
func (h *Handler) Rules(c echo.Context) error {
	name := web.Portal(c).Name
	lines := []string{
		`# Finds API keys of this portal: ` + h.Link("/"),
		`# An expression can't compute the checksum at the end of a key: about what it finds, ` + h.Link(foundPath) + ` can.`,
		`title = ` + quoted("API keys of "+name),
		``,
		`[extend]`,
		`useDefault = true # gitleaks' own rules hold as well`,
		``,
		`[[rules]]`,
		`id = ` + quoted(h.Brand+"-api-key"),
		`description = ` + quoted("API key of "+name),
		`regex = '''` + apikey.Pattern(h.Brand) + `'''`,
		`keywords = [` + quoted(h.Brand+"_live_") + `, ` + quoted(h.Brand+"_test_") + `]`,
		`tags = ["key", "api"]`,
		``,
	}
	return h.file(c, "gitleaks.toml", "application/toml; charset=utf-8", lines)
}

// gitleaksVersion is the release that the example names; its rule file was tried with it.
const gitleaksVersion = "v8.30.1"

// Hook is an example of a configuration of pre-commit, which keeps keys from being committed.
func (h *Handler) Hook(c echo.Context) error {
	lines := []string{
		`# Keeps API keys of this portal out of commits. Save it as .pre-commit-config.yaml, and the rules beside it:`,
		`#   curl -fsS ` + h.Link(rulesPath) + ` -o .gitleaks.toml`,
		`#   pre-commit install`,
		`repos:`,
		`  - repo: https://github.com/gitleaks/gitleaks`,
		`    rev: ` + gitleaksVersion,
		`    hooks:`,
		`      - id: gitleaks # reads .gitleaks.toml by itself`,
		``,
	}
	return h.file(c, "pre-commit.yaml", "application/yaml; charset=utf-8", lines)
}

func (h *Handler) file(c echo.Context, name, kind string, lines []string) error {
	header := c.Response().Header()
	header.Set("Content-Disposition", `inline; filename="`+name+`"`)
	header.Set("Cache-Control", "public, max-age=300")
	return c.Blob(http.StatusOK, kind, []byte(strings.Join(lines, "\n")))
}

// quoted is a string of TOML, whose basic strings take the escapes of JSON.
func quoted(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(s) != nil { // a string always can be
		return `""`
	}
	return strings.TrimSpace(b.String())
}
