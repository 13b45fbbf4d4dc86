package keyring

import (
	"net/url"
	"strings"
)

// MethodOverridden reports whether the query of a target asks the service for another method than the one that is judged. Rails, Laravel, Symfony, and
// others with a common extension take _method for the method, and a key that may only read must not write by it (K5). PHP reads a dot, a space and a
// bracket as the underscore.
func MethodOverridden(method, target string) bool {
	_, query, found := strings.Cut(target, "?")
	for found {
		var pair string
		if i := strings.IndexAny(query, "&;?"); i >= 0 {
			pair, query = query[:i], query[i+1:]
		} else {
			pair, found = query, false
		}
		if name, value, _ := strings.Cut(pair, "="); len(name) >= len("_method") && isMethodParameter(name) {
			if text, err := url.QueryUnescape(value); err != nil || !strings.EqualFold(strings.TrimSpace(text), method) {
				return true
			}
		}
	}
	return false
}

var underscores = strings.NewReplacer(".", "_", " ", "_", "[", "_")

func isMethodParameter(name string) bool {
	text, err := url.QueryUnescape(name)
	if err != nil {
		return false
	}
	text, _, _ = strings.Cut(text, "\x00")
	return strings.EqualFold(strings.TrimSuffix(underscores.Replace(strings.TrimLeft(text, " ")), "]"), "_method")
}
