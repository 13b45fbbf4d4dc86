package main

import (
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/config"
)

func TestDemoKeepsToItsFolder(t *testing.T) {
	environment := map[string]string{"GATEHOUSE_DATA_DIR": "/var/lib/gatehouse", "GATEHOUSE_KEY_BRAND": "nw"}
	w := demoWorld(&world{lookupEnv: func(name string) (string, bool) { v, ok := environment[name]; return v, ok }})

	s, err := config.Load(w.lookupEnv)

	if err != nil || s.DataDir != "/var/lib/gatehouse/demo" || s.Database.SQLitePath != "/var/lib/gatehouse/demo/gatehouse.db" || s.SMTPURL.IsSet() || s.KeyBrand != "nw" {
		t.Errorf("%+v %v", s, err)
	}
}

// Its people have addresses that they never gave.
func TestMailOfTheDemoStaysOnThisMachine(t *testing.T) {
	for url, want := range map[string]bool{
		"": true, "smtp://127.0.0.1:1025": true, "smtp://localhost:1025": true, "smtp://[::1]:1025": true,
		"smtp://mail.example:587": false, "smtp://127.0.0.1.mail.example:587": false, "smtps://192.0.2.1": false,
	} {
		environment := map[string]string{"GATEHOUSE_SMTP_URL": url}
		w := demoWorld(&world{lookupEnv: func(name string) (string, bool) { v, ok := environment[name]; return v, ok && v != "" }})
		s, err := config.Load(w.lookupEnv)
		if err != nil {
			t.Fatal(url, err)
		}

		if got := mailsHere(s); got != want {
			t.Errorf("%q: %v", url, got)
		}
		if s, err := config.Load(withoutMail(w).lookupEnv); err != nil || s.SMTPURL.IsSet() {
			t.Errorf("%q is used all the same: %v", url, err)
		}
	}
}

// C2: a password that everybody can read opens nothing to the network.
func TestDemoIsForThisMachineAlone(t *testing.T) {
	for addr, want := range map[string]bool{
		"127.0.0.1:8080": true, "127.0.0.2:80": true, "[::1]:8080": true, "localhost:8080": true,
		"0.0.0.0:8080": false, ":8080": false, "192.0.2.1:8080": false, "[::]:8080": false,
	} {
		environment := map[string]string{"GATEHOUSE_ADDR": addr, "GATEHOUSE_BASE_URL": "http://127.0.0.1:8080"}
		s, err := config.Load(func(name string) (string, bool) { v, ok := environment[name]; return v, ok })
		if err != nil && want {
			t.Fatal(addr, err)
		}

		if got := err == nil && onLoopback(s); got != want {
			t.Errorf("%s: %v", addr, got)
		}
	}
	environment := map[string]string{"GATEHOUSE_BASE_URL": "https://developers.example.com", "GATEHOUSE_TRUSTED_PROXIES": "127.0.0.1"}
	s, err := config.Load(func(name string) (string, bool) { v, ok := environment[name]; return v, ok })
	if err != nil || onLoopback(s) {
		t.Error(err, "a public name")
	}
}
