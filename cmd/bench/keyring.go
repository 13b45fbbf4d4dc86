package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// revoked is how many keys are revoked one after another, in each of the two runs.
const revoked = 1000

// revocationSection is R13: how long after the commit of a revocation three processes over one PostgreSQL refuse the key, under load; with hints, and
// by polling alone. It needs -postgres, an empty database that it fills.
func revocationSection(ctx context.Context, b *bench) error {
	if b.postgresURL == "" {
		fmt.Println("revocation: left out, it needs -postgres with an empty database")
		return nil
	}
	f, err := fillPostgres(ctx, b.postgresURL, 2*revoked+inUse)
	if err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	for i, mode := range []string{"with hints", "by polling alone"} {
		if i == 1 {
			if err := mute(ctx, b.postgresURL); err != nil {
				return fmt.Errorf("take hints away: %w", err)
			}
		}
		if err := b.revocations(ctx, f, mode, f.texts[inUse+i*revoked:inUse+(i+1)*revoked]); err != nil {
			return fmt.Errorf("%s: %w", mode, err)
		}
	}
	return nil
}

// mute takes PostgreSQL's hints away from connections that are opened from now on: what the program calls is found before PostgreSQL's own.
func mute(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err1 := conn.Exec(ctx, "CREATE OR REPLACE FUNCTION public.pg_notify(text, text) RETURNS void LANGUAGE sql AS ''")
	_, err2 := conn.Exec(ctx, `DO $$ BEGIN EXECUTE 'ALTER DATABASE "' || current_database() || '" SET search_path = public, pg_catalog'; END $$`)
	return errors.Join(err1, err2)
}

func fillPostgres(ctx context.Context, url string, n int) (filled, error) {
	d, err := db.Open(ctx, db.Options{URL: url})
	if err != nil {
		return filled{}, err
	}
	defer func() { _ = d.Close() }()
	return fillInto(ctx, d, n)
}

// revocations starts three processes, loads them, and revokes keys through a fourth connection.
func (b *bench) revocations(ctx context.Context, f filled, mode string, texts []string) error {
	dir, err := os.MkdirTemp("", "gatehouse-revocation-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var edges []string
	loaded := make(chan error, 3)
	for i := range 3 {
		portal, err1 := freePort()
		edge, err2 := freePort()
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		p, err := launch(ctx, edge, []string{
			"GATEHOUSE_DATA_DIR=" + filepath.Join(dir, fmt.Sprint(i)), "GATEHOUSE_DATABASE_URL=" + b.postgresURL, "GATEHOUSE_SECRET=" + benchSecret, "GATEHOUSE_ADDR=" + portal, "GATEHOUSE_EDGE_ADDR=" + edge,
		}, b.binary, "serve")
		if err != nil {
			return err
		}
		defer p.stop()
		edges = append(edges, edge)
	}
	for _, edge := range edges {
		go func() {
			l := load{address: edge, connections: 4, requests: f.verifications(f.texts[:inUse])}
			_, err := l.run(ctx, time.Hour)
			loaded <- err
		}()
	}
	delays, err := f.measure(ctx, b.postgresURL, edges, texts)
	cancel()
	for range edges {
		if failed := <-loaded; failed != nil && !strings.Contains(failed.Error(), "timeout") {
			err = errors.Join(err, failed)
		}
	}
	if err != nil {
		return err
	}
	slices.Sort(delays)
	n := len(delays)
	fmt.Printf("revocation seen on three processes under load, %s: median %d ms, p99 %d ms, most %d ms (%d revocations)\n",
		mode, delays[n/2].Milliseconds(), delays[n*99/100].Milliseconds(), delays[n-1].Milliseconds(), n)
	return nil
}

// measure revokes one key after another, and tells for each how long it took until the last of the processes refused it.
func (f filled) measure(ctx context.Context, url string, edges, texts []string) ([]time.Duration, error) {
	d, err := db.Open(ctx, db.Options{URL: url, MaxConns: 1})
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Close() }()
	digester, err := benchDigester()
	if err != nil {
		return nil, err
	}
	var delays []time.Duration
	for _, text := range texts {
		for _, edge := range edges {
			if code, err := f.ask(ctx, edge, text); err != nil || code != "VALID" {
				return nil, fmt.Errorf("before its revocation a key is %q: %w", code, err)
			}
		}
		if err := revokeKey(ctx, d, digester.Sum(text)); err != nil {
			return nil, err
		}
		committed := time.Now()
		seen := make(chan error, len(edges))
		for _, edge := range edges {
			go func() { seen <- f.untilRevoked(ctx, edge, text) }()
		}
		for range edges {
			if err := <-seen; err != nil {
				return nil, err
			}
		}
		delays = append(delays, time.Since(committed))
	}
	return delays, nil
}

func revokeKey(ctx context.Context, d *db.DB, digest apikey.Digest) error {
	return d.Tx(ctx, func(tx *db.Tx) error {
		var rows []struct{ ID db.ID }
		if err := tx.Raw("UPDATE keys SET revoked_at = ? WHERE digest = ? RETURNING id", tx.Now, digest[:]).Scan(&rows).Error; err != nil {
			return err
		}
		for _, r := range rows {
			change.Record(tx, change.Key, r.ID)
		}
		return nil
	})
}

func (f filled) untilRevoked(ctx context.Context, edge, text string) error {
	for {
		code, err := f.ask(ctx, edge, text)
		if err != nil || code == "REVOKED" {
			return err
		}
		if code != "VALID" {
			return fmt.Errorf("a revoked key is %s", code)
		}
	}
}

// ask is one call of verify, and the code that it was answered.
func (f filled) ask(ctx context.Context, edge, text string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+edge+"/v1/keys/verify", strings.NewReader(`{"key":"`+text+`","cost":0}`))
	if err != nil {
		return "", err
	}
	r.Header.Set("Authorization", "Bearer "+f.gateway)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	_, rest, _ := strings.Cut(string(body), `"code":"`)
	code, _, _ := strings.Cut(rest, `"`)
	return code, err
}
