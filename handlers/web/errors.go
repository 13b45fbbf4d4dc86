package web

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// answer is one row of the table of errors: the status, its title, and the sentence when the fault brings none.
type answer struct {
	status int
	title  string
	text   string
}

var answers = map[fault.Kind]answer{
	fault.Internal:        {http.StatusInternalServerError, text.N("Something went wrong here"), text.N("It is not your doing. Try again, and if it stays, tell support the request id.")},
	fault.Invalid:         {http.StatusUnprocessableEntity, text.N("That can’t be done as entered"), text.N("Go back and change what you entered.")},
	fault.Unauthenticated: {http.StatusUnauthorized, text.N("Sign in first"), text.N("Sign in to go on.")},
	fault.Forbidden:       {http.StatusForbidden, text.N("Not allowed"), text.N("Your role does not allow this.")},
	fault.NotFound:        {http.StatusNotFound, text.N("Nothing here"), text.N("There is nothing here that you can see.")},
	fault.Conflict:        {http.StatusConflict, text.N("Not possible as things stand"), text.N("Somebody changed this meanwhile. Look again, and repeat it if it still makes sense.")},
	fault.RateLimited:     {http.StatusTooManyRequests, text.N("Too many tries"), text.N("Wait a little, then try again.")},
	fault.Unavailable:     {http.StatusServiceUnavailable, text.N("Not available at the moment"), text.N("Try again in a few seconds.")},
}

// Status is the HTTP status of an error.
func Status(err error) int { return answers[asFault(err).Kind].status }

// asFault sees echo's own errors (no route, wrong method, too long), cut bodies and a database that is away (4.5) as the faults that they are.
func asFault(err error) *fault.Error {
	if f := fault.As(err); f != nil {
		return f
	}
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		return fault.Wrap(err, fault.Invalid, "That is longer than %d kB, which is the most that this page takes.", tooLong.Limit>>10)
	}
	var he *echo.HTTPError
	if errors.As(err, &he) {
		switch he.Code {
		case http.StatusNotFound, http.StatusMethodNotAllowed:
			return fault.Missing()
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
			return fault.Wrap(err, fault.Invalid, "Go back and change what you entered.")
		}
	}
	if db.Away(err) {
		return &fault.Error{Kind: fault.Unavailable, RetryAfter: awayFor, Cause: err}
	}
	return &fault.Error{Kind: fault.Internal, Cause: err}
}

// awayFor is when to try again what the database could not do.
const awayFor = 5 * time.Second

// answerError is the one place where an error becomes an answer: a page for people, a problem document (RFC 9457) for programs. An
// internal error is logged here and nowhere else; all that is shown of it is the request id (W7).
func (k *Kit) answerError(err error, c echo.Context) {
	if c.Response().Committed {
		slog.Error("error after the answer began", "request_id", RequestID(c), "route", c.Path(), "error", err)
		return
	}
	f := asFault(err)
	a := answers[f.Kind]
	if to := k.elsewhere(c, f); to != "" {
		_ = c.Redirect(http.StatusSeeOther, to) // fails for no status but a wrong one
		return
	}
	switch {
	case errors.Is(err, context.Canceled) && c.Request().Context().Err() != nil: // nobody's fault, and nobody reads the answer
		slog.Info("the client left before the answer", "request_id", RequestID(c), "route", c.Path())
	case errors.Is(err, db.ErrReadOnly) || errors.Is(err, db.ErrLeft): // as planned: the database is moved, or was
		slog.Info("not answered, since the database is moved", "request_id", RequestID(c), "route", c.Path())
	case f.Kind == fault.Internal || f.Kind == fault.Unavailable:
		slog.Error("request failed", "request_id", RequestID(c), "route", c.Path(), "error", err)
	}
	retryAfter(c, f)
	var sent error
	switch path := c.Request().URL.Path; {
	case strings.HasPrefix(path, "/v1/"):
		sent = k.WriteProblem(c.Response(), a.status, f, RequestID(c))
	case strings.HasPrefix(path, ScimRoot):
		sent = WriteScim(c.Response(), a.status, "", ScimDetail(f))
	default:
		sent = k.errorPage(c, a, f)
	}
	if sent != nil {
		slog.Warn("answer not sent", "request_id", RequestID(c), "error", sent)
	}
}

// retryAfter sets the header that says when to try again, if the fault knows.
func retryAfter(c echo.Context, f *fault.Error) {
	if f.RetryAfter > 0 {
		c.Response().Header().Set("Retry-After", strconv.Itoa(int((f.RetryAfter+time.Second-1)/time.Second)))
	}
}

