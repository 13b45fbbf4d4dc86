package edge

import (
	"encoding/base32"
	"encoding/binary"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Codes of answers beside those of verification.
const (
	codeNothingHere     = "NOT_FOUND"
	codeMethod          = "METHOD_NOT_ALLOWED"
	codeBadRequest      = "BAD_REQUEST"
	codeInvalid         = "INVALID"
	codeTooLarge        = "TOO_LARGE"
	codeMediaType       = "UNSUPPORTED_MEDIA_TYPE"
	codeUnauthenticated = "UNAUTHENTICATED"
	codeForbidden       = "FORBIDDEN"
	codeMissingKey      = "MISSING_KEY"
	codeGateway         = "GATEWAY_UNAUTHENTICATED"
	codeUnavailable     = "UNAVAILABLE"
	codeInternal        = "INTERNAL"
)

// Values of headers that never change; net/http does not write to them.
var (
	jsonType    = []string{"application/json"}
	problemType = []string{"application/problem+json"}
	noStore     = []string{"no-store"}
	noSniff     = []string{"nosniff"}
	retryOne    = []string{"1"}
	bareBearer  = []string{`Bearer realm="Gatehouse"`}
	badBearer   = []string{`Bearer realm="Gatehouse", error="invalid_token"`}
)

// exchange is one request and its answer. It comes from a pool: nothing may keep it, or its buffer, after the answer.
type exchange struct {
	w       http.ResponseWriter
	r       *http.Request
	header  http.Header
	now     time.Time
	request [20]byte // the request id's text
	docs    string   // where codes are explained; "" for nowhere
	nginx   bool     // only 401 and 403 are understood, see refuse
	sent    bool
	buffer  []byte
}

var exchanges = sync.Pool{New: func() any { return &exchange{buffer: make([]byte, 0, 1024)} }}

var crockford = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

func newExchange(w http.ResponseWriter, r *http.Request, now time.Time) *exchange {
	x, _ := exchanges.Get().(*exchange)
	x.w, x.r, x.header, x.now, x.docs, x.nginx, x.sent = w, r, w.Header(), now, "", false, false
	// It names a request in logs and is no secret, so the fast generator will do.
	var random [10]byte
	binary.LittleEndian.PutUint64(random[:8], rand.Uint64()) //nolint:gosec // see above
	binary.LittleEndian.PutUint16(random[8:], uint16(rand.Uint32()))
	copy(x.request[:], "req_")
	crockford.Encode(x.request[4:], random[:])
	x.header["X-Request-Id"] = []string{x.id()}
	x.header["Cache-Control"] = noStore
	x.header["X-Content-Type-Options"] = noSniff
	return x
}

// mostBuffer is the size of the largest buffer that goes back to the pool.
const mostBuffer = 16 << 10

func (x *exchange) free() {
	if cap(x.buffer) > mostBuffer {
		x.buffer = make([]byte, 0, 1024)
	}
	x.w, x.r, x.header, x.buffer = nil, nil, nil, x.buffer[:0]
	exchanges.Put(x)
}

// id names this request, in the form req_….
func (x *exchange) id() string { return string(x.request[:]) }

func (x *exchange) methodIs(method string) bool {
	if x.r.Method == method {
		return true
	}
	x.header["Allow"] = []string{method}
	x.problem(http.StatusMethodNotAllowed, codeMethod, "This takes "+method+" alone.", "")
	return false
}

// send ends the answer with body, which is in the buffer.
func (x *exchange) send(status int, kind []string, body []byte) {
	x.sent = true
	x.buffer = body
	x.header["Content-Type"] = kind
	x.w.WriteHeader(status)
	_, _ = x.w.Write(body) // whoever asked has gone away
}

// problem ends the answer with a problem document (RFC 9457). The text is English: programs go by code. Pointer, unless empty, is the
// JSON pointer of what is wrong in the body.
func (x *exchange) problem(status int, code, detail, pointer string) {
	b := append(x.buffer[:0], `{"type":`...)
	if x.docs == "" {
		b = append(b, `"about:blank"`...)
	} else {
		b = appendText(b, x.docs+"#"+code)
	}
	b = append(b, `,"title":`...)
	b = appendText(b, http.StatusText(status))
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, `,"detail":`...)
	b = appendText(b, detail)
	b = append(b, `,"code":"`...)
	b = append(b, code...)
	b = append(b, `","request_id":"`...)
	b = append(b, x.request[:]...)
	if pointer != "" {
		b = append(b, `","errors":[{"pointer":`...)
		b = appendText(b, pointer)
		b = append(b, `,"detail":`...)
		b = appendText(b, detail)
		b = append(b, "}]}\n"...)
	} else {
		b = append(b, "\"}\n"...)
	}
	x.send(status, problemType, b)
}

// refuse ends the answer with a refusal of a verification: code in X-Gatehouse-Code and in a problem document. nginx turns whatever is
// not 2xx, 401 or 403 into 500, so for it 429 and 503 go as 403, and its error_page turns them back by the header.
func (x *exchange) refuse(status int, code, detail string) {
	x.header["X-Gatehouse-Code"] = []string{code}
	if status == http.StatusUnauthorized {
		x.header["Www-Authenticate"] = badBearer
		if code == codeMissingKey || code == codeUnauthenticated {
			x.header["Www-Authenticate"] = bareBearer
		}
	}
	if x.nginx && (status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable) {
		status = http.StatusForbidden
	}
	x.problem(status, code, detail, "")
}

// seconds rounds up: who comes back after that many seconds is not too early.
func seconds(d time.Duration) int64 {
	return int64((d + time.Second - 1) / time.Second)
}

func fieldPointer(name string) string {
	return "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}
