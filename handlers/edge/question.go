package edge

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
)

// Bounds of the fields of a question.
const (
	mostKey    = 512
	mostSlug   = 64
	mostScopes = 64
	mostScope  = 128
	mostText   = 2048
	mostCost   = 1_000_000
)

// question is a call of POST /v1/keys/verify. Its texts are parts of the body where that has no escapes.
type question struct {
	keyring.Request
	key, api, environment, ip, path string
}

// reset forgets all but the room for scopes.
func (q *question) reset() {
	scopes := q.Scopes[:cap(q.Scopes)]
	clear(scopes)
	*q = question{Request: keyring.Request{Scopes: scopes[:0], Cost: 1, CostByRoute: true}}
}

// badInput says what is wrong with a question: 400 where the JSON itself is, 422 where a field is.
type badInput struct {
	status          int
	pointer, detail string
}

func (b *badInput) code() string {
	if b.status == http.StatusBadRequest {
		return codeBadRequest
	}
	return codeInvalid
}

func badField(name, detail string) *badInput {
	return &badInput{http.StatusUnprocessableEntity, fieldPointer(name), detail}
}

func badSyntax(detail string) *badInput { return &badInput{http.StatusBadRequest, "", detail} }

// parse reads the JSON strictly (L1): one object, each field once, none that is not known, no other type than documented. It
// is written by hand because encoding/json takes doubled names and names in the wrong case, and costs four times as much.
func (q *question) parse(text string) *badInput {
	if !utf8.ValidString(text) {
		return badSyntax("The question is not UTF-8.")
	}
	q.reset()
	p := parser{text: text}
	if bad := p.object(q); bad != nil {
		return bad
	}
	return q.check()
}

// check reads the fields that have a form of their own.
func (q *question) check() *badInput {
	if q.key == "" {
		return badField("key", "The key to be verified is missing.")
	}
	if q.environment != "" {
		var ok bool
		if q.Environment, ok = keyring.ParseEnvironment(q.environment); !ok {
			return badField("environment", "An environment is live, test or any.")
		}
	}
	if q.ip != "" {
		ip, err := netip.ParseAddr(q.ip)
		if err != nil {
			return badField("ip", "This is no IP address.")
		}
		q.IP = ip.Unmap().WithZone("")
	}
	if (q.Method == "") != (q.path == "") {
		return badField("path", "Method and path go together.")
	}
	if q.path != "" {
		path, err := keyring.Canonical(q.path)
		if err != nil {
			return &badInput{http.StatusBadRequest, "/path", "This path can be read in two ways, or is none."}
		}
		if keyring.MethodOverridden(q.Method, q.path) {
			return &badInput{http.StatusBadRequest, "/path", "The query asks for another method than that of the request."}
		}
		q.Path = path
	}
	return nil
}

type parser struct {
	text string
	at   int
	seen uint16
}

func (p *parser) space() byte {
	for p.at < len(p.text) {
		switch c := p.text[p.at]; c {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return c
		}
	}
	return 0
}

// object reads the question and the end after it.
func (p *parser) object(q *question) *badInput {
	if p.space() != '{' {
		return badSyntax("The question is not a JSON object.")
	}
	p.at++
	for first := true; ; first = false {
		switch c := p.space(); {
		case c == '}':
			if !first && p.text[p.before()] == ',' {
				return p.malformed()
			}
			p.at++
			if p.space(); p.at != len(p.text) {
				return badSyntax("Something follows the question.")
			}
			return nil
		case c != '"':
			return p.malformed()
		}
		if bad := p.member(q); bad != nil {
			return bad
		}
	}
}

// before is the place of the last byte before at that is no space.
func (p *parser) before() int {
	i := p.at - 1
	for i > 0 && (p.text[i] == ' ' || p.text[i] == '\t' || p.text[i] == '\n' || p.text[i] == '\r') {
		i--
	}
	return i
}

func (p *parser) malformed() *badInput {
	return badSyntax("The question is not valid JSON, from byte " + strconv.Itoa(p.at) + " on.")
}

