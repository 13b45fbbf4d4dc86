package handlers

import (
	"context"
	"log/slog"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// newRing makes the picture of keys, empty. One that is kept whole is believed for longer, since it is read anew all the time.
func newRing(o Options, loader *key.Loader) *keyring.Ring {
	ttl := keyring.DefaultTTL
	switch {
	case o.Settings.KeyringWhole:
		ttl = keyring.MaxTTL
	case o.Settings.KeyringStrict:
		ttl = 0
	}
	return keyring.NewRing(current{loader, o.DB}, keyring.Options{TTL: ttl, StaleMax: o.Settings.StaleMax, Now: o.DB.Clock})
}

// current is the loader of a database while that is the one that counts.
type current struct {
	*key.Loader
	db *db.DB
}

// Changes implements keyring.Loader. It fails with db.ErrLeft when the database was moved elsewhere: what is revoked now is revoked there.
func (c current) Changes(ctx context.Context, seq int64) ([]keyring.Change, int64, error) {
	if err := c.db.Left(ctx); err != nil {
		return nil, 0, err
	}
	return c.Loader.Changes(ctx, seq)
}

// loaded reports whether what is to be read before the first request has been.
func (e engine) loaded() bool { return !e.whole || e.ring.Whole() }

// readAhead reads keys before they are asked for: all, again and again, or once those that were used lately, so that the first calls after
// a start need not wait for the database.
func (e engine) readAhead(ctx context.Context) {
	if e.whole {
		began := e.now()
		e.ring.KeepWhole(ctx, func(keys int, err error) {
			if err != nil {
				slog.Error("keys can’t be read whole; they are read when they are used", "error", err)
				return
			}
			slog.Info("all living keys are in memory", "keys", keys, "ms", e.now().Sub(began).Milliseconds())
		})
		return
	}
	ids, err := e.loader.LastUsed(ctx, warmKeys)
	if err == nil {
		err = e.ring.Read(ctx, ids)
	}
	if err != nil && ctx.Err() == nil {
		slog.Warn("keys were not read ahead", "error", err)
	}
}

// keepFresh reads keys in use anew before they have to be waited for. Where all are kept in memory, all are read anew anyway.
func (e engine) keepFresh(ctx context.Context) {
	if !e.whole {
		e.ring.KeepFresh(ctx)
	}
}
