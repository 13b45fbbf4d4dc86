package db

import "time"

// Reading is what a database that is followed said of the time.
type Reading struct{ f follower }

// Take takes an answer, and Now tells the time by those that were taken.
func (r *Reading) Take(said, before, after time.Time) error { return r.f.take(said, before, after) }
func (r *Reading) Now() time.Time                           { return r.f.now() }
