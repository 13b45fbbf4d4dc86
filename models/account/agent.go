package account

import (
	"context"
	"slices"

	"github.com/mileusna/useragent"

	"github.com/gatehouse-dev/gatehouse/internal/text"
)

// The browsers and systems that are told by name. What a browser calls itself besides may be anything that somebody typed, and mails hold none of that.
var (
	browsers = []string{
		useragent.Chrome, useragent.HeadlessChrome, useragent.Firefox, useragent.Safari, useragent.MobileSafari, useragent.Edge, useragent.Opera, useragent.OperaMini,
		useragent.OperaTouch, useragent.Vivaldi, useragent.SamsungBrowser, useragent.InternetExplorer,
	}
	systems = []string{useragent.Windows, useragent.Android, useragent.MacOS, useragent.IOS, useragent.Linux, useragent.FreeBSD, useragent.ChromeOS, useragent.CrOS, useragent.Harmony}
)

// AgentWords puts how a browser names itself into words that a person recognizes: "Firefox on Linux".
func AgentWords(ctx context.Context, userAgent string) string {
	ua := useragent.Parse(userAgent)
	switch {
	case !slices.Contains(browsers, ua.Name):
		return text.T(ctx, "Unknown browser")
	case !slices.Contains(systems, ua.OS):
		return ua.Name
	}
	return text.T(ctx, "%s on %s", ua.Name, ua.OS)
}

var meansWords = map[Means]string{
	ByPassword: text.N("Password"), ByPasskey: text.N("Passkey"), BySetup: text.N("Set-up of the portal"), ByLink: text.N("Link in a mail"), ByCode: text.N("Code from a mail"),
	withApp: text.N("Password and app"), withPasskey: text.N("Password and passkey"), withRecovery: text.N("Password and recovery code"), withMail: text.N("Password and code from a mail"),
}

// MeansWords tells by what a session began; empty for one from before that was noted.
func (s Session) MeansWords(ctx context.Context) string {
	if s.Means == ByProvider {
		return s.Provider
	}
	if words, ok := meansWords[s.Means]; ok {
		return text.T(ctx, words)
	}
	return ""
}