// elsewhere is where a reader of a missing page is led instead; "" for nowhere.
func (k *Kit) elsewhere(c echo.Context, f *fault.Error) string {
	if m := c.Request().Method; k.Elsewhere == nil || f.Kind != fault.NotFound || (m != http.MethodGet && m != http.MethodHead) || !Actor(c).SignedIn() {
		return ""
	}
	return k.Elsewhere(c)
}

func (k *Kit) errorPage(c echo.Context, a answer, f *fault.Error) error {
	if stateOf(c).nonce == "" { // failed before the state was made: no route, or no database
		s := &state{nonce: newNonce()}
		s.portal.Name = "Gatehouse"
		c.Set(stateKey, s)
		k.setHeaders(c)
		c.SetRequest(c.Request().WithContext(k.withLocale(c, s)))
	}
	sentence := a.text
	var args []any
	if f.Key != "" {
		sentence, args = f.Key, f.Args
	}
	words := T(c, sentence, args...)
	for _, p := range f.Problems {
		words += " " + T(c, p.Key, p.Args...)
	}
	view := layout.ErrorView{Status: strconv.Itoa(a.status), Title: T(c, a.title), Text: words, RequestID: RequestID(c), Missing: k.missing(c, f)}
	if f.Kind == fault.Unauthenticated {
		view.Back = &layout.Link{Label: T(c, "Sign in"), Href: "/login?next=" + queryEscape(refererPath(c))}
	} else {
		view.Back = backFrom(c)
	}
	frame := k.Frame(c, T(c, a.title))
	frame.NoIndex = true
	if errors.Is(f, db.ErrReadOnly) {
		frame.Notice = "" // it is what the page says
	}
	return k.RenderStatus(c, a.status, layout.ErrorPage(frame, view))
}

// backFrom is where an error page leads: the list of the part of the portal in which it happened.
func backFrom(c echo.Context) *layout.Link {
	path, who := c.Request().URL.Path, Actor(c)
	switch {
	case under(path, "/guides"):
		return &layout.Link{Label: T(c, "See the guides"), Href: "/guides"}
	case under(path, "/tutorials"):
		return &layout.Link{Label: T(c, "See the tutorials"), Href: "/tutorials"}
	case under(path, "/forum"):
		return &layout.Link{Label: T(c, "Go to the forum"), Href: "/forum"}
	case under(path, "/apis"):
		return &layout.Link{Label: T(c, "See the APIs"), Href: "/apis"}
	case under(path, "/search"):
		return &layout.Link{Label: T(c, "Search"), Href: "/search"}
	case under(path, "/support") && permission.Staff(who.StaffRole, permission.StaffQuestionsRead):
		return &layout.Link{Label: T(c, "Go to the queue"), Href: "/support"}
	case who.SignedIn():
		return &layout.Link{Label: T(c, "Go to the console"), Href: "/console"}
	}
	return nil
}

// Problem is a problem document (RFC 9457) with the members that Gatehouse adds: code, request_id, errors, and of a missing permission its name, who has it and who can give it.
type Problem struct {
	Type      string         `json:"type"`
	Title     string         `json:"title"`
	Status    int            `json:"status"`
	Detail    string         `json:"detail,omitempty"`
	Code      string         `json:"code"`
	RequestID string         `json:"request_id"`
	Lacks     string         `json:"permission,omitempty"` // that was missing
	Roles     []string       `json:"roles,omitempty"`      // that have it
	GivenBy   []string       `json:"given_by,omitempty"`   // the roles that can give it
	Errors    []ProblemField `json:"errors,omitempty"`
}

// ProblemField is one wrong member of the input, by JSON pointer.
type ProblemField struct {
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}

// ErrorsPage is the guide that explains each code. The type of a problem document leads there.
const ErrorsPage = "/guides/errors"

// WriteProblem answers a program. The text is English: programs go by code.
func (k *Kit) WriteProblem(w http.ResponseWriter, status int, f *fault.Error, requestID string) error {
	p := Problem{Title: http.StatusText(status), Status: status, Code: f.Code, RequestID: requestID}
	if p.Code == "" {
		p.Code = strings.ToUpper(strings.ReplaceAll(f.Kind.String(), " ", "_"))
	}
	p.Type = k.BaseURL.String() + ErrorsPage + "#" + p.Code
	if f.Key != "" && f.Kind != fault.Internal {
		p.Detail = text.Message{Key: f.Key, Args: f.Args}.String()
	}
	for _, e := range f.Problems {
		p.Errors = append(p.Errors, ProblemField{"/" + e.Field, text.Message{Key: e.Key, Args: e.Args}.String()})
	}
	p.Lacks, p.Roles, p.GivenBy = lacked(f)
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	return json.NewEncoder(w).Encode(p)
}
