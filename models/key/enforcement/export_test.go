package enforcement

import (
	"context"
	"time"
)

// Steps are what Enforce does.
func (s *Store) Steps() map[string]func(context.Context, time.Time) error {
	return map[string]func(context.Context, time.Time) error{"act": s.act, "warn": s.warn, "remind": s.remind}
}
