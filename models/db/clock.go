package db

import "time"

// Clock tells the time. Everything that asks for it takes a Clock, so that tests turn it by hand.
type Clock func() time.Time

// SystemClock is UTC, cut to microseconds: what both databases keep.
func SystemClock() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
