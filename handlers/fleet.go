package handlers

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/change/hint"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/replica"
)

// fleet is what ties this process to the others over the same database: hints of their changes, and the row by which they know of it.
type fleet struct {
	heart *replica.Heart
	ears  []*hint.Ear
	crier *hint.Crier // nil without Redis
}

// join makes the fleet of e, whose ring and Redis are there. Nothing runs yet.
func (e *engine) join(o Options) fleet {
	var f fleet
	if o.DB.Dialect == db.Postgres {
		f.ears = append(f.ears, hint.NewEar("PostgreSQL", hint.Postgres(o.DB), e.ring.Hint))
	}
	if e.redis != nil {
		f.ears = append(f.ears, hint.NewEar("Redis", hint.Redis(e.redis), e.ring.Hint))
		f.crier = hint.NewCrier(e.redis)
		o.DB.OnCommit(func([]db.Change) { f.crier.Call() })
	}
	ring, client, ears := e.ring, e.redis, f.ears
	serving := ""
	if o.DB.Dialect == db.SQLite {
		serving = o.DB.Path + ".serving" // all who serve a file are on its machine
	}
	f.heart = replica.NewHeart(replica.HeartOptions{
		DB: o.DB, Name: o.Replica, Version: o.Version, EdgeAddr: o.Settings.EdgeAddr, Serving: serving,
		// What was spent of quotas as one of fewer is told before the newcomer reads how much there is left.
		Grown: func(ctx context.Context) {
			if e.flusher != nil {
				_ = e.flusher.Flush(ctx) // it has said what went wrong, and tries again
			}
		},
		Report: func(ctx context.Context) replica.Report {
			r := ringReport(ring, o.DB.Now())
			r.Spooled = e.spooled()
			for _, ear := range ears {
				r.Hint = either(r.Hint, ear.Hears())
			}
			if client != nil {
				ask, cancel := context.WithTimeout(ctx, redisPatience)
				defer cancel()
				r.Redis = either(replica.None, client.Ping(ask).Err() == nil)
			}
			return r
		},
	})
	return f
}

// redisPatience is how long a beat waits for Redis.
const redisPatience = 500 * time.Millisecond

func either(before replica.State, works bool) replica.State {
	if works || before == replica.On {
		return replica.On
	}
	return replica.Off
}

func ringReport(ring *keyring.Ring, now time.Time) replica.Report {
	stats := ring.Stats()
	return replica.Report{
		FeedSeq: max(0, ring.Position()), FeedAge: max(0, ring.Age(now)), KeysHeld: int64(ring.Len()),
		Lookups: int64(stats.Lookups), Reads: int64(stats.Misses), //nolint:gosec // far below the bound
	}
}

// loops are what runs until the context ends.
func (f fleet) loops() []func(context.Context) {
	loops := []func(context.Context){f.heart.Run}
	for _, ear := range f.ears {
		loops = append(loops, ear.Run)
	}
	if f.crier != nil {
		loops = append(loops, f.crier.Run)
	}
	return loops
}

// spooled is how many batches of usage wait for the database.
func (e *engine) spooled() int64 {
	if e.flusher == nil {
		return 0
	}
	return int64(e.flusher.State().Waiting)
}
