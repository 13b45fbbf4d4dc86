package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/config"
)

type environment map[string]string

func (e environment) lookup(name string) (string, bool) {
	value, found := e[name]
	return value, found
}

// production is a whole set of settings behind a proxy; with changes some of them.
func production(changes environment) environment {
	settings := environment{
		"GATEHOUSE_ADDR": "0.0.0.0:8080", "GATEHOUSE_EDGE_ADDR": "0.0.0.0:8081", "GATEHOUSE_METRICS_ADDR": "127.0.0.1:9090",
		"GATEHOUSE_BASE_URL": "https://developers.example.com/", "GATEHOUSE_TRUSTED_PROXIES": "10.0.0.5, 10.1.0.0/16,fd00::/8",
		"GATEHOUSE_DATABASE_URL": "postgres://gatehouse:hunter2@db:5432/gatehouse", "GATEHOUSE_REDIS_URL": "redis://:hunter2@cache:6379/0",
		"GATEHOUSE_SMTP_URL": "smtp://user:hunter2@mail.example.com:587", "GATEHOUSE_MAIL_FROM": "Example <dev@example.com>",
		"GATEHOUSE_SECRET": "q8F1kZ0vT5yPz7Lr2Wn9XcUe4BhJdM6s", "GATEHOUSE_KEY_BRAND": "acme", "GATEHOUSE_SIGNUP": "domains:Example.com, example.org",
		"GATEHOUSE_STALE_MAX": "5s",
	}
	for name, value := range changes {
		settings[name] = value
	}
	return settings
}

func TestNothingSetServesThisMachineAlone(t *testing.T) {
	settings, err := config.Load(environment{}.lookup)
	if err != nil {
		t.Fatal(err)
	}

	if settings.Addr != "127.0.0.1:8080" || settings.BaseURL.String() != "http://127.0.0.1:8080" || settings.Secure() {
		t.Errorf("got %s at %s", settings.Addr, settings.BaseURL)
	}
	if settings.Database.SQLitePath != filepath.Join("data", "gatehouse.db") || settings.Database.PostgresURL.IsSet() {
		t.Errorf("database %+v", settings.Database)
	}
	if settings.EdgeAddr+settings.MetricsAddr != "" || len(settings.TrustedProxies) > 0 || settings.KeyBrand != "gk" || settings.Signup.Policy != config.SignupOpen || !settings.StaffFactor || settings.NewDeviceCode || settings.StaleMax.Seconds() != 10 {
		t.Errorf("got %+v", settings)
	}
}

func TestAllSettingsAreRead(t *testing.T) {
	settings, err := config.Load(production(nil).lookup)
	if err != nil {
		t.Fatal(err)
	}

	got := fmt.Sprintln(settings.BaseURL, settings.Secure(), settings.TrustedProxies, settings.MailFrom.Address, settings.KeyBrand, settings.Signup, settings.StaleMax)
	if want := "https://developers.example.com true [10.0.0.5/32 10.1.0.0/16 fd00::/8] dev@example.com acme {domains [example.com example.org]} 5s\n"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if settings.Database.PostgresURL.Reveal() != "postgres://gatehouse:hunter2@db:5432/gatehouse" || settings.Database.SQLitePath != "" {
		t.Error("the database is another")
	}
}

// Without a mail server a code by mail would keep everybody out.
func TestACodeByMailTakesAMailServer(t *testing.T) {
	with, err := config.Load(production(environment{"GATEHOUSE_NEW_DEVICE_CODE": "yes"}).lookup)
	if err != nil || !with.NewDeviceCode {
		t.Error(with.NewDeviceCode, err)
	}

	_, err = config.Load(environment{"GATEHOUSE_NEW_DEVICE_CODE": "yes"}.lookup)

	var problems config.Problems
	if !errors.As(err, &problems) || len(problems) != 1 || problems[0].Variable != "GATEHOUSE_NEW_DEVICE_CODE" || !strings.Contains(problems[0].Wrong, "GATEHOUSE_SMTP_URL") {
		t.Error(err)
	}
}

