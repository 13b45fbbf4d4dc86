package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// load sends prepared requests over some connections, each as soon as the last is answered. What it costs is not counted, but it should not
// be much: requests are bytes, and of an answer only status and length are read.
type load struct {
	address     string
	connections int
	requests    [][]byte
	most        int64                               // answers after which it ends; 0: when the time is over
	every       time.Duration                       // between two requests on a connection; 0: each goes as soon as the last is answered
	beside      func(context.Context) (stop func()) // what goes on meanwhile; nil: nothing
}

type result struct {
	answers int64
	took    time.Duration
	p99     time.Duration
}

// run fails on the first answer that is not 200.
func (l load) run(ctx context.Context, d time.Duration) (result, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	if l.beside != nil {
		defer l.beside(ctx)()
	}
	var sent, answered atomic.Int64
	var wg sync.WaitGroup
	times := make([][]time.Duration, l.connections)
	failures := make([]error, l.connections)
	began := time.Now()
	for i := range l.connections {
		wg.Go(func() {
			times[i], failures[i] = l.talk(ctx, &sent, &answered)
			if failures[i] != nil {
				cancel()
			}
		})
	}
	wg.Wait()
	r := result{answers: answered.Load(), took: time.Since(began)}
	all := slices.Concat(times...)
	slices.Sort(all)
	if len(all) > 0 {
		r.p99 = all[len(all)*99/100]
	}
	return r, errors.Join(failures...)
}

func (l load) talk(ctx context.Context, sent, answered *atomic.Int64) ([]time.Duration, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", l.address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	reader := bufio.NewReaderSize(conn, 8<<10)
	times := make([]time.Duration, 0, 1<<16)
	for ctx.Err() == nil {
		n := sent.Add(1)
		if l.most > 0 && n > l.most {
			break
		}
		began := time.Now()
		if _, err := conn.Write(l.requests[int(n)%len(l.requests)]); err != nil {
			return times, err
		}
		if err := readAnswer(reader); err != nil {
			return times, err
		}
		times = append(times, time.Since(began))
		answered.Add(1)
		if wait := l.every - time.Since(began); wait > 0 {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
			}
		}
	}
	return times, nil
}

var lengthHeader = []byte("content-length:")

// readAnswer reads one answer, which must be a 200 with a length or without a body.
func readAnswer(r *bufio.Reader) error {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return err
	}
	if len(line) < 12 || string(line[9:12]) != "200" {
		rest := make([]byte, min(r.Buffered(), 2000))
		_, _ = io.ReadFull(r, rest)
		return fmt.Errorf("answered %q %s", bytes.TrimSpace(line), rest)
	}
	length := 0
	for {
		if line, err = r.ReadSlice('\n'); err != nil {
			return err
		}
		if len(line) <= 2 {
			break
		}
		if len(line) > len(lengthHeader) && bytes.EqualFold(line[:len(lengthHeader)], lengthHeader) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(lengthHeader):]))); err != nil {
				return err
			}
		}
	}
	_, err = r.Discard(length)
	return err
}
