// Package text is the message catalogue: every visible word of Gatehouse passes through it.
//
// The key of a message is its English sentence, with printf verbs where values go. Translations lie in
// catalog/<language>/<area>.json and are embedded; a sentence without one shows as its English key, so a missing entry
// is never an empty page (a test finds it instead). Numbers inside messages are written as the language writes them
// ("1,204,331" in English, "1.204.331" in German): pass a year or an id as a string, not as an int.
//
// The language and the time zone of the reader ride in the context, put there once for each request by With.
// All functions are safe for concurrent use; a sentence without verbs costs one map look-up.
package text

import (
	"context"
	"time"
)

// Locale is how one reader wants to read: a language, and the zone in which times are written.
// The zero Locale is English and UTC.
type Locale struct {
	Language Language
	Zone     *time.Location
}

type contextKey struct{}

// With returns a context in which T and the formatters write for l.
func With(ctx context.Context, l Locale) context.Context {
	if _, ok := printers[l.Language]; !ok {
		l.Language = English
	}
	if l.Zone == nil {
		l.Zone = time.UTC
	}
	return context.WithValue(ctx, contextKey{}, l)
}

// Of returns the locale of ctx: English and UTC when there is none.
func Of(ctx context.Context) Locale {
	if l, ok := ctx.Value(contextKey{}).(Locale); ok {
		return l
	}
	return Locale{Language: English, Zone: time.UTC}
}

// T writes the sentence key in the language of ctx, with args in the place of its printf verbs.
// Key must be a literal, or one marked by N, for the test of the catalogue to see it.
func T(ctx context.Context, key string, args ...any) string {
	return translate(Of(ctx).Language, key, args)
}

// N marks a literal as a key that is translated later, by T with a variable. It returns key unchanged.
func N(key string) string { return key }

// Message is a sentence made far from a page, such as the text of an error: which one, and with what values.
type Message struct {
	Key  string
	Args []any
}

// M makes a Message.
func M(key string, args ...any) Message { return Message{Key: key, Args: args} }

// In writes the message in the language of ctx. Arguments that are Messages themselves are translated first.
func (m Message) In(ctx context.Context) string {
	args := make([]any, len(m.Args))
	for i, a := range m.Args {
		if inner, ok := a.(Message); ok {
			a = inner.In(ctx)
		}
		args[i] = a
	}
	return T(ctx, m.Key, args...)
}

// String writes the message in English, for logs.
func (m Message) String() string { return m.In(context.Background()) }

// IsZero tells whether there is no message.
func (m Message) IsZero() bool { return m.Key == "" }
