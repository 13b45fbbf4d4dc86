package main

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
)

// slowReader is a server with a request that never finishes.
type slowReader struct{}

func (*slowReader) Serve(net.Listener) error { return nil }
func (*slowReader) Drain()                   {}

func (*slowReader) Shutdown(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// idle is a server that can end in order as long as it is given time.
type idle struct {
	slowReader
	ended error
}

func (i *idle) Shutdown(ctx context.Context) error {
	i.ended = ctx.Err()
	return i.ended
}

// REL-5, REL-6
func TestASlowReaderOfAPageTakesNoTimeFromTheEdge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		edge := &idle{}

		err := shutdown([]server{{carrier: &slowReader{}}, {carrier: edge}})

		if err == nil || edge.ended != nil {
			t.Error(err, edge.ended)
		}
	})
}
