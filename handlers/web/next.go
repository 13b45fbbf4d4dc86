package web

import (
	"net/url"
	"path"
	"strings"
	"unicode"

	"github.com/labstack/echo/v4"
)

// SafeNext is next when it is a path of our own, else fallback (W4). A browser must not be able to read it as another host:
// no second slash or backslash, no control character, plain or percent-encoded.
func SafeNext(next, fallback string) string {
	if !ownPath(next) {
		return fallback
	}
	decoded, err := url.PathUnescape(next)
	if err != nil || !ownPath(decoded) {
		return fallback
	}
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return fallback
	}
	if holdsToken(u.Path) { // it would be written into queries, and stored until who signs up has verified their address (K1, K2)
		return fallback
	}
	return next
}

// holdsToken reports whether a path is the secret itself: whoever knows it opens what a key was handed over by.
func holdsToken(p string) bool { return strings.HasPrefix(path.Clean(p), "/handover/") }

func ownPath(s string) bool {
	if len(s) == 0 || len(s) > 2000 || s[0] != '/' || strings.HasPrefix(s, "//") {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r == '\\' || unicode.IsControl(r) || (unicode.IsSpace(r) && r != ' ') || r == '\u2215' || r == '\u2044' || r == '\uff0f' || unicode.Is(unicode.Cf, r)
	})
}

func queryEscape(s string) string { return url.QueryEscape(s) }

// refererPath is the path of the Referer when it is safe, else the console. It only says where to come back to.
func refererPath(c echo.Context) string {
	u, err := url.Parse(c.Request().Referer())
	if err != nil {
		return "/console"
	}
	return SafeNext(u.RequestURI(), "/console")
}
