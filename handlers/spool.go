package handlers

import (
	"errors"
	"log/slog"
	"syscall"

	"github.com/gatehouse-dev/gatehouse/internal/spool"
	"github.com/gatehouse-dev/gatehouse/models/usage"
)

// newFlusher returns what stores the counts, over a spool where the settings name one. A disk that is full does not keep the edge from answering: then
// counts wait in memory (REL-8).
func newFlusher(o Options, f usage.FlusherOptions) (*usage.Flusher, error) {
	f.DB, f.Replica, f.Boot = o.DB, o.Replica, usage.NewBoot()
	if place := o.Settings.UsageSpool; place.Dir != "" {
		s, err := spool.Open(spool.Options{Dir: place.Dir, Size: place.Size, Replica: f.Replica, Boot: f.Boot, Now: o.DB.Clock})
		switch {
		case errors.Is(err, syscall.ENOSPC):
			slog.Error("no room for the usage spool: counts wait in memory, and die with the process", "folder", place.Dir, "error", err)
		case err != nil:
			return nil, err
		}
		f.Spool = s
	}
	return usage.NewFlusher(f), nil
}