// member reads a name, its value and the comma after it.
func (p *parser) member(q *question) *badInput {
	name, ok := p.quoted()
	if !ok || p.space() != ':' {
		return p.malformed()
	}
	p.at++
	p.space()
	if bad := p.value(q, name); bad != nil {
		return bad
	}
	switch p.space() {
	case ',':
		p.at++
	case '}':
	default:
		return p.malformed()
	}
	return nil
}

var fieldNames = [...]string{"key", "api", "environment", "scopes", "ip", "origin", "method", "path", "user_agent", "cost"}

func (p *parser) value(q *question, name string) *badInput {
	index := -1
	for i, known := range fieldNames {
		if known == name {
			index = i
		}
	}
	if index < 0 {
		return badField(name, "There is no field of this name.")
	}
	if p.seen&(1<<index) != 0 {
		return &badInput{http.StatusBadRequest, fieldPointer(name), "This field is there twice."}
	}
	p.seen |= 1 << index
	var ignored string
	switch name {
	case "key":
		return p.string(name, &q.key, mostKey)
	case "api":
		return p.string(name, &q.api, mostSlug)
	case "environment":
		return p.string(name, &q.environment, 8)
	case "scopes":
		return p.scopes(q)
	case "ip":
		return p.string(name, &q.ip, 64)
	case "origin":
		return p.string(name, &q.Origin, mostText)
	case "method":
		return p.string(name, &q.Method, 32)
	case "path":
		return p.string(name, &q.path, keyring.MaxPath)
	case "user_agent":
		return p.string(name, &ignored, mostText)
	}
	return p.cost(q)
}

func (p *parser) string(name string, to *string, most int) *badInput {
	if p.at >= len(p.text) {
		return p.malformed()
	}
	if p.text[p.at] != '"' {
		return badField(name, "This must be a string.")
	}
	text, ok := p.quoted()
	if !ok {
		return p.malformed()
	}
	if len(text) > most {
		return badField(name, "This is longer than "+strconv.Itoa(most)+" bytes.")
	}
	*to = text
	return nil
}

// quoted reads a JSON string; the common one without escapes is a part of the text.
func (p *parser) quoted() (string, bool) {
	start := p.at + 1
	for i := start; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case c == '"':
			p.at = i + 1
			return p.text[start:i], true
		case c == '\\':
			return p.escaped(start, i)
		case c < ' ':
			return "", false
		}
	}
	return "", false
}

func (p *parser) escaped(start, i int) (string, bool) {
	for ; i < len(p.text) && p.text[i] != '"'; i++ {
		if p.text[i] == '\\' {
			i++
		}
	}
	var text string
	if i >= len(p.text) || json.Unmarshal([]byte(p.text[start-1:i+1]), &text) != nil {
		return "", false
	}
	p.at = i + 1
	return text, true
}

func (p *parser) scopes(q *question) *badInput {
	if p.at >= len(p.text) || p.text[p.at] != '[' {
		return badField("scopes", "This must be a list of strings.")
	}
	p.at++
	if p.space() == ']' {
		p.at++
		return nil
	}
	for {
		var scope string
		p.space()
		if bad := p.string("scopes", &scope, mostScope); bad != nil {
			if bad.pointer != "" {
				bad.pointer += "/" + strconv.Itoa(len(q.Scopes))
			}
			return bad
		}
		if scope == "" || len(q.Scopes) == mostScopes {
			return badField("scopes", "There is an empty scope in the list, or there are more than "+strconv.Itoa(mostScopes)+".")
		}
		q.Scopes = append(q.Scopes, scope)
		switch p.space() {
		case ',':
			p.at++
		case ']':
			p.at++
			return nil
		default:
			return p.malformed()
		}
	}
}

func (p *parser) cost(q *question) *badInput {
	start := p.at
	for p.at < len(p.text) && strings.IndexByte("+-.0123456789eE", p.text[p.at]) >= 0 {
		p.at++
	}
	digits := p.text[start:p.at]
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil || n > mostCost || len(digits) > 1 && digits[0] == '0' {
		return badField("cost", "This must be a whole number from 0 to "+strconv.Itoa(mostCost)+".")
	}
	q.Cost, q.CostByRoute = int(n), false
	return nil
}
