package telemetry

import (
	"context"
	"crypto/rand"
)

type spanKey struct{}

// Begin makes up a span of a request whose caller named a parent, or none: what is done with ctx may be recorded as parts of it. The request's own span is recorded
// at its end, with id and in.
func Begin(ctx context.Context, caller Parent) (_ context.Context, in Parent, id [8]byte) {
	if in = caller; in.Trace == [16]byte{} {
		_, _ = rand.Read(in.Trace[:])
	}
	_, _ = rand.Read(id[:])
	return context.WithValue(ctx, spanKey{}, Parent{Trace: in.Trace, Span: id}), in, id
}

// Traced reports whether what is done with ctx is part of a span.
func Traced(ctx context.Context) bool {
	if ctx == nil {
		return false
	}
	_, ok := ctx.Value(spanKey{}).(Parent)
	return ok
}

// RecordPart takes a span that is part of the one of ctx; where that has none, nothing is taken.
func (t *Traces) RecordPart(ctx context.Context, s Span) {
	if in, ok := ctx.Value(spanKey{}).(Parent); ok {
		s.Parent, s.Part = in, true
		t.Record(s)
	}
}
