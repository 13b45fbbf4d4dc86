// Package witness writes lines down where whoever owns the database does not reach: into a file, such as one on a mount that can only be appended to, or at
// an address.
package witness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// Timeout of one line at an address.
const Timeout = 10 * time.Second

// To returns the function that writes one line down at target: an address that begins with https:// or http://, or else the path of a file.
// The line is there when it returns nil; after an error it may be there too.
func To(target string) func(ctx context.Context, line []byte) error {
	if strings.HasPrefix(target, "https://") || strings.HasPrefix(target, "http://") {
		return address(target)
	}
	return func(_ context.Context, line []byte) error { return file(target, line) }
}

// file appends the line, and asks the disk for it. What an earlier write left unfinished stays a line of its own.
func file(path string, line []byte) (err error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the operator's own path
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	whole := append(bytes.Clone(line), '\n')
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if last := []byte{0}; size > 0 {
		if _, err := f.ReadAt(last, size-1); err != nil {
			return err
		}
		if last[0] != '\n' {
			whole = append([]byte{'\n'}, whole...)
		}
	}
	if _, err := f.Write(whole); err != nil {
		return err
	}
	return f.Sync()
}

// address posts the line as JSON. It follows no redirect and goes by no proxy (N2).
func address(url string) func(ctx context.Context, line []byte) error {
	client := &http.Client{
		Timeout: Timeout, Transport: &http.Transport{DisableKeepAlives: true, TLSHandshakeTimeout: Timeout},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return func(ctx context.Context, line []byte) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(line))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/json")
		answer, err := client.Do(r)
		if err != nil {
			return err
		}
		defer func() { _ = answer.Body.Close() }()
		_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10))
		if answer.StatusCode < 200 || answer.StatusCode > 299 {
			return fmt.Errorf("it answered %s", answer.Status)
		}
		return nil
	}
}
