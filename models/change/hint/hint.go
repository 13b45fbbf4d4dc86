// Package hint tells a poller of the change feed that it is worth looking now. A hint says nothing else: whoever forges one causes a look,
// whoever suppresses it leaves the poller to its own pace. PostgreSQL notifies at each commit that writes to the feed (package change); Redis
// passes on what the process that wrote it calls out after its commit.
package hint

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Source listens until ctx ends or what it listens to breaks off, and returns why. It calls heard when it begins to listen, since something
// may have been said before, and at each hint.
type Source func(ctx context.Context, heard func()) error

// How long the next try waits after one that failed, and how often a silent connection is asked whether it is still there.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
	askEvery   = 15 * time.Second
	askTimeout = 5 * time.Second
)

// Ear listens to a source, again and again.
type Ear struct {
	name   string
	source Source
	wake   func()
	hears  atomic.Bool
}

// NewEar returns an ear that calls wake, which must not block, at each hint. The name is for the log.
func NewEar(name string, source Source, wake func()) *Ear {
	return &Ear{name: name, source: source, wake: wake}
}

// Name is what it listens to, as it was given.
func (e *Ear) Name() string { return e.name }

// Hears reports whether it listens right now, as far as it knows.
func (e *Ear) Hears() bool { return e.hears.Load() }

// Run listens until ctx ends. When the source breaks off it tries again, at first soon and then every five seconds.
func (e *Ear) Run(ctx context.Context) {
	pause := firstPause
	for {
		err := e.source(ctx, func() {
			if e.hears.CompareAndSwap(false, true) {
				slog.Info("hints of changes are heard", "by", e.name)
			}
			e.wake()
		})
		if ctx.Err() != nil {
			return
		}
		if e.hears.CompareAndSwap(true, false) {
			pause = firstPause
			slog.Warn("hints of changes are cut off; the feed is read four times a second", "by", e.name, "error", err)
		}
		wait := time.NewTimer(pause)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return
		}
		pause = min(2*pause, lastPause)
	}
}

// Postgres hears what PostgreSQL notifies. It takes one connection of the pool for as long as it listens, and ends it afterwards. A pooler
// between that shares connections by transaction lets it hear nothing.
func Postgres(d *db.DB) Source {
	return func(ctx context.Context, heard func()) error {
		conn, err := d.Writer().Conn(ctx)
		if err != nil {
			return fmt.Errorf("hint: %w", err)
		}
		defer func() { _ = conn.Close() }()
		var cause error
		err = conn.Raw(func(raw any) error {
			c, ok := raw.(*stdlib.Conn)
			if !ok {
				cause = errors.New("hint: not a connection of pgx")
				return nil
			}
			cause = listen(ctx, c.Conn(), heard)
			return driver.ErrBadConn // it still listens: nobody else may have it
		})
		if cause == nil {
			cause = err
		}
		return cause
	}
}

func listen(ctx context.Context, c *pgx.Conn, heard func()) error {
	if _, err := c.Exec(ctx, "LISTEN "+change.Channel); err != nil {
		return fmt.Errorf("hint: %w", err)
	}
	heard()
	for {
		quiet, cancel := context.WithTimeout(ctx, askEvery)
		_, err := c.WaitForNotification(quiet)
		silent := quiet.Err() != nil && ctx.Err() == nil
		cancel()
		switch {
		case err == nil:
			heard()
		case !silent:
			return fmt.Errorf("hint: %w", err)
		default: // nothing was said, or nothing can be heard any more
			ask, cancel := context.WithTimeout(ctx, askTimeout)
			err := c.Ping(ask)
			cancel()
			if err != nil {
				return fmt.Errorf("hint: %w", err)
			}
		}
	}
}

// Redis hears what a Crier calls out.
func Redis(client *redis.Client) Source {
	return func(ctx context.Context, heard func()) error {
		sub := client.Subscribe(ctx, change.Channel)
		defer func() { _ = sub.Close() }()
		defer context.AfterFunc(ctx, func() { _ = sub.Close() })() // which ends a read that waits
		for {
			said, err := sub.ReceiveTimeout(ctx, askEvery)
			switch said.(type) {
			case *redis.Subscription, *redis.Message:
				heard()
				continue
			case *redis.Pong:
				continue
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := ask(ctx, sub, err); err != nil {
				return err
			}
		}
	}
}

// ask tells silence from deafness.
func ask(ctx context.Context, sub *redis.PubSub, cause error) error {
	var timeout interface{ Timeout() bool }
	if !errors.As(cause, &timeout) || !timeout.Timeout() {
		return fmt.Errorf("hint: %w", cause)
	}
	if err := sub.Ping(ctx); err != nil {
		return fmt.Errorf("hint: %w", err)
	}
	if _, err := sub.ReceiveTimeout(ctx, askTimeout); err != nil {
		return fmt.Errorf("hint: %w", err)
	}
	return nil
}

// Crier calls out over Redis that there is something new. While Redis is away it is silent, and nothing waits for it.
type Crier struct {
	client *redis.Client
	due    chan struct{}
}

// NewCrier returns a crier that is silent until Run.
func NewCrier(client *redis.Client) *Crier {
	return &Crier{client: client, due: make(chan struct{}, 1)}
}

// Call has it call out soon. Calls before that are one. It never blocks.
func (c *Crier) Call() {
	select {
	case c.due <- struct{}{}:
	default:
	}
}

// Run calls out until ctx ends.
func (c *Crier) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.due:
		}
		call, cancel := context.WithTimeout(ctx, time.Second)
		_ = c.client.Publish(call, change.Channel, "").Err() // who does not hear it polls
		cancel()
	}
}
