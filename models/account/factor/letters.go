package factor

import (
	"context"
	"strconv"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// letter begins a letter to u that tells of something at their account, with what to do if it was not them.
func (s *Store) letter(ctx context.Context, u account.User, kind string, subject outbox.Line, lines ...outbox.Line) outbox.Letter {
	l := outbox.Letter{Kind: kind, To: u.Email, UserID: u.ID, Language: u.Language, TimeZone: u.TimeZone, Subject: subject, Urgency: outbox.Guarding}
	l.Lines = append([]outbox.Line{outbox.L("Hello %s,", u.Name)}, lines...)
	button := outbox.L("See your second factors")
	l.Button, l.URL = &button, s.o.Link("/console/account/security")
	l.After = []outbox.Line{outbox.L("If it was not you, choose a new password at once, and tell the people who run this portal.")}
	return l
}

func moment(u account.User, t time.Time) string {
	l := text.Locale{Language: text.Language(u.Language), Zone: u.Location()}
	return text.DateTime(text.With(context.Background(), l), t)
}

func (s *Store) letterAdded(ctx context.Context, u account.User, kind string, now time.Time) outbox.Letter {
	name := s.o.PortalName(ctx)
	told := outbox.L("An authenticator app was added to your account at %s on %s. From now on, signing in asks for a code of it.", name, moment(u, now))
	if kind == Passkey {
		told = outbox.L("A passkey was added to your account at %s on %s. It signs you in without your password, and with your password signing in now asks for a second factor.", name, moment(u, now))
	}
	l := s.letter(ctx, u, "factor_added", outbox.L("A second factor was added to your account at %s", name), told)
	l.Links = []outbox.Link{{Label: outbox.L("Choose a new password"), URL: s.o.Link("/password/forgot")}}
	l.After = []outbox.Line{outbox.L("If it was not you, remove it there at once, and then choose a new password. A new password alone does not remove it. If you can’t sign in because of it, the people who run this portal take it away: tell them in any case.")}
	return l
}

func (s *Store) letterCountedBack(ctx context.Context, u account.User, now time.Time) outbox.Letter {
	name := s.o.PortalName(ctx)
	return s.letter(ctx, u, "passkey_counted_back", outbox.L("A passkey of yours at %s was refused", name),
		outbox.L("A passkey of your account was shown at %s on %s, and what it counted had been counted before. There may be a copy of it, so it was not taken.", name, moment(u, now)),
		outbox.L("Remove that passkey, and add a new one."))
}

func (s *Store) letterRemoved(ctx context.Context, u account.User, now time.Time) outbox.Letter {
	name := s.o.PortalName(ctx)
	return s.letter(ctx, u, "factor_removed", outbox.L("A second factor was removed from your account at %s", name),
		outbox.L("A second factor was removed from your account at %s on %s.", name, moment(u, now)))
}

func (s *Store) letterCodes(ctx context.Context, u account.User, now time.Time) outbox.Letter {
	name := s.o.PortalName(ctx)
	return s.letter(ctx, u, "recovery_codes_made", outbox.L("New recovery codes for your account at %s", name),
		outbox.L("New recovery codes were made for your account at %s on %s. Those from before don’t work any more.", name, moment(u, now)))
}

func (s *Store) letterRecovery(ctx context.Context, u account.User, left int, now time.Time) outbox.Letter {
	name := s.o.PortalName(ctx)
	l := s.letter(ctx, u, "recovery_code_used", outbox.L("A recovery code was used at %s", name),
		outbox.L("Somebody, probably you, showed a recovery code instead of a second factor at %s on %s. That code does not work any more.", name, moment(u, now)),
		outbox.L("Recovery codes that still work: %s", strconv.Itoa(left)))
	if left <= 3 {
		l.Lines = append(l.Lines, outbox.L("Make new ones before you run out of them."))
	}
	return l
}

func (s *Store) letterReset(ctx context.Context, u account.User, now time.Time) outbox.Letter {
	name := s.o.PortalName(ctx)
	return s.letter(ctx, u, "factors_reset", outbox.L("Your second factors at %s were taken away", name),
		outbox.L("The people who run %s took all second factors and recovery codes from your account on %s. You sign in with your password alone until you add a factor again.", name, moment(u, now)),
		outbox.L("All browsers are signed out."))
}
