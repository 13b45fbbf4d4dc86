package edge

import (
	"io"
	"mime"
	"net/http"
	"slices"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
)

// mostBody is how long a question may be (L1): many times what its longest fields add up to.
const mostBody = 64 << 10

// verify answers POST /v1/keys/verify: 200 whenever the question could be answered, whatever the answer is.
func (e *Edge) verify(x *exchange) {
	catalogue, caller, ok := e.mayAsk(x)
	if !ok {
		return
	}
	body, ok := x.body()
	if !ok {
		return
	}
	q, bad := parseQuestion(body)
	if bad != nil {
		x.problem(bad.status, bad.code(), bad.detail, bad.pointer)
		return
	}
	api := catalogue.Resolve(caller.App.Org.ID, q.api)
	if api == nil {
		x.problem(http.StatusUnprocessableEntity, codeInvalid, "Your organization publishes no such API. Where it publishes exactly one, leave api out.", "/api")
		return
	}
	ctx := x.r.Context()
	facts, err := e.lookup(ctx, x.now, q.key)
	if err != nil {
		e.unavailable(x, err)
		return
	}
	d := keyring.Decide(ctx, x.now, facts, api, &q.Request, e.limits)
	e.Counters.Count(x.now, facts, api, &q.Request, &d)
	x.send(http.StatusOK, jsonType, x.answer(facts, api, &d))
}

// mayAsk identifies the caller of verify. Only a key with keys:verify sees codes (D3): what is wrong with another is not told.
func (e *Edge) mayAsk(x *exchange) (*keyring.Catalogue, *keyring.Facts, bool) {
	key, ok := e.ownKey(x)
	if !ok {
		return nil, nil, false
	}
	caller, code, catalogue, err := e.identify(x, key, e.caller(x.r))
	switch {
	case err != nil:
		e.unavailable(x, err)
		return nil, nil, false
	case caller == nil || statusOf(code) == http.StatusUnauthorized && !e.genuine(x, caller):
		x.header["Www-Authenticate"] = badBearer
		x.problem(http.StatusUnauthorized, codeUnauthenticated, "The key of the call itself is not valid.", "")
		return nil, nil, false
	case code != keyring.Valid:
		x.problem(http.StatusForbidden, codeForbidden, "To verify keys, a key needs the scope keys:verify of the API “portal”.", "")
		return nil, nil, false
	}
	return catalogue, caller, true
}

// ownKey is the key by which a program calls for itself. Without one it answers 401; with two, or with one in the wrong place, 400 (D2).
func (e *Edge) ownKey(x *exchange) (string, bool) {
	if leaked(x.r) {
		x.problem(http.StatusBadRequest, "KEY_IN_URL", sayLeaked, "")
		return "", false
	}
	key, ok := presented(x.r.Header)
	switch {
	case !ok:
		x.problem(http.StatusBadRequest, codeBadRequest, sayTwoKeys, "")
		return "", false
	case key == "":
		x.header["Www-Authenticate"] = bareBearer
		x.problem(http.StatusUnauthorized, codeUnauthenticated, sayNoKey, "")
		return "", false
	}
	return key, true
}

// body reads the question, which must be JSON of a bounded length.
func (x *exchange) body() (string, bool) {
	if kind := x.r.Header.Get("Content-Type"); kind != "" && kind != "application/json" {
		media, _, err := mime.ParseMediaType(kind)
		if err != nil || media != "application/json" {
			x.problem(http.StatusUnsupportedMediaType, codeMediaType, "Send the question as application/json. Keys don't belong in forms.", "")
			return "", false
		}
	}
	if x.r.ContentLength > mostBody {
		x.tooLarge()
		return "", false
	}
	b, err := readAll(x.r.Body, x.buffer[:0])
	defer func() { clear(b); x.buffer = b[:0] }() // there was a key in it
	switch {
	case len(b) > mostBody:
		x.tooLarge()
		return "", false
	case err != nil:
		x.problem(http.StatusBadRequest, codeBadRequest, "The question did not arrive whole.", "")
		return "", false
	}
	return string(b), true
}

// readAll reads up to one byte more than a body may have, into b as far as that has room.
func readAll(r io.Reader, b []byte) ([]byte, error) {
	for len(b) <= mostBody {
		if len(b) == cap(b) {
			b = slices.Grow(b, cap(b)+1024)
		}
		n, err := r.Read(b[len(b):min(cap(b), mostBody+1)])
		b = b[:len(b)+n]
		if err == io.EOF { //nolint:errorlint // what readers return at the end
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
	return b, nil
}

func (x *exchange) tooLarge() {
	x.header["Connection"] = []string{"close"}
	x.problem(http.StatusRequestEntityTooLarge, codeTooLarge, "A question is at most 64 KiB long.", "")
}
