package guard

import (
	"errors"
	"io"
	"net/http"
	"strings"
)

// foreign reports whether next must not see a header, or a trailer, of that name: it could be taken for one of Gatehouse's, or holds the key.
func foreign(name string) bool {
	plain := strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(name))
	return strings.HasPrefix(plain, "x-gatehouse-") || plain == "authorization" || plain == "x-api-key"
}

// trailing keeps from next what a client sends of foreign after the body, by trailers. The server writes those into from when it reads the end of the body; to has
// a map of its own, and gets the others at that moment, as it would have got all.
type trailing struct {
	io.ReadCloser
	from, to *http.Request
}

// withoutTrailers has to, a copy of from, learn of no trailer that is foreign.
func withoutTrailers(from, to *http.Request) {
	to.Trailer = without(from.Trailer)
	if from.Body != nil && from.Body != http.NoBody {
		to.Body = &trailing{from.Body, from, to}
	}
}

// Read implements io.Reader.
func (t *trailing) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		for name, values := range without(t.from.Trailer) {
			if t.to.Trailer == nil {
				t.to.Trailer = http.Header{}
			}
			t.to.Trailer[name] = values
		}
	}
	return n, err //nolint:wrapcheck // io.EOF must stay what it is
}

// without is a copy of h without what is foreign; nil for nil.
func without(h http.Header) http.Header {
	if h == nil {
		return nil
	}
	kept := http.Header{}
	for name, values := range h {
		if !foreign(name) {
			kept[name] = values
		}
	}
	return kept
}
