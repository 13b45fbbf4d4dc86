package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/internal/smtp"
	"github.com/gatehouse-dev/gatehouse/models/demo"
)

// demoFolder is where the demo keeps all it has, in the data folder.
const demoFolder = "demo"

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
	if !mailsHere(settings) {
		fmt.Fprintln(w.stderr, "gatehouse: GATEHOUSE_SMTP_URL names a server elsewhere. People of the demo get no mail: it stays in the portal.")
		w = withoutMail(w)
	}
	if !onLoopback(settings) {
		return errors.New("everybody in the demo has a password that stands in its source: it is served on a loopback address only. Leave GATEHOUSE_ADDR, GATEHOUSE_EDGE_ADDR and GATEHOUSE_BASE_URL as they are, or set them to 127.0.0.1")
	}
	o, err := openOrMake(w)
	if err != nil {
		return err
	}
	err = fillDemo(w, o)
	if err == nil {
		err = serve(w, o, serveSample)
	}
	return closing(err, o)
}

// demoWorld is w with the data folder's own folder demo as data folder, and with a sender of mail.
func demoWorld(w *world) *world {
	own := *w
	own.lookupEnv = func(variable string) (string, bool) {
		value, ok := w.lookupEnv(variable)
		switch {
		case variable == "GATEHOUSE_DATA_DIR":
			if value == "" {
				value = "data"
			}
			return filepath.Join(value, demoFolder), true
		case variable == "GATEHOUSE_STAFF_FACTOR" && value == "": // whoever tries the demo comes in by the password that it prints
			return "optional", true
		case variable == "GATEHOUSE_MAIL_FROM" && value == "":
			return "Northwind Developers <portal@northwind.example>", true
		}
		return value, ok
	}
	return &own
}

// withoutMail is w without a mail server.
func withoutMail(w *world) *world {
	own := *w
	own.lookupEnv = func(variable string) (string, bool) {
		if variable == "GATEHOUSE_SMTP_URL" || variable == "GATEHOUSE_SMTP_URL_FILE" {
			return "", false
		}
		if variable == "GATEHOUSE_NEW_DEVICE_CODE" { // no code would arrive
			return "no", true
		}
		return w.lookupEnv(variable)
	}
	return &own
}

// mailsHere reports whether mail stays on this machine: nobody in the demo ever asked for any.
func mailsHere(s config.Settings) bool {
	if !s.SMTPURL.IsSet() {
		return true
	}
	server, err := smtp.Parse(s.SMTPURL.Reveal())
	return err == nil && isLoopback(server.Host)
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// onLoopback reports whether only programs of this machine reach the server.
func onLoopback(s config.Settings) bool {
	for _, addr := range []string{s.Addr, s.EdgeAddr, net.JoinHostPort(s.BaseURL.Hostname(), "0")} {
		host, _, err := net.SplitHostPort(addr)
		if addr != "" && (err != nil || !isLoopback(host)) {
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
	if o.settings.SMTPURL.IsSet() {
		fmt.Fprintln(w.stdout, "Mail goes to the server of GATEHOUSE_SMTP_URL.")
	} else {
		fmt.Fprintf(w.stdout, "Mail, such as the code that verifies a new account, is read at %s/admin/mail by %s.\n", o.settings.BaseURL, demo.SignIns[0].Email)
	}
	fmt.Fprintf(w.stdout, "Sign in at %s/login with the password “%s” as\n", o.settings.BaseURL, demo.Password)
	for _, s := range demo.SignIns {
		fmt.Fprintf(w.stdout, "  %-28s %s, %s\n", s.Email, s.Name, s.Role)
	}
	return nil
}