// C1. Each line is one wrong setting; no problem repeats the text of a secret.
func TestWrongSettingsAreRefused(t *testing.T) {
	for _, wrong := range []struct{ variable, value string }{
		{"GATEHOUSE_ADDR", "8080"},
		{"GATEHOUSE_ADDR", "127.0.0.1:http"},
		{"GATEHOUSE_CONTENT_DIR", "no/such/folder"},
		{"GATEHOUSE_CONTENT_DIR", "config_test.go"},
		{"GATEHOUSE_GITHUB_KEYS_URL", "http://mirror.example.com/keys"},
		{"GATEHOUSE_GITHUB_KEYS_URL", "mirror.example.com"},
		{"GATEHOUSE_GITHUB_KEYS_URL", "https://user:pass@mirror.example.com/keys"},
		{"GATEHOUSE_ADDR", "127.0.0.1:70000"},
		{"GATEHOUSE_ADDR", "http://127.0.0.1:8080"},
		{"GATEHOUSE_EDGE_ADDR", "0.0.0.0:8080"},
		{"GATEHOUSE_ENVOY_ADDR", "0.0.0.0:8080"},
		{"GATEHOUSE_METRICS_ADDR", "metrics"},
		{"GATEHOUSE_BASE_URL", ""},
		{"GATEHOUSE_BASE_URL", "developers.example.com"},
		{"GATEHOUSE_BASE_URL", "http://developers.example.com"},
		{"GATEHOUSE_BASE_URL", "http://127.0.0.1.example.com"},
		{"GATEHOUSE_BASE_URL", "https://example.com/portal"},
		{"GATEHOUSE_BASE_URL", "https://example.com?x=1"},
		{"GATEHOUSE_BASE_URL", "https://user@example.com"},
		{"GATEHOUSE_BASE_URL", "ftp://example.com"},
		{"GATEHOUSE_BASE_URL", "https://Example.com"},
		{"GATEHOUSE_BASE_URL", "https://example.com:0"},
		{"GATEHOUSE_BASE_URL", "https://"},
		{"GATEHOUSE_BASE_URL", "javascript:alert(1)"},
		{"GATEHOUSE_TLS_CERT", "cert.pem"},
		{"GATEHOUSE_TLS_KEY", "key.pem"},
		{"GATEHOUSE_TRUSTED_PROXIES", "0.0.0.0/0"},
		{"GATEHOUSE_TRUSTED_PROXIES", "::/0"},
		{"GATEHOUSE_TRUSTED_PROXIES", "proxy.example.com"},
		{"GATEHOUSE_TRUSTED_PROXIES", "10.0.0.5/24"},
		{"GATEHOUSE_DATABASE_URL", "mysql://root:hunter2@db/x"},
		{"GATEHOUSE_DATABASE_URL", "postgres://user:hunter2@/"},
		{"GATEHOUSE_DATABASE_URL", "postgres://user:hunter2@db"},
		{"GATEHOUSE_DATABASE_URL", "postgres://user:hunter2%zz@db/x"},
		{"GATEHOUSE_DATABASE_URL", "sqlite:"},
		{"GATEHOUSE_DATABASE_URL", "sqlite:data/x.db?mode=ro"},
		{"GATEHOUSE_REDIS_URL", "cache:6379"},
		{"GATEHOUSE_REDIS_URL", "http://:hunter2@cache"},
		{"GATEHOUSE_REDIS_URL", "redis://:hunter2%zz@cache"},
		{"GATEHOUSE_SMTP_URL", "mail.example.com"},
		{"GATEHOUSE_SMTP_URL", "smtp://hunter2@mail.example.com"},
		{"GATEHOUSE_MAIL_FROM", ""},
		{"GATEHOUSE_MAIL_FROM", "developers"},
		{"GATEHOUSE_MAIL_FROM", "dev@example.com\r\nBcc: eve@example.net"},
		{"GATEHOUSE_SECRET", "hunter2"},
		{"GATEHOUSE_SECRET", strings.Repeat("hunter2", 6)},
		{"GATEHOUSE_SECRET", "please-change-me-before-production-0"},
		{"GATEHOUSE_SECRET", strings.Repeat("a", 40)},
		{"GATEHOUSE_SECRET_PREVIOUS", "q8F1kZ0vT5yPz7Lr2Wn9XcUe4BhJdM6s"},
		{"GATEHOUSE_SECRET_PREVIOUS", "hunter2"},
		{"GATEHOUSE_KEY_BRAND", "A"},
		{"GATEHOUSE_KEY_BRAND", "gk_live"},
		{"GATEHOUSE_KEY_BRAND", "1gk"},
		{"GATEHOUSE_KEY_BRAND", "abcdefghijk"},
		{"GATEHOUSE_STAFF_FACTOR", "no"},
		{"GATEHOUSE_NEW_DEVICE_CODE", "on"},
		{"GATEHOUSE_SIGNUP", "everybody"},
		{"GATEHOUSE_SIGNUP", "domains:"},
		{"GATEHOUSE_SIGNUP", "domains"},
		{"GATEHOUSE_SIGNUP", "domains:@example.com"},
		{"GATEHOUSE_SIGNUP", "open:example.com"},
		{"GATEHOUSE_USAGE_SPOOL_MB", "-1"},
		{"GATEHOUSE_USAGE_SPOOL_MB", "256MB"},
		{"GATEHOUSE_USAGE_KEEP", "2,100"},
		{"GATEHOUSE_PASSWORD_PASSES", "1"},
		{"GATEHOUSE_PASSWORD_PASSES", "11"},
		{"GATEHOUSE_PASSWORD_PASSES", "many"},
		{"GATEHOUSE_USAGE_KEEP", "1,100,1000"},
		{"GATEHOUSE_DRAIN", "2m"},
		{"GATEHOUSE_DRAIN", "-1s"},
		{"GATEHOUSE_KEYRING", "eager"},
		{"GATEHOUSE_KEYRING", "Strict"},
		{"GATEHOUSE_STALE_MAX", "0s"},
		{"GATEHOUSE_STALE_MAX", "2m"},
		{"GATEHOUSE_STALE_MAX", "10"},
		{"GATEHOUSE_STALE_MAX", "-1s"},
	} {
		_, err := config.Load(production(environment{wrong.variable: wrong.value}).lookup)

		var problems config.Problems
		if !errors.As(err, &problems) {
			t.Errorf("%s=%q was taken", wrong.variable, wrong.value)
			continue
		}
		if !slices.ContainsFunc(problems, func(p config.Problem) bool {
			return strings.HasPrefix(p.Variable, wrong.variable) || strings.Contains(p.Wrong, wrong.variable)
		}) {
			t.Errorf("%s=%q is not named in %v", wrong.variable, wrong.value, err)
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: a secret shows in %v", wrong.variable, err)
		}
	}
}

