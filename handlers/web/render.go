package web

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// Render answers 200 with a page.
func (k *Kit) Render(c echo.Context, page templ.Component) error {
	return k.RenderStatus(c, http.StatusOK, page)
}

// RenderProblems answers 422 with the same page, its fields now beside their errors.
func (k *Kit) RenderProblems(c echo.Context, page templ.Component) error {
	return k.RenderStatus(c, http.StatusUnprocessableEntity, page)
}

// RenderStatus renders the page whole into a buffer and only then sends it: a template that fails sends nothing of itself.
func (k *Kit) RenderStatus(c echo.Context, status int, page templ.Component) error {
	b, _ := buffers.Get().(*bytes.Buffer)
	b.Reset()
	defer buffers.Put(b)
	if err := page.Render(templ.WithNonce(Ctx(c), stateOf(c).nonce), b); err != nil {
		return err
	}
	return c.HTMLBlob(status, b.Bytes())
}

// Done ends an act: 303 to path, where a sentence of the message catalogue tells what was done.
func (k *Kit) Done(c echo.Context, path, key string, args ...string) error {
	k.setFlash(c, flash{Tone: "ok", Key: key, Args: args})
	return c.Redirect(http.StatusSeeOther, path)
}

// Warn is Done with a warning.
func (k *Kit) Warn(c echo.Context, path, key string, args ...string) error {
	k.setFlash(c, flash{Tone: "warn", Key: key, Args: args})
	return c.Redirect(http.StatusSeeOther, path)
}

// See ends an act without words: 303 to path.
func (k *Kit) See(c echo.Context, path string) error { return c.Redirect(http.StatusSeeOther, path) }

type flash struct {
	Tone string
	Key  string
	Args []string

	ByHand bool `json:",omitempty"` // a letter waits for an admin who hands it out
}

// HasFlash reports whether the next page tells what the last act did.
func (k *Kit) HasFlash(c echo.Context) bool { return k.cookie(c, flashCookie) != "" }

func (k *Kit) setFlash(c echo.Context, f flash) {
	b, err := json.Marshal(f)
	if err != nil {
		return
	}
	k.SetCookie(c, flashCookie, base64.RawURLEncoding.EncodeToString(b), time.Minute)
}

// takeFlash reads the sentence that the last act left, and removes it.
func (k *Kit) takeFlash(c echo.Context) *layout.Flash {
	raw := k.cookie(c, flashCookie)
	if raw == "" {
		return nil
	}
	k.SetCookie(c, flashCookie, "", 0)
	b, err := base64.RawURLEncoding.DecodeString(raw)
	var f flash
	if err != nil || json.Unmarshal(b, &f) != nil {
		return nil
	}
	args := make([]any, len(f.Args))
	for i, a := range f.Args {
		args[i] = a
	}
	words := text.T(Ctx(c), f.Key, args...)
	if f.ByHand {
		words += " " + T(c, byHand)
	}
	return &layout.Flash{Tone: f.Tone, Text: words}
}

// unkeyedArgs are the arguments of a sentence about what was entered, without keys.
func unkeyedArgs(args []any) []any {
	out := slices.Clone(args)
	for i, a := range out {
		if s, ok := a.(string); ok {
			out[i] = apikey.Mask(s)
		}
	}
	return out
}

// Problems puts an Invalid fault into words for a form: the summary, and the error of each field by its name. ok is false for
// any other error, which the handler returns as it is.
func Problems(c echo.Context, err error) (list []components.Problem, byField map[string]string, ok bool) {
	f := fault.As(err)
	if f == nil || f.Kind != fault.Invalid {
		return nil, nil, false
	}
	byField = map[string]string{}
	for _, p := range f.Problems {
		words := T(c, p.Key, unkeyedArgs(p.Args)...)
		list = append(list, components.Problem{Field: p.Field, Message: words})
		if byField[p.Field] == "" {
			byField[p.Field] = words
		}
	}
	if len(list) == 0 {
		list = append(list, components.Problem{Message: T(c, f.Key, unkeyedArgs(f.Args)...)})
	}
	return list, byField, true
}

// Slowed is Problems, and of RateLimited the sentence at the field, with the time after which to try again: the page stays, so that another way on it can be taken.
func Slowed(c echo.Context, err error, field string) (status int, list []components.Problem, byField map[string]string, ok bool) {
	if f := fault.As(err); f != nil && f.Kind == fault.RateLimited {
		retryAfter(c, f)
		words := T(c, f.Key, unkeyedArgs(f.Args)...)
		return http.StatusTooManyRequests, []components.Problem{{Field: field, Message: words}}, map[string]string{field: words}, true
	}
	list, byField, ok = Problems(c, err)
	return http.StatusUnprocessableEntity, list, byField, ok
}

// Stands is Problems, and of a Conflict the sentence that says how things stand: on its page what was entered is kept.
func Stands(c echo.Context, err error) (list []components.Problem, byField map[string]string, ok bool) {
	if f := fault.As(err); f != nil && f.Kind == fault.Conflict {
		return []components.Problem{{Message: T(c, f.Key, unkeyedArgs(f.Args)...)}}, map[string]string{}, true
	}
	return Problems(c, err)
}
