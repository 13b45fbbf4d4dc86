// Package telemetry is how a process tells those who operate it what it does: its log, its figures and its traces. None of it may ever hold up, or
// change, what the process is there for.
package telemetry

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// mostWaiting is how many bytes of log wait for a sink that takes nothing: some thousand lines.
const mostWaiting = 256 << 10

// Logs stands between a structured log and its sink. Write never waits (REL-25): lines wait in memory while the sink is slow, what goes beyond 256 KiB
// is lost and counted, and the first line after a loss says how many were. Safe for concurrent use.
type Logs struct {
	sink io.Writer
	now  func() time.Time
	lost atomic.Uint64

	mu      sync.Mutex
	some    sync.Cond // there is something to write, or the end has come
	waiting []byte
	lines   uint64 // in waiting
	untold  uint64 // lost, and not said yet
	closed  bool
	done    chan struct{}
}

// NewLogs returns Logs that write to sink, from a goroutine of their own, until Close.
func NewLogs(sink io.Writer, now func() time.Time) *Logs {
	l := &Logs{sink: sink, now: now, done: make(chan struct{})}
	l.some.L = &l.mu
	go l.run()
	return l
}

// Write takes one line. It never fails, and never waits for the sink.
func (l *Logs) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.waiting)+len(line) > mostWaiting {
		l.untold++
		l.lost.Add(1)
		return len(line), nil
	}
	l.waiting = append(l.waiting, line...)
	l.lines++
	l.some.Signal()
	return len(line), nil
}

// Lost is how many lines were lost since the start.
func (l *Logs) Lost() uint64 { return l.lost.Load() }

// Close writes what waits, for as long as ctx lasts: what the sink has not taken by then stays unwritten. What comes later is lost.
func (l *Logs) Close(ctx context.Context) {
	l.mu.Lock()
	l.closed = true
	l.some.Signal()
	l.mu.Unlock()
	select {
	case <-l.done:
	case <-ctx.Done():
	}
}

// run writes until the end.
func (l *Logs) run() {
	defer close(l.done)
	var spare []byte
	for {
		l.mu.Lock()
		for len(l.waiting) == 0 && l.untold == 0 && !l.closed {
			l.some.Wait()
		}
		batch, lines, untold := l.waiting, l.lines, l.untold
		l.waiting, l.lines, l.untold = spare[:0], 0, 0
		last := l.closed
		l.mu.Unlock()
		if untold > 0 {
			batch = append(batch, l.confess(untold)...) // what is in the batch came before the loss
		}
		if len(batch) > 0 {
			if _, err := l.sink.Write(batch); err != nil {
				l.lost.Add(lines) // whether some of it arrived, nobody can tell
			}
		}
		if spare = batch; last {
			return
		}
	}
}

// confess is the line that says what was lost.
func (l *Logs) confess(lines uint64) []byte {
	var b bytes.Buffer
	record := slog.NewRecord(l.now(), slog.LevelWarn, "lines of the log were lost, since nobody took them", 0)
	record.AddAttrs(slog.Uint64("lines", lines))
	_ = slog.NewJSONHandler(&b, nil).Handle(context.Background(), record) // a buffer takes all
	return b.Bytes()
}

// The most bytes of one value in a line: what comes from outside, as in a database's or a mail server's words, can be of any length.
const (
	longestValue = 2 << 10
	longestStack = 16 << 10
)

// NewLogHandler writes lines of JSON to sink, with each value cut that is too long.
func NewLogHandler(sink io.Writer) slog.Handler {
	return slog.NewJSONHandler(sink, &slog.HandlerOptions{ReplaceAttr: cut})
}

// cut shortens what is text when it is written. What became too long says so by its end.
func cut(_ []string, a slog.Attr) slog.Attr {
	most := longestValue
	if a.Key == "stack" {
		most = longestStack
	}
	text := ""
	switch v := a.Value; v.Kind() {
	case slog.KindString:
		text = v.String()
	case slog.KindAny:
		switch x := v.Any().(type) {
		case error:
			text = x.Error()
		case fmt.Stringer:
			text = x.String()
		}
	}
	if len(text) > most {
		a.Value = slog.StringValue(strings.ToValidUTF8(text[:most], "") + "…")
	}
	return a
}
