package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/openapi"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Codes beside those of verification and of faults.
const (
	codeBadRequest = "BAD_REQUEST"
	codeInvalid    = "INVALID"
)

// refusal is a call that is not as documented.
type refusal struct {
	status int
	code   string
	detail string
	errors []openapi.Violation
}

func (r *refusal) Error() string { return r.code + ": " + r.detail }

func asRefusal(err error) *refusal {
	var r *refusal
	if errors.As(err, &r) {
		return r
	}
	return nil
}

func badParam(name, detail string) error {
	return &refusal{status: http.StatusBadRequest, code: codeBadRequest, detail: "A parameter is not as documented.", errors: []openapi.Violation{{Pointer: name, Detail: detail}}}
}

// statuses are those of faults that are the caller's. All others are the server's, and are logged and answered by package web.
var statuses = map[fault.Kind]int{
	fault.Invalid: http.StatusUnprocessableEntity, fault.Forbidden: http.StatusForbidden, fault.NotFound: http.StatusNotFound,
	fault.Conflict: http.StatusConflict, fault.RateLimited: http.StatusTooManyRequests,
}

// refuse answers an error with a problem document (RFC 9457).
func (h *Handler) refuse(c *call, err error) error {
	r := asRefusal(err)
	if r == nil {
		f := fault.As(err)
		if f == nil || statuses[f.Kind] == 0 {
			return err
		}
		r = fromFault(f)
		if f.RetryAfter > 0 {
			c.Response().Header().Set("Retry-After", strconv.Itoa(int((f.RetryAfter+time.Second-1)/time.Second)))
		}
	}
	p := web.Problem{Type: h.BaseURL.String() + web.ErrorsPage + "#" + r.code, Title: http.StatusText(r.status), Status: r.status, Detail: r.detail, Code: r.code, RequestID: c.actor.RequestID}
	for _, e := range r.errors {
		p.Errors = append(p.Errors, web.ProblemField{Pointer: e.Pointer, Detail: e.Detail})
	}
	c.Response().Header().Set("Content-Type", "application/problem+json")
	c.Response().WriteHeader(r.status)
	return json.NewEncoder(c.Response()).Encode(p)
}

func fromFault(f *fault.Error) *refusal {
	r := &refusal{status: statuses[f.Kind], code: f.Code, detail: text.Message{Key: f.Key, Args: f.Args}.String()}
	if r.code == "" {
		r.code = strings.ToUpper(strings.ReplaceAll(f.Kind.String(), " ", "_"))
	}
	if r.code == db.CodeChanged {
		r.status = http.StatusPreconditionFailed
	}
	for _, p := range f.Problems {
		if p.Field == "after" || p.Field == "before" { // a cursor that is none (Z9)
			r.status, r.code = http.StatusBadRequest, codeBadRequest
			r.errors = append(r.errors, openapi.Violation{Pointer: p.Field, Detail: text.Message{Key: p.Key, Args: p.Args}.String()})
			continue
		}
		r.errors = append(r.errors, openapi.Violation{Pointer: pointerOf(p.Field), Detail: text.Message{Key: p.Key, Args: p.Args}.String()})
	}
	return r
}

// fields are names of forms' fields by the pointers at which their values stand in bodies.
var fields = map[string]string{
	"rate_requests": "/rate/requests", "rate_period": "/rate/period_seconds", "expires": "/expires_in_days", "app": "/app_id", "terms": "/agree_to_terms",
}

func pointerOf(field string) string {
	if p, ok := fields[field]; ok {
		return p
	}
	if field == "" {
		return ""
	}
	return openapi.Escape(field)
}
