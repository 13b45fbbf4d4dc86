package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/models/demo"
)

type demoCommand struct{}

// Run fills a database of its own with the demo company, once, and serves it. Its folder is demo in the data folder, so that it never meets the
// installation's own database, unless GATEHOUSE_DATABASE_URL names one: that one has to be empty, or a demo.
func (demoCommand) Run(w *world) error {
	w = demoWorld(w)
	warnUnknown(w)
	settings, err := config.Load(w.lookupEnv)
	if err != nil {
		return err
	}
	if !onLoopback(settings) {
		return errors.New("everybody in the demo has a password that stands in its source: it is served on a loopback address only. Leave GATEHOUSE_ADDR, GATEHOUSE_EDGE_ADDR and GATEHOUSE_BASE_URL as they are, or set them to 127.0.0.1")
	}
	o, err := open(w)
	if err != nil {
		return err
	}
	err = fillDemo(w, o)
	if err == nil {
		err = serve(w, o)
	}
	return closing(err, o)
}

// demoWorld is w with the data folder's own folder demo as data folder, and without a mail server: people of the demo get no mail.
func demoWorld(w *world) *world {
	own := *w
	own.lookupEnv = func(variable string) (string, bool) {
		value, ok := w.lookupEnv(variable)
		switch variable {
		case "GATEHOUSE_DATA_DIR":
			if value == "" {
				value = "data"
			}
			return filepath.Join(value, "demo"), true
		case "GATEHOUSE_SMTP_URL", "GATEHOUSE_SMTP_URL_FILE", "GATEHOUSE_MAIL_FROM":
			return "", false
		}
		return value, ok
	}
	return &own
}

// onLoopback reports whether only programs of this machine reach the server.
func onLoopback(s config.Settings) bool {
	for _, addr := range []string{s.Addr, s.EdgeAddr, net.JoinHostPort(s.BaseURL.Hostname(), "0")} {
		host, _, err := net.SplitHostPort(addr)
		if addr == "" || host == "localhost" {
			continue
		}
		if ip, bad := netip.ParseAddr(host); err != nil || bad != nil || !ip.IsLoopback() {
			return false
		}
	}
	return true
}

func fillDemo(w *world, o *opened) error {
	began := time.Now()
	filled, err := demo.Fill(w.ctx, demo.Options{
		DB: o.db, Root: o.root, Brand: o.settings.KeyBrand, Link: func(path string) string { return o.settings.BaseURL.String() + path },
	})
	if errors.Is(err, demo.ErrHalf) && o.settings.Database.SQLitePath != "" {
		err = fmt.Errorf("%w (%s)", err, filepath.Dir(o.settings.Database.SQLitePath))
	}
	if err != nil {
		return err
	}
	if filled {
		fmt.Fprintf(w.stdout, "The demo company is ready (%s).\n", time.Since(began).Round(100*time.Millisecond))
	}
	fmt.Fprintf(w.stdout, "Sign in at %s/login with the password “%s” as\n", o.settings.BaseURL, demo.Password)
	for _, s := range demo.SignIns {
		fmt.Fprintf(w.stdout, "  %-28s %s, %s\n", s.Email, s.Name, s.Role)
	}
	return nil
}
