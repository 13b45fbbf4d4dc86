package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// forumSection is R10: pages that are read, by somebody who is not signed in, over 100,000 questions with 1,000,000 posts on SQLite.
func forumSection(ctx context.Context, b *bench) error {
	began := time.Now()
	address, err := freePort()
	if err != nil {
		return err
	}
	env := []string{"GATEHOUSE_DATA_DIR=" + b.forum, "GATEHOUSE_SECRET=" + benchSecret, "GATEHOUSE_ADDR=" + address, "GATEHOUSE_TRUSTED_PROXIES=127.0.0.0/8", "GATEHOUSE_STAFF_FACTOR=optional"}
	source := "sqlite:" + filepath.Join(b.forum, "gatehouse.db")
	if b.forumURL != "" {
		source, env = b.forumURL, append(env, "GATEHOUSE_DATABASE_URL="+b.forumURL)
	}
	if err := os.MkdirAll(b.forum, 0o700); err != nil {
		return err
	}
	f, err := fillForum(ctx, source, b.questions)
	if err != nil {
		return err
	}
	fmt.Printf("forum of %d questions and %d posts: there after %d s\n", f.questions, f.posts, int(time.Since(began).Seconds()))
	p, err := launch(ctx, address, env, b.binary, "serve")
	if err != nil {
		return err
	}
	defer p.stop()
	if err := settle(ctx, p); err != nil {
		return err
	}
	for _, page := range []struct {
		name string
		path func(n int) string
	}{
		{"forum list of 50", same("/forum")},
		{"forum list of 50, unanswered", same("/forum?show=unanswered")},
		{"forum list of 50, newest", same("/forum?sort=newest")},
		{"forum list of 50, of a tag", same("/forum?tag=tag-7")},
		{"forum list of 50, of a rare tag", same("/forum?tag=rare-tag")},
		{"question with 50 posts", same(f.longest)},
		{"guide", same("/guides/quick-start")},
		{"search over all questions", func(n int) string { return "/search?" + url.Values{"q": {f.words[n%len(f.words)]}}.Encode() }},
	} {
		if err := read(ctx, p, page.name, page.path); err != nil {
			return fmt.Errorf("%s: %w", page.name, err)
		}
	}
	return nil
}

// settle waits until the program has done what it does at its start: a page costs what it costs on a quiet day.
func settle(ctx context.Context, p *program) error {
	const step = 500 * time.Millisecond
	tick := time.NewTicker(step)
	defer tick.Stop()
	for used := p.cpu(); ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		now := p.cpu()
		if now-used < step/50 {
			return nil
		}
		used = now
	}
}

func same(path string) func(int) string { return func(int) string { return path } }

// read reads a page 300 times, as it is and compressed, and prints what that cost the server.
func read(ctx context.Context, p *program, name string, path func(int) string) error {
	const pages = 300
	var cost [2]float64
	var size int
	for i, encoding := range []string{"identity", "gzip"} {
		if _, err := fetch(ctx, p.address, path(0), encoding, "203.0.113.1"); err != nil { // warms statements and templates
			return err
		}
		before := p.cpu()
		for n := range pages {
			got, err := fetch(ctx, p.address, path(n), encoding, fmt.Sprintf("198.51.100.%d", n%250))
			if err != nil {
				return err
			}
			if i == 0 {
				size = got
			}
		}
		cost[i] = (p.cpu() - before).Seconds() * 1000 / pages
	}
	fmt.Printf("%s: %.2f ms of CPU a page, %.2f with gzip, %.1f kB of HTML\n", name, cost[0], cost[1], float64(size)/1000)
	return nil
}

// fetch reads a page as a visitor at an address: what each may search is limited.
func fetch(ctx context.Context, address, path, encoding, from string) (size int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Accept-Encoding", encoding)
	r.Header.Set("X-Forwarded-For", from)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s", path, answer.Status)
	}
	return len(body), err
}
