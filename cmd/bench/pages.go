package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// pagesSection is R9: the console's list of keys, 100 rows, signed in, over the filled SQLite database.
func pagesSection(ctx context.Context, b *bench) error {
	p, err := b.gatehouse(ctx)
	if err != nil {
		return err
	}
	token, err := b.filled.visitor(ctx)
	if err != nil {
		return err
	}
	const pages = 300
	var size int
	if size, err = page(ctx, b.portal, token); err != nil { // warms statements and templates
		return err
	}
	before := p.cpu()
	for range pages {
		if size, err = page(ctx, b.portal, token); err != nil {
			return err
		}
	}
	fmt.Printf("console list of 100 keys: %.2f ms of CPU a page, %.1f kB of HTML\n", (p.cpu()-before).Seconds()*1000/pages, float64(size)/1000)
	return nil
}

func page(ctx context.Context, address, token string) (size int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/console/keys?size=100", nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Accept-Encoding", "identity")
	r.AddCookie(&http.Cookie{Name: "gatehouse-session", Value: token}) //nolint:gosec // on loopback
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("the list answered %s", answer.Status)
	}
	return len(body), err
}

// visitor signs somebody in who is a member of the first organization, which has a hundred keys.
func (f filled) visitor(ctx context.Context) (token string, err error) {
	d, err := db.Open(ctx, db.Options{URL: "sqlite:" + filepath.Join(f.dir, "gatehouse.db")})
	if err != nil {
		return "", err
	}
	defer func() { _ = d.Close() }()
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails, says crypto/rand
	token = hex.EncodeToString(raw)
	digest := sha256.Sum256([]byte(token))
	return token, d.Tx(ctx, func(tx *db.Tx) error {
		w, user := &writer{tx: tx}, db.NewID()
		w.run("INSERT INTO users (id, email, name, display_name, email_verified_at, approved_at, created_at, updated_at) VALUES (?, ?, 'Bench', 'Bench', ?, ?, ?, ?)", user, user.String()+"@bench.example", tx.Now, tx.Now, tx.Now, tx.Now)
		w.run("INSERT INTO members (organization_id, user_id, role, created_at) SELECT id, ?, 'owner', ? FROM organizations WHERE name = 'Organization 0'", user, tx.Now)
		w.run("INSERT INTO sessions (id, digest, user_id, reauthenticated_at, last_seen_at, expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)", db.NewID(), digest[:], user, tx.Now, tx.Now, tx.Now.Add(time.Hour), tx.Now)
		return w.err
	})
}
