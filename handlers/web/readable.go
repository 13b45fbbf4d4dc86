package web

import (
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
)

// readable refuses an address that is no text: with a NUL, which no database keeps, or bytes that are not UTF-8. It does so for every page, so that no
// store has to (Z6). Faults: NotFound for the path, Invalid for the query.
func readable(c echo.Context) error {
	if !isText(c.Request().URL.Path) {
		return fault.Missing()
	}
	if c.Request().URL.RawQuery != "" && !areTexts(c.QueryParams()) {
		return notText()
	}
	return nil
}

func notText() error {
	return fault.New(fault.Invalid, "This holds characters that can’t be shown.")
}

func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

func areTexts(values map[string][]string) bool {
	for name, all := range values {
		if !isText(name) {
			return false
		}
		for _, v := range all {
			if !isText(v) {
				return false
			}
		}
	}
	return true
}