// C1
func TestHTTPSNeedsSomebodyWhoSpeaksIt(t *testing.T) {
	_, err := config.Load(production(environment{"GATEHOUSE_TRUSTED_PROXIES": ""}).lookup)

	if err == nil || !strings.Contains(err.Error(), "GATEHOUSE_TLS_CERT") || !strings.Contains(err.Error(), "GATEHOUSE_TRUSTED_PROXIES") {
		t.Errorf("got %v", err)
	}
}

func TestAllProblemsAreNamedAtOnce(t *testing.T) {
	_, err := config.Load(environment{"GATEHOUSE_ADDR": "nowhere", "GATEHOUSE_SIGNUP": "maybe", "GATEHOUSE_KEY_BRAND": "!", "GATEHOUSE_STALE_MAX": "soon"}.lookup)

	for _, name := range []string{"GATEHOUSE_ADDR", "GATEHOUSE_SIGNUP", "GATEHOUSE_KEY_BRAND", "GATEHOUSE_STALE_MAX"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("no %s in %v", name, err)
		}
	}
}

func secretFile(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSecretsComeFromFilesToo(t *testing.T) {
	for name, value := range map[string]string{
		"GATEHOUSE_SECRET": "zq8F1kZ0vT5yPz7Lr2Wn9XcUe4BhJdM6s", "GATEHOUSE_SECRET_PREVIOUS": "zq8F1kZ0vT5yPz7Lr2Wn9XcUe4BhJdM7s",
		"GATEHOUSE_DATABASE_URL": "postgres://u:p@other/x", "GATEHOUSE_REDIS_URL": "redis://other:6379", "GATEHOUSE_SMTP_URL": "smtp://other",
	} {
		environment := production(environment{name: "", name + "_FILE": secretFile(t, value+"\n", 0o640)})

		settings, err := config.Load(environment.lookup)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}

		got := []string{settings.Secret.Reveal(), settings.SecretPrevious.Reveal(), settings.Database.PostgresURL.Reveal(), settings.RedisURL.Reveal(), settings.SMTPURL.Reveal()}
		if !slices.Contains(got, value) {
			t.Errorf("%s: the file's value is not there", name)
		}
	}
}

