package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/config"
)

// warnUnknown names what looks like a setting and is none, with the one that was likely meant.
func warnUnknown(w *world) {
	for _, name := range config.Unknown(os.Environ()) {
		say(w.stderr, "gatehouse: %s; see gatehouse serve --help", notASetting(name))
	}
}

func notASetting(name string) string {
	if near := config.Near(name); near != "" {
		return name + " is not a setting; did you mean " + near + "?"
	}
	return name + " is not a setting"
}

// cantListen says which setting named an address at which nothing can be listened to, and what to do.
func cantListen(setting, addr string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s: another program listens at %s. Stop it, or name another address (%w)", setting, addr, err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%s: this user may not listen at %s. Name a port above 1023, or give the right to (%w)", setting, addr, err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s: this machine has no address as in %s (%w)", setting, addr, err)
	}
	return fmt.Errorf("%s: %w", setting, err)
}

// listening names where each server listens, and for what.
func listening(servers []server) string {
	var all []string
	for _, s := range servers {
		if s.purpose != "" {
			all = append(all, s.purpose+" at "+s.listener.Addr().String())
		}
	}
	return strings.Join(all, ", ")
}

// leaving logs that the process stops, and returns what logs that it has: how long that took, and what was answered meanwhile.
func leaving(cause error, drain time.Duration, now func() time.Time, servers []server) (left func(error)) {
	why, began := "interrupt", now()
	switch {
	case errors.Is(cause, errTerminated):
		why = "SIGTERM"
	default:
		drain = 0
	}
	slog.Info("stopping", "signal", why, "drain", drain.String())
	return func(err error) {
		var answered int64
		for _, s := range servers {
			if counts, ok := s.carrier.(interface{ Drained() int64 }); ok {
				answered += counts.Drained()
			}
		}
		args := []any{"took", now().Sub(began).Round(time.Millisecond).String(), "answered", answered}
		if err != nil {
			slog.Error("stopped, and not all in order", append(args, "error", err)...)
			return
		}
		slog.Info("stopped", args...)
	}
}
