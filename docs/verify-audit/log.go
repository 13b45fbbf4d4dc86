package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// report is what was found.
type report struct {
	events uint64
	whole  bool   // no choice of events
	from   uint64 // the first event that was there, where the ones before it are archived
	head   string
	key    string // of the last signature, and its time
	at     string
	signed uint64 // the last event that a signature covers
}

// log is what was read so far, over all files.
type log struct {
	keys    []string
	outside map[uint64][]line // checkpoints that were kept elsewhere, by their event
	rep     report
	last    line // event; where the ones before the first are archived, their closing in its place
	opened  bool // the file: its first line was read
	filled  bool // the file: it holds an event
	closed  bool // the file: its signed end was read
}

// verify reads files that are one log, in their order.
func verify(keys []string, outside map[uint64][]line, files ...io.Reader) (report, error) {
	g := log{keys: keys, outside: outside}
	for i, r := range files {
		g.opened, g.filled, g.closed = false, false, false
		err := read(r, false, g.take)
		switch {
		case err == nil && !g.opened:
			err = errors.New("it is empty")
		case err == nil && g.rep.whole && !g.filled:
			err = errors.New("it holds no event: what comes is missing")
		case err == nil && g.rep.whole && !g.closed:
			err = fmt.Errorf("no signed end closes it: what comes is missing after event %d", g.last.Seq)
		case err == nil && !g.rep.whole && len(files) > 1:
			err = errors.New("a choice of events is no part of a log")
		}
		if err != nil {
			return g.rep, fmt.Errorf("file %d: %w", i+1, err)
		}
	}
	g.rep.head = g.last.Hash
	return g.rep, g.ended()
}

// take takes one line.
func (g *log) take(l line) error {
	if !g.opened {
		g.opened, g.rep.whole = true, l.Whole
		if l.Type != "export" || l.Version != 1 {
			return errors.New("this is no export of version 1")
		}
		return nil
	}
	if g.closed {
		return errors.New("it goes on after its end")
	}
	switch l.Type {
	case "event":
		return g.event(l)
	case "checkpoint", "end":
		if l.Seq != g.last.Seq || l.Hash != g.last.Hash || !g.filled {
			return fmt.Errorf("the %s at event %d does not fit the event before it", l.Type, l.Seq)
		}
		if err := l.signed(g.keys); err != nil {
			return fmt.Errorf("the %s at event %d: %w", l.Type, l.Seq, err)
		}
		g.rep.signed, g.rep.key, g.rep.at, g.closed = max(g.rep.signed, l.Seq), l.Key, l.At, l.Type == "end"
		return nil
	case "archive":
		return g.archived(l)
	}
	return fmt.Errorf("nothing known of lines of type %q", l.Type)
}

func (g *log) event(l line) error {
	if err := follows(l, g.last, g.rep.whole); err != nil {
		return fmt.Errorf("event %d: %w", l.Seq, err)
	}
	for _, c := range g.outside[l.Seq] {
		if c.Hash != l.Hash {
			return fmt.Errorf("event %d, or one before it, was made anew since the checkpoint of %s", l.Seq, c.At)
		}
		g.rep.signed = max(g.rep.signed, l.Seq)
	}
	g.last, g.filled = l, true
	g.rep.events++
	return nil
}

// archived takes the closing of an archived part: at the end of its file, and at the beginning of the next.
func (g *log) archived(l line) error {
	if err := l.signed(g.keys); err != nil {
		return fmt.Errorf("that events %d to %d were archived: %w", l.First, l.Last, err)
	}
	g.rep.key, g.rep.at = l.Key, l.At
	if g.last.Seq == 0 && g.rep.whole { // the first line of all: what is before it is in files that are not here
		for _, c := range g.outside[l.Last] {
			if c.Hash != l.Hash {
				return fmt.Errorf("event %d, or one before it, was made anew since the checkpoint of %s", l.Last, c.At)
			}
		}
		g.last, g.rep.from = line{Seq: l.Last, Hash: l.Hash}, l.Last+1
		return nil
	}
	if l.Last != g.last.Seq || l.Hash != g.last.Hash {
		return fmt.Errorf("events are missing, or two files are mixed up: event %d is followed by what comes after event %d", g.last.Seq, l.Last)
	}
	g.rep.signed, g.closed = max(g.rep.signed, l.Last), g.filled
	return nil
}

// follows checks one event against itself and the one before it.
func follows(l, last line, whole bool) error {
	previous, err := hex.DecodeString(l.Previous)
	if err != nil {
		return err
	}
	if whole || l.Seq == last.Seq+1 {
		before := last.Hash
		if last.Seq == 0 {
			before = strings.Repeat("0", 2*sha256.Size)
		}
		if l.Seq != last.Seq+1 || l.Previous != before {
			return fmt.Errorf("it does not follow event %d", last.Seq)
		}
	} else if l.Seq <= last.Seq {
		return fmt.Errorf("it comes after event %d", last.Seq)
	}
	if hex.EncodeToString(l.sum(previous)) != l.Hash {
		return errors.New("its content differs from its hash")
	}
	return l.personal()
}

// ended checks that nothing is missing at the end.
func (g *log) ended() error {
	if !g.rep.whole {
		return nil
	}
	for seq, c := range g.outside {
		if seq > g.last.Seq {
			return fmt.Errorf("the checkpoint of %s tells of %d events, this is the log of %d", c[0].At, seq, g.last.Seq)
		}
	}
	return nil
}

// kept reads checkpoints that were kept elsewhere.
func kept(path string, keys []string) (map[uint64][]line, error) {
	out := map[uint64][]line{}
	if path == "" {
		return out, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return out, read(f, true, func(l line) error {
		if l.Type != "checkpoint" && l.Type != "end" {
			return nil
		}
		out[l.Seq] = append(out[l.Seq], l)
		return l.signed(keys)
	})
}
