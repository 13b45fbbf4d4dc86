// Package fault is the one vocabulary of failure: what a store or a handler returns when it can't do what was asked.
// One table in handlers/web turns a kind into a status, a page or a problem document. An error that is no
// fault is Internal: it is logged once and shown as nothing but a request id.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind says which of the eight ways of failing this is.
type Kind int

// The kinds, with the status that handlers/web answers.
const (
	Internal        Kind = iota // 500: a bug or a broken dependency; details go to the log alone
	Invalid                     // 422: the input is wrong; Problems say where
	Unauthenticated             // 401: nobody is signed in, or the proof is wrong
	Forbidden                   // 403: a genuine principal without the right
	NotFound                    // 404: absent, or somebody else's
	Conflict                    // 409: the state does not allow it (any more)
	RateLimited                 // 429: too often; RetryAfter says when again
	Unavailable                 // 503: can't be answered now; RetryAfter says when again
)

var kindNames = [...]string{"internal", "invalid", "unauthenticated", "forbidden", "not found", "conflict", "rate limited", "unavailable"}

func (k Kind) String() string { return kindNames[k] }

// Problem is one wrong field of an input. Key is an English sentence of the message catalogue with Args for its verbs; it
// says what is wrong and what is right. Field is the name of the form or JSON field; empty means the whole.
type Problem struct {
	Field string
	Key   string
	Args  []any
}

// Error is a fault. Key and Args are the sentence for the person (message catalogue); Cause goes to the log only.
type Error struct {
	Kind       Kind
	Code       string // machine-readable, upper snake case; empty takes the kind's name
	Key        string
	Args       []any
	Problems   []Problem
	RetryAfter time.Duration
	Cause      error
	Lacks      string // of Forbidden: the name of the permission that was missing, when it was for want of one
	Within     string // the id, as people see it, of the organization in which; empty among staff
}

// Error is for logs and tests; pages show the translated sentence instead.
func (e *Error) Error() string {
	s := e.Kind.String()
	if e.Key != "" {
		s += ": " + fmt.Sprintf(e.Key, e.Args...)
	}
	for _, p := range e.Problems {
		s += "; " + p.Field + ": " + fmt.Sprintf(p.Key, p.Args...)
	}
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Cause }

// New makes a fault of kind k with a sentence for the person.
func New(k Kind, key string, args ...any) *Error { return &Error{Kind: k, Key: key, Args: args} }

// Wrap is New with the cause kept for the log.
func Wrap(cause error, k Kind, key string, args ...any) *Error {
	return &Error{Kind: k, Key: key, Args: args, Cause: cause}
}

// Missing is the one answer for what is absent and for what belongs to somebody else (Z2).
func Missing() *Error { return New(NotFound, "There is nothing here that you can see.") }

// Denied is the answer to a genuine principal who lacks the right.
func Denied() *Error { return New(Forbidden, "Your role does not allow this.") }

// Lacking is Denied that tells which permission was missing, and in which organization; within is empty among staff.
func Lacking(permission, within string) *Error {
	f := Denied()
	f.Lacks, f.Within = permission, within
	return f
}

// Later is RateLimited with the time after which to try again.
func Later(after time.Duration, key string, args ...any) *Error {
	return &Error{Kind: RateLimited, Key: key, Args: args, RetryAfter: after}
}

// Problems collects what is wrong with an input, so that all of it is told at once.
type Problems []Problem

// Add notes one wrong field.
func (p *Problems) Add(field, key string, args ...any) {
	*p = append(*p, Problem{Field: field, Key: key, Args: args})
}

// Check adds the problem unless ok.
func (p *Problems) Check(ok bool, field, key string, args ...any) {
	if !ok {
		p.Add(field, key, args...)
	}
}

// Err is nil when nothing was wrong, else one Invalid fault that holds all problems.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	return &Error{Kind: Invalid, Key: "Some of what you entered needs a change.", Problems: p}
}

// BadField is an Invalid fault about one field.
func BadField(field, key string, args ...any) *Error {
	return &Error{Kind: Invalid, Key: "Some of what you entered needs a change.", Problems: []Problem{{field, key, args}}}
}

// KindOf is the kind of err; Internal for an error that is no fault.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Is reports whether err is a fault of kind k. Is(nil, …) is false.
func Is(err error, k Kind) bool { return err != nil && KindOf(err) == k }

// As returns err as a fault, or nil.
func As(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}
