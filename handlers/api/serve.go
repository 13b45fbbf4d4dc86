package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/openapi"
	"github.com/gatehouse-dev/gatehouse/models/idempotency"
)

// answer is what an operation answers.
type answer struct {
	body any                          // nil: none
	etag string                       // "" for none
	next string                       // cursor of the next page; "" at the end
	line func(to *json.Encoder) error // writes body as lines of JSON, for who asks for them; nil: it is not to be had so
	kept any                          // what a repeat with the same Idempotency-Key is answered, where body must not be kept; nil: body
}

// serve judges the call, reads it, and has it act once.
func (h *Handler) serve(o *openapi.Operation, act operation) echo.HandlerFunc {
	return func(e echo.Context) error {
		id := web.RequestID(e)
		caller, ok := h.admit(e.Response(), e.Request(), Call{RequestID: id, Path: e.Request().URL.Path, Scope: o.Scope})
		if !ok {
			return nil
		}
		header := e.Response().Header()
		header.Set("Cache-Control", "no-store")
		header.Set("X-Content-Type-Options", "nosniff")
		c := &call{Context: e, operation: o, actor: actorOf(caller, id)}
		if o.LiveOnly && c.actor.Environment != "live" {
			return h.refuse(c, &refusal{status: http.StatusForbidden, code: "FORBIDDEN", detail: liveOnly[o.Method == http.MethodGet]})
		}
		if err := h.read(c); err != nil {
			return h.refuse(c, err)
		}
		expect(c)
		if text := c.params["Idempotency-Key"]; text != "" && o.Method == http.MethodPost {
			return h.once(c, act, text)
		}
		a, err := act(c)
		if err != nil {
			return h.refuse(c, err)
		}
		return h.send(c, a)
	}
}

// liveOnly says why a test key is refused what concerns both environments; true: what only reads.
var liveOnly = map[bool]string{
	false: "Apps and access belong to both environments: a live key changes them, and this is a test key.",
	true:  "What was done concerns both environments: a live key reads it, and this is a test key.",
}

// onceTime is how long an act may take that is to happen once.
const onceTime = 30 * time.Second

// doneError says that the act was done, though its outcome could not be read.
type doneError struct{ error }

func (d *doneError) Unwrap() error { return d.error }

// done marks the failure of reading what an act made.
func done(a answer, err error) (answer, error) {
	if err != nil {
		err = &doneError{err}
	}
	return a, err
}

// once has the call act, unless one with the same text did. A caller who hangs up stops nothing: that is when a repeat is to be expected.
func (h *Handler) once(c *call, act operation, text string) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(web.Ctx(c)), onceTime)
	defer stop()
	c.SetRequest(c.Request().WithContext(ctx))
	claim := idempotency.Call{
		Caller: c.actor.KeyID, Operation: c.operation.ID + " " + c.Request().URL.Path, Text: text,
		Request: append([]byte(c.params["If-Match"]+"\n"), c.raw...),
	}
	before, err := h.Idempotency.Claim(ctx, claim)
	if err != nil {
		return h.refuse(c, err)
	}
	if before != nil {
		c.Response().Header().Set("Idempotency-Replayed", "true")
		return c.Blob(before.Status, "application/json", []byte(before.Body))
	}
	a, err := act(c)
	if err != nil {
		var did *doneError
		if !errors.As(err, &did) && (fault.KindOf(err) != fault.Internal || asRefusal(err) != nil) { // nothing was done: it may be sent again
			if free := h.Idempotency.Release(ctx, claim); free != nil {
				slog.Error("an idempotency key was not given back", "request_id", c.actor.RequestID, "error", free)
			}
		}
		return h.refuse(c, err)
	}
	kept := a.kept
	if kept == nil {
		kept = a.body
	}
	text, err = jsonOf(kept)
	if err == nil {
		err = h.Idempotency.Finish(ctx, claim, idempotency.Answer{Status: c.operation.Status, Body: text})
	}
	if err != nil { // it was done all the same
		slog.Error("the answer was not kept for repeats", "request_id", c.actor.RequestID, "error", err)
	}
	return h.send(c, a)
}

// typeLines is what lines of JSON are asked for and sent as.
const typeLines = "application/jsonl"

func jsonOf(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b) + "\n", err
}

func (h *Handler) send(c *call, a answer) error {
	header := c.Response().Header()
	if a.etag != "" {
		header.Set("ETag", a.etag)
	}
	if a.next != "" {
		query := c.QueryParams()
		query.Set("after", a.next)
		to := url.URL{Path: c.Request().URL.Path, RawQuery: query.Encode()}
		header.Set("Link", "<"+h.BaseURL.String()+to.String()+`>; rel="next"`)
	}
	if a.body == nil {
		return c.NoContent(c.operation.Status)
	}
	if a.line != nil && strings.Contains(c.Request().Header.Get("Accept"), typeLines) {
		var lines bytes.Buffer
		if err := a.line(json.NewEncoder(&lines)); err != nil {
			return err
		}
		return c.Blob(c.operation.Status, typeLines, lines.Bytes())
	}
	text, err := jsonOf(a.body)
	if err != nil {
		return err
	}
	return c.Blob(c.operation.Status, "application/json", []byte(text))
}
