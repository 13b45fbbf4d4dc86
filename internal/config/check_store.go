package config

import (
	"net/mail"
	"net/url"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/internal/smtp"
)

// What url.Parse says when it fails repeats the whole text, password and all, so none of these pass its error on.

func checkDatabase(raw variables, settings *Settings, problems *Problems) {
	const right = "Write postgres://user:password@host:5432/name, or sqlite: and a path" //nolint:gosec // no password of anybody
	text := raw.DatabaseURL
	if text == "" {
		settings.Database.SQLitePath = filepath.Join(raw.DataDir, "gatehouse.db")
		return
	}
	if path, is := strings.CutPrefix(text, "sqlite:"); is {
		if path == "" || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "?#") {
			problems.add("GATEHOUSE_DATABASE_URL", "starts with sqlite: but goes on with no plain path", "Write sqlite:data/gatehouse.db or sqlite:/var/lib/gatehouse/gatehouse.db")
		}
		settings.Database.SQLitePath = path
		return
	}
	address, err := url.Parse(text)
	switch {
	case err != nil || address.Scheme != "postgres" && address.Scheme != "postgresql":
		problems.add("GATEHOUSE_DATABASE_URL", "is neither a postgres:// address nor sqlite: and a path", right)
	case address.Host == "" && address.Query().Get("host") == "":
		problems.add("GATEHOUSE_DATABASE_URL", "names no host", right)
	case strings.Trim(address.Path, "/") == "":
		problems.add("GATEHOUSE_DATABASE_URL", "names no database", right)
	}
	settings.Database.PostgresURL = NewSecret(text)
}

func checkRedis(raw variables, settings *Settings, problems *Problems) {
	if raw.RedisURL == "" {
		return
	}
	address, err := url.Parse(raw.RedisURL)
	if err != nil || address.Scheme != "redis" && address.Scheme != "rediss" || address.Hostname() == "" {
		problems.add("GATEHOUSE_REDIS_URL", "is no redis:// or rediss:// address with a host", "Write redis://:password@host:6379/0")
	}
	settings.RedisURL = NewSecret(raw.RedisURL)
}

func checkSecrets(raw variables, settings *Settings, problems *Problems) {
	checkSecret("GATEHOUSE_SECRET", raw.Secret, problems)
	// Several previous ones are parted by commas or spaces.
	for _, previous := range strings.FieldsFunc(raw.SecretPrevious, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		checkSecret("GATEHOUSE_SECRET_PREVIOUS", previous, problems)
		if secret.Equal(previous, raw.Secret) {
			problems.add("GATEHOUSE_SECRET_PREVIOUS", "is the same as GATEHOUSE_SECRET", "Remove it, or set GATEHOUSE_SECRET to a new one")
		}
	}
	settings.Secret, settings.SecretPrevious = NewSecret(raw.Secret), NewSecret(raw.SecretPrevious)
}

// checkSecret refuses what a person made up, by the rule under which it will be used.
func checkSecret(name, text string, problems *Problems) {
	if text == "" {
		return
	}
	if _, err := secret.Parse(text, ""); err != nil {
		problems.add(name, "can be guessed ("+strings.TrimPrefix(err.Error(), "secret: ")+")", "Make one with: openssl rand -base64 48")
	}
}

func checkMail(raw variables, settings *Settings, problems *Problems) {
	if raw.MailFrom != "" {
		from, err := mail.ParseAddress(raw.MailFrom)
		if err != nil || strings.ContainsAny(raw.MailFrom, "\r\n") {
			problems.add("GATEHOUSE_MAIL_FROM", "is no mail address", "Write developers@example.com or Example Developers <developers@example.com>")
		} else {
			settings.MailFrom = *from
		}
	}
	if raw.SMTPURL == "" {
		return
	}
	if _, err := smtp.Parse(raw.SMTPURL); err != nil {
		problems.add("GATEHOUSE_SMTP_URL", err.Error(), "Write smtp://user:password@host:587, or smtps://user:password@host:465")
	}
	if raw.MailFrom == "" {
		problems.add("GATEHOUSE_MAIL_FROM", "is not set, but GATEHOUSE_SMTP_URL is", "Give the address from which mail is sent")
	}
	settings.SMTPURL = NewSecret(raw.SMTPURL)
}
