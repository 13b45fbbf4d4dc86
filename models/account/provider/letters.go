package provider

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

func moment(language, zone string, t time.Time) string {
	l := text.Locale{Language: text.Language(language), Zone: account.User{TimeZone: zone}.Location()}
	return text.DateTime(text.With(context.Background(), l), t)
}

// letterProof goes to an address that nobody has verified: it holds no words of whoever entered it.
func (s *Store) letterProof(ctx context.Context, v Visit, token string, until time.Time) outbox.Letter {
	name, label, reader := s.o.PortalName(ctx), s.Label(v.Issuer), text.Of(ctx)
	l := outbox.Letter{Kind: "provider_proof", To: v.Address, Language: string(reader.Language), TimeZone: reader.Zone.String(), ExpiresAt: until, Urgency: outbox.Awaited}
	l.Subject = outbox.L("Sign in to %s by %s", name, label)
	l.Lines = []outbox.Line{
		outbox.L("Hello,"),
		outbox.L("Somebody, probably you, signed in to %s by %s with this address. Show that it is yours, and the two belong together from then on.", name, label),
	}
	button := outbox.L("Show that it is mine")
	l.Button, l.URL = &button, s.o.Link("/login/visit/proof?token="+token)
	l.After = []outbox.Line{
		outbox.L("The link works once, until %s, in the browser where it was asked for.", moment(l.Language, l.TimeZone, until)),
		outbox.L("If it was not you, do nothing: without this mail nobody gets in."),
	}
	return l
}

func (s *Store) letter(u account.User, kind string, subject outbox.Line, lines ...outbox.Line) outbox.Letter {
	l := outbox.Letter{Kind: kind, To: u.Email, UserID: u.ID, Language: u.Language, TimeZone: u.TimeZone, Subject: subject, Urgency: outbox.Guarding}
	l.Lines = append([]outbox.Line{outbox.L("Hello %s,", u.Name)}, lines...)
	button := outbox.L("See your providers")
	l.Button, l.URL = &button, s.o.Link("/console/account/providers")
	l.Links = []outbox.Link{{Label: outbox.L("Choose a new password"), URL: s.o.Link("/password/forgot")}}
	l.After = []outbox.Line{outbox.L("If it was not you, choose a new password at once by “I forgot my password”: that unlinks all providers and signs all browsers out. Changing the password on the account’s page unlinks none. Then tell the people who run this portal.")}
	return l
}

func (s *Store) letterLinked(ctx context.Context, u account.User, label, address string, now time.Time) outbox.Letter {
	name := s.o.PortalName(ctx)
	at := moment(u.Language, u.TimeZone, now)
	told := outbox.L("Since %s an account at %s signs in to your account at %s.", at, label, name)
	if address != "" {
		told = outbox.L("Since %s the account %v at %s signs in to your account at %s.", at, address, label, name)
	}
	return s.letter(u, "provider_linked", outbox.L("%s now signs in to your account at %s", label, name), told)
}

func (s *Store) letterUnlinked(ctx context.Context, u account.User, label string, now time.Time) outbox.Letter {
	name := s.o.PortalName(ctx)
	return s.letter(u, "provider_unlinked", outbox.L("%s does not sign in to your account at %s any more", label, name),
		outbox.L("Your account at %s was unlinked from %s on %s.", name, label, moment(u.Language, u.TimeZone, now)))
}
