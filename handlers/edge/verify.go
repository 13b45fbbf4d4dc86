package edge

import (
	"io"
	"mime"
	"net/http"
	"slices"

	"github.com/gatehouse-dev/gatehouse/internal/framing"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/usage/refusal"
)

// mostBody is how long a question may be (L1): many times what its longest fields add up to.
const mostBody = 64 << 10

// verify answers POST /v1/keys/verify: 200 whenever the question could be answered, whatever the answer is.
func (e *Edge) verify(x *exchange) {
	catalogue, caller, ok := e.mayAsk(x)
	if !ok {
		return
	}
	body, ok := x.read()
	if !ok {
		return
	}
	q := &x.asked
	if bad := q.parse(body); bad != nil {
		x.problem(bad.status, bad.code(), bad.detail, bad.pointer)
		return
	}
	api := catalogue.Resolve(caller.App.Org.ID, q.api)
	if api == nil {
		x.problem(http.StatusUnprocessableEntity, codeInvalid, "Your organization publishes no such API. Where it publishes exactly one, leave api out.", "/api")
		return
	}
	facts, err := e.lookup(x.ctx, x.now, q.key)
	if err != nil {
		e.unavailable(x, err)
		return
	}
	d := keyring.Decide(x.ctx, x.now, facts, api, &q.Request, e.limits)
	e.Counters.Count(x.now, facts, api, &q.Request, &d)
	if !d.Allowed() {
		e.keep(x, refusal.Verify, facts, api, &q.Request, &d)
	}
	x.send(http.StatusOK, jsonType, x.answer(facts, api, &d))
}

// mayAsk identifies the caller of verify. Only a key with keys:verify sees codes (D3): what is wrong with another is not told.
func (e *Edge) mayAsk(x *exchange) (*keyring.Catalogue, *keyring.Facts, bool) {
	key, ok := e.ownKey(x)
	if !ok {
		return nil, nil, false
	}
	caller, code, catalogue, err := e.identify(x, key, e.caller(x))
	x.asker = caller
	switch {
	case err != nil:
		e.unavailable(x, err)
		return nil, nil, false
	case caller == nil || statusOf(code) == http.StatusUnauthorized && !e.genuine(x, caller):
		x.set("Www-Authenticate", badBearer)
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
	if leaked(x) {
		x.problem(http.StatusBadRequest, "KEY_IN_URL", sayLeaked, "")
		return "", false
	}
	key, ok := presented(x)
	switch {
	case !ok:
		x.problem(http.StatusBadRequest, codeBadRequest, sayTwoKeys, "")
		return "", false
	case key == "":
		x.set("Www-Authenticate", bareBearer)
		x.problem(http.StatusUnauthorized, codeUnauthenticated, sayNoKey, "")
		return "", false
	}
	return key, true
}

// read returns the question, which must be JSON of a bounded length. The text is the exchange's, until the answer.
func (x *exchange) read() (string, bool) {
	kind := ""
	if kinds := x.all(contentType); len(kinds) > 0 {
		kind = kinds[0]
	}
	if kind != "" && kind != jsonType {
		media, _, err := mime.ParseMediaType(kind)
		if err != nil || media != jsonType {
			x.problem(http.StatusUnsupportedMediaType, codeMediaType, "Send the question as application/json. Keys don't belong in forms.", "")
			return "", false
		}
	}
	if x.length > mostBody {
		x.tooLarge()
		return "", false
	}
	body := x.given
	var err error
	if x.stream != nil {
		x.payload, err = readAll(x.stream, x.payload[:0])
		body = x.payload
	}
	switch {
	case len(body) > mostBody:
		x.tooLarge()
		return "", false
	case err != nil:
		x.problem(http.StatusBadRequest, codeBadRequest, "The question did not arrive whole.", "")
		return "", false
	}
	return framing.Text(body), true
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
	x.closing = true
	x.problem(http.StatusRequestEntityTooLarge, codeTooLarge, "A question is at most 64 KiB long.", "")
}
