package edge

import (
	"context"
	"encoding/base32"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
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
	codeTimeout         = "TIMEOUT"
)

// Values of headers that never change.
const (
	jsonType    = "application/json"
	problemType = "application/problem+json"
	bareBearer  = `Bearer realm="Gatehouse"`                        //nolint:gosec // a challenge, no credential
	badBearer   = `Bearer realm="Gatehouse", error="invalid_token"` //nolint:gosec // as above
)

// exchange is one request and its answer, whichever server carries it: an adapter fills in the request, the edge the answer, and the adapter
// sends that. It comes from a pool. The texts of the request may lie in memory of the server that is used again after the answer: who keeps one
// clones it.
type exchange struct {
	ctx                 context.Context
	method, path, query string     // path as it came, escapes and all
	peer                netip.Addr // of the socket's other end; zero when unknown
	fields              [fieldCount][]string
	posed               bool      // there is a header that poses as one of ours
	length              int64     // of the body as it was announced; -1 for not
	stream              io.Reader // the body; nil when it is in memory
	payload             []byte    // the body, once it was read from stream
	given               []byte    // the body where the server has it in memory

	now     time.Time
	request [20]byte // the request id's text
	docs    string   // where codes are explained; "" for nowhere
	nginx   bool     // only 401 and 403 are understood, see refuse
	asked   question

	asker           *keyring.Facts // of the gateway or service that asks, once it is known
	called          *keyring.API   // that a request which is not judged went to, where it is known
	refusedAs, said string         // code and text of a refusal
	kept            bool           // it was handed over, see keep

	status  int  // of the answer; 0 while there is none
	closing bool // the connection ends with the answer
	pairs   []pair
	values  []byte // the texts of pairs
	body    []byte // of the answer
}

// pair is a header of the answer; its value is a part of the exchange's values.
type pair struct {
	name     string
	from, to int
}

var exchanges = sync.Pool{New: func() any {
	return &exchange{payload: make([]byte, 0, 1024), pairs: make([]pair, 0, 16), values: make([]byte, 0, 512), body: make([]byte, 0, 1024)}
}}

var crockford = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// newExchange is one with an answer that has its id and what every answer of ours says; the request is the adapter's to fill in.
func newExchange(now time.Time) *exchange {
	x, _ := exchanges.Get().(*exchange)
	x.now = now
	// It names a request in logs and is no secret, so the fast generator will do.
	var random [10]byte
	binary.LittleEndian.PutUint64(random[:8], rand.Uint64()) //nolint:gosec // see above
	binary.LittleEndian.PutUint16(random[8:], uint16(rand.Uint32()))
	copy(x.request[:], "req_")
	crockford.Encode(x.request[4:], random[:])
	x.standing()
	return x
}

// standing sets the headers of every answer.
func (x *exchange) standing() {
	x.pairs, x.values = x.pairs[:0], x.values[:0]
	x.values = append(x.values, x.request[:]...)
	x.setFrom("X-Request-Id", 0)
	x.set("Cache-Control", "no-store")
	x.set("X-Content-Type-Options", "nosniff")
}

// mostBuffer is the size of the largest buffer that goes back to the pool.
const mostBuffer = 16 << 10

func (x *exchange) free() {
	for i := range x.fields {
		clear(x.fields[i])
		x.fields[i] = x.fields[i][:0]
	}
	clear(x.payload) // there was a key in it
	x.ctx, x.stream, x.given, x.method, x.path, x.query = nil, nil, nil, "", "", ""
	x.docs, x.nginx, x.posed, x.status, x.closing = "", false, false, 0, false
	x.asker, x.called, x.refusedAs, x.said, x.kept = nil, nil, "", "", false
	x.asked.reset()
	for _, b := range []*[]byte{&x.payload, &x.values, &x.body} {
		if cap(*b) > mostBuffer {
			*b = make([]byte, 0, 1024)
		}
		*b = (*b)[:0]
	}
	exchanges.Put(x)
}

// id names this request, in the form req_….
func (x *exchange) id() string { return string(x.request[:]) }

// all returns the values of a header of the request, in their order.
func (x *exchange) all(f field) []string { return x.fields[f] }

// set sets a header of the answer.
func (x *exchange) set(name, value string) {
	from := len(x.values)
	x.values = append(x.values, value...)
	x.setFrom(name, from)
}

// setFrom sets a header of the answer to what was appended to values.
func (x *exchange) setFrom(name string, from int) {
	for i := range x.pairs {
		if x.pairs[i].name == name {
			x.pairs[i] = pair{name, from, len(x.values)}
			return
		}
	}
	x.pairs = append(x.pairs, pair{name, from, len(x.values)})
}

func (x *exchange) methodIs(method string) bool {
	if x.method == method {
		return true
	}
	x.set("Allow", method)
	x.problem(http.StatusMethodNotAllowed, codeMethod, "This takes "+method+" alone.", "")
	return false
}

// send ends the answer with body.
func (x *exchange) send(status int, kind string, body []byte) {
	x.set("Content-Type", kind)
	x.status, x.body = status, body
}

// problem ends the answer with a problem document (RFC 9457). The text is English: programs go by code. Pointer, unless empty, is the
// JSON pointer of what is wrong in the body.
func (x *exchange) problem(status int, code, detail, pointer string) {
	x.refusedAs, x.said = code, detail
	b := append(x.body[:0], `{"type":`...)
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
	x.set("X-Gatehouse-Code", code)
	if status == http.StatusUnauthorized {
		scheme := badBearer
		if code == codeMissingKey || code == codeUnauthenticated {
			scheme = bareBearer
		}
		x.set("Www-Authenticate", scheme)
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