// C1
func TestSecretFilesThatCannotBeTrustedAreRefused(t *testing.T) {
	good := "zq8F1kZ0vT5yPz7Lr2Wn9XcUe4BhJdM6s"
	for name, path := range map[string]string{
		"readable by all": secretFile(t, good, 0o644), "empty": secretFile(t, "\n", 0o600), "too large": secretFile(t, strings.Repeat(good, 3000), 0o600),
		"missing": "no/such/file", "a folder": t.TempDir(),
	} {
		_, err := config.Load(environment{"GATEHOUSE_SECRET_FILE": path}.lookup)

		if err == nil || !strings.Contains(err.Error(), "GATEHOUSE_SECRET_FILE") || strings.Contains(err.Error(), good) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	_, err := config.Load(production(environment{"GATEHOUSE_SECRET_FILE": secretFile(t, good, 0o600)}).lookup)
	if err == nil || !strings.Contains(err.Error(), "both set") {
		t.Errorf("variable and file: got %v", err)
	}
}

func TestSettingsShowNoSecret(t *testing.T) {
	settings, err := config.Load(production(nil).lookup)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("settings", "all", settings, "secret", settings.Secret)

	shown := fmt.Sprintf("%v %+v %#v %s %q %x", settings, settings, settings, settings.Secret, settings.Secret, settings.Secret) + string(encoded) + logged.String()

	for _, secret := range []string{"hunter2", "q8F1kZ0v", fmt.Sprintf("%x", "hunter2")} {
		if strings.Contains(shown, secret) {
			t.Errorf("%q shows in %s", secret, shown)
		}
	}
}

func TestHelpNamesEachSettingAndItsFile(t *testing.T) {
	help := config.Help()

	for _, want := range []string{"GATEHOUSE_ADDR = 127.0.0.1:8080", "GATEHOUSE_STALE_MAX = 10s", "GATEHOUSE_SECRET (or GATEHOUSE_SECRET_FILE)", "GATEHOUSE_SECRET_PREVIOUS_FILE", "GATEHOUSE_SMTP_URL_FILE"} {
		if !strings.Contains(help, want) {
			t.Errorf("no %q in:\n%s", want, help)
		}
	}
}

func TestMisspeltSettingsAreNamed(t *testing.T) {
	got := config.Unknown([]string{"GATEHOUSE_BASEURL=https://example.com", "GATEHOUSE_ADDR=:1", "GATEHOUSE_SECRET_FILE=x", "GATEHOUSE_ADDR_FILE=x", "GATEHOUSE_TEST_POSTGRES_URL=x", "HOME=/"})

	if want := []string{"GATEHOUSE_ADDR_FILE", "GATEHOUSE_BASEURL"}; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}
