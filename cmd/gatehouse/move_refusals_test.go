package main

import (
	"context"
	"net/http"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
)

// turnedAway is the request id of a call that is refused there.
func (i installation) turnedAway(at string) string {
	i.Helper()
	r, err := http.NewRequestWithContext(i.Context(), http.MethodGet, at+"/v1/whoami", http.NoBody)
	if err != nil {
		i.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer nobodys")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		i.Fatal(err)
	}
	_ = answer.Body.Close()
	id := answer.Header.Get("X-Request-Id")
	if answer.StatusCode != http.StatusUnauthorized || id == "" {
		i.Fatalf("%d %q", answer.StatusCode, id)
	}
	return id
}

// opens waits until a refusal can be looked up in the new database, and its file is gone.
func (i installation) opens(target, request string) {
	i.Helper()
	conn, err := pgx.Connect(i.Context(), target)
	if err != nil {
		i.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(i.Context())) }()
	tick, deadline := time.NewTicker(100*time.Millisecond), time.NewTimer(90*time.Second)
	defer tick.Stop()
	for n := 0; ; {
		if err := conn.QueryRow(i.Context(), "SELECT COUNT(*) FROM refusals WHERE request_id = $1", request).Scan(&n); err != nil {
			i.Fatal(err)
		}
		files, err := filepath.Glob(filepath.Join(i.dir, "refusals-*"))
		if err != nil {
			i.Fatal(err)
		}
		if n == 1 && len(files) == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			i.Fatalf("refusal %s: %d in the new database, %v", request, n, files)
		}
	}
}
