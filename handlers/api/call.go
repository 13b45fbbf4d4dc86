package api

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/openapi"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// call is a call that was admitted and read: its parameters and body are as the document has them.
type call struct {
	echo.Context
	operation *openapi.Operation
	actor     actor.Actor
	params    map[string]string // those that were sent
	raw       []byte            // the body; empty without
}

// body reads the body into v. It can't fail in a way that the schema has not refused.
func (c *call) body(v any) error {
	if len(c.raw) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.raw, v); err != nil {
		return &refusal{status: http.StatusUnprocessableEntity, code: codeInvalid, detail: "The body can’t be read as documented."}
	}
	return nil
}

// id is the parameter of that name as an id; zero when it was not sent.
func (c *call) id(prefix, name string) (db.ID, error) {
	text := c.params[name]
	if text == "" {
		return db.ID{}, nil
	}
	id, err := db.ParseID(prefix, text)
	if err != nil {
		return db.ID{}, badParam(name, "This is no id of that kind.")
	}
	return id, nil
}

// page is what the parameters limit, after and sort ask for.
func (c *call) page() db.PageRequest {
	size, err := strconv.Atoi(c.params["limit"])
	if err != nil { // not sent
		size = 0
	}
	return db.PageRequest{Sort: c.params["sort"], Size: size, After: c.params["after"]}
}

// actorOf is the key that calls, as stores know it (U2).
func actorOf(caller Caller, requestID string) actor.Actor {
	f := caller.Facts
	return actor.Actor{
		Kind: actor.Key, KeyID: db.ID(f.ID), OrganizationID: db.ID(f.App.Org.ID), Environment: f.Environment.String(), Name: f.Name, Address: caller.Address, RequestID: requestID,
	}
}

// read takes parameters and body from the request, strictly (L1).
func (h *Handler) read(c *call) error {
	query, err := url.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		return &refusal{status: http.StatusBadRequest, code: codeBadRequest, detail: "The query of the address can’t be read."}
	}
	var wrong []openapi.Violation
	c.params = map[string]string{}
	for _, p := range c.operation.Params {
		values := valuesOf(c, p, query)
		if p.In == "query" {
			delete(query, p.Name)
		}
		if len(values) == 0 {
			continue
		}
		if why := judgeParam(p, values); why != "" {
			wrong = append(wrong, openapi.Violation{Pointer: p.Name, Detail: why})
			continue
		}
		c.params[p.Name] = values[0]
	}
	for name := range query {
		wrong = append(wrong, openapi.Violation{Pointer: name, Detail: "There is no parameter of this name."})
	}
	if len(wrong) > 0 {
		return &refusal{status: http.StatusBadRequest, code: codeBadRequest, detail: "A parameter is not as documented.", errors: wrong}
	}
	return h.readBody(c)
}

func valuesOf(c *call, p openapi.Param, query url.Values) []string {
	switch p.In {
	case "path":
		text := c.Param(p.Name)
		if plain, err := url.PathUnescape(text); err == nil {
			text = plain
		}
		return []string{text}
	case "header":
		return c.Request().Header.Values(p.Name)
	}
	return query[p.Name]
}

// judgeParam says what is wrong with the values of a parameter; "" for nothing.
func judgeParam(p openapi.Param, values []string) string {
	text := values[0]
	switch {
	case len(values) > 1:
		return "This is there twice."
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		return "This holds characters that no parameter has."
	}
	var v any = text
	if len(p.Schema.Types) == 1 && p.Schema.Types[0] == "integer" {
		v = json.Number(text)
	}
	if wrong := p.Schema.Judge(v); len(wrong) > 0 {
		return wrong[0].Detail
	}
	return ""
}

func (h *Handler) readBody(c *call) error {
	raw, err := io.ReadAll(c.Request().Body)
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return &refusal{status: http.StatusRequestEntityTooLarge, code: "TOO_LARGE", detail: "A body is at most 1 MiB long."}
	case err != nil:
		return &refusal{status: http.StatusBadRequest, code: codeBadRequest, detail: "The body did not arrive whole."}
	}
	schema := c.operation.Body
	if len(raw) == 0 && (schema == nil || !c.operation.BodyRequired) {
		return nil
	}
	media, _, err := mime.ParseMediaType(c.Request().Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return &refusal{status: http.StatusUnsupportedMediaType, code: "UNSUPPORTED_MEDIA_TYPE", detail: "Send the body as application/json."}
	}
	if schema == nil {
		schema = &openapi.Schema{Types: []string{"object"}, Closed: true}
	}
	v, bad := openapi.Decode(raw)
	if bad != nil {
		r := &refusal{status: http.StatusBadRequest, code: codeBadRequest, detail: bad.Detail}
		if bad.Pointer != "" {
			r.errors = []openapi.Violation{*bad}
		}
		return r
	}
	if wrong := schema.Judge(v); len(wrong) > 0 {
		return &refusal{status: http.StatusUnprocessableEntity, code: codeInvalid, detail: "Some of the body is not as documented.", errors: wrong}
	}
	c.raw = raw
	return nil
}

// etag names a version of a thing by when it was changed last.
func etag(updatedAt time.Time) string {
	return `"` + strconv.FormatInt(updatedAt.UnixMicro(), 36) + `"`
}

// expect has the store refuse when the thing is not as If-Match says. What is no ETag of ours fits nothing.
func expect(c *call) {
	text := c.params["If-Match"]
	if text == "" || text == "*" {
		return
	}
	n, err := strconv.ParseInt(strings.Trim(text, `"`), 36, 64)
	at := time.UnixMicro(n).UTC()
	if err != nil || etag(at) != text {
		at = time.Time{}
	}
	c.SetRequest(c.Request().WithContext(db.WithVersion(web.Ctx(c), at)))
}
