package account

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// letter begins a letter to u at an address.
func letter(u User, kind, to string) outbox.Letter {
	return outbox.Letter{Kind: kind, To: to, UserID: u.ID, Language: u.Language, TimeZone: u.TimeZone, Urgency: outbox.Guarding}
}

func button(key string) *outbox.Line {
	l := outbox.L(key)
	return &l
}

// letterVerify goes to an address that nobody has verified: it holds no words of whoever entered it, or it could carry them to strangers.
func (s *Store) letterVerify(ctx context.Context, row signup, token, code string, now time.Time) outbox.Letter {
	l := outbox.Letter{Kind: "verify_address", To: row.Email, Language: row.Language, TimeZone: row.TimeZone, ExpiresAt: row.ExpiresAt, Urgency: outbox.Awaited}
	locale := User{Language: row.Language, TimeZone: row.TimeZone}.locale()
	l.Subject = outbox.L("Verify your address for %s", s.portalName(ctx))
	l.Lines = []outbox.Line{
		outbox.L("Hello,"),
		outbox.L("Somebody, probably you, created an account at %s with this address. Type this code on the page that is open in your browser:", s.portalName(ctx)),
	}
	l.Code = code
	l.Button, l.URL = button(text.N("Verify address")), s.link("/verify?token="+token)
	l.After = []outbox.Line{
		outbox.L("The code works until %s. The link works until %s, also on another device, where it asks for the password that you chose.", moment(locale, now.Add(CodeAge)), moment(locale, row.ExpiresAt)),
		outbox.L("If it was not you, do nothing: without this mail there will be no account."),
	}
	return l
}

func (s *Store) letterExists(ctx context.Context, row signup) outbox.Letter {
	l := outbox.Letter{Kind: "account_exists", To: row.Email, Language: row.Language, TimeZone: row.TimeZone, ExpiresAt: row.ExpiresAt, Urgency: outbox.Awaited}
	l.Subject = outbox.L("You have an account at %s already", s.portalName(ctx))
	l.Lines = []outbox.Line{
		outbox.L("Somebody, probably you, wanted to create an account at %s with this address. It has one already, so nothing was changed.", s.portalName(ctx)),
		outbox.L("Sign in with it. If you don’t know the password any more, choose a new one there."),
	}
	l.Button, l.URL = button(text.N("Sign in")), s.link("/login")
	return l
}

func (s *Store) letterReset(ctx context.Context, u User, token string, now time.Time, told ...outbox.Line) outbox.Letter {
	l := letter(u, "reset_password", u.Email)
	l.ExpiresAt, l.Urgency = now.Add(resetAge), outbox.Awaited
	l.Subject = outbox.L("Choose a new password for %s", s.portalName(ctx))
	l.Lines = append([]outbox.Line{outbox.L("Hello %s,", u.Name)}, told...)
	l.Lines = append(l.Lines, outbox.L("With this link you choose a new password for your account at %s. Providers that sign you in are then unlinked.", s.portalName(ctx)))
	l.Button, l.URL = button(text.N("Choose a new password")), s.link("/password/reset?token="+token)
	l.After = []outbox.Line{
		outbox.L("The link works once, until %s.", moment(u.locale(), l.ExpiresAt)),
		outbox.L("If you did not ask for it, do nothing: your password stays as it is."),
	}
	if u.PasswordSealed == "" {
		l.After[1] = outbox.L("Until then no password signs in to your account.")
	}
	return l
}

func (s *Store) letterPasswordChanged(ctx context.Context, u User, now time.Time, told ...outbox.Line) outbox.Letter {
	l := letter(u, "password_changed", u.Email)
	l.Subject = outbox.L("Your password for %s was changed", s.portalName(ctx))
	l.Lines = []outbox.Line{
		outbox.L("Hello %s,", u.Name),
		outbox.L("The password of your account at %s was changed on %s. Other browsers are signed out.", s.portalName(ctx), moment(u.locale(), now)),
	}
	l.Lines = append(l.Lines, told...)
	l.Lines = append(l.Lines, outbox.L("If it was not you, choose a new password at once, and tell the people who run this portal."))
	l.Button, l.URL = button(text.N("Choose a new password")), s.link("/password/forgot")
	if len(told) > 0 {
		l.Links = []outbox.Link{
			{Label: outbox.L("See your second factors"), URL: s.link("/console/account/security")},
			{Label: outbox.L("See your providers"), URL: s.link("/console/account/providers")},
		}
	}
	return l
}

// letterDevice holds nothing that whoever signed in could word: of the browser only names that we know.
func (s *Store) letterDevice(ctx context.Context, u User, in Session, d Device) outbox.Letter {
	l := letter(u, "new_device", u.Email)
	l.Subject = outbox.L("New sign-in to your account at %s", s.portalName(ctx))
	local := text.With(ctx, u.locale())
	l.Lines = []outbox.Line{
		outbox.L("Hello %s,", u.Name),
		outbox.L("Somebody, probably you, signed in to your account at %s with a browser that was not used there before.", s.portalName(ctx)),
		outbox.L("When: %s", moment(u.locale(), d.LastSeenAt)),
		outbox.L("Browser: %s", AgentWords(local, d.UserAgent)),
	}
	if d.Network != "" {
		l.Lines = append(l.Lines, outbox.L("Network: %s", d.Network))
	}
	if by := in.MeansWords(local); by != "" {
		l.Lines = append(l.Lines, outbox.L("By: %s", by))
	}
	l.Button, l.URL = button(text.N("See your sessions")), s.link("/console/account#sessions")
	l.Links = []outbox.Link{{Label: outbox.L("Choose a new password"), URL: s.link("/password/forgot")}}
	l.After = []outbox.Line{
		outbox.L("If it was you, there is nothing to do."),
		outbox.L("If it was not you, choose a new password at once: all browsers are then signed out. Look through your second factors and your keys, and tell the people who run this portal."),
	}
	return l
}

// letterCode has the code in its text alone: subjects are shown on locked screens. It holds nothing that whoever signed in could word.
func (s *Store) letterCode(ctx context.Context, u User, in Session, code string, now time.Time) outbox.Letter {
	l := letter(u, codeLetter, u.Email)
	l.ExpiresAt, l.Urgency = *in.CodeExpiresAt, outbox.Awaited
	l.Subject = outbox.L("Finish signing in to %s", s.portalName(ctx))
	l.Lines = []outbox.Line{
		outbox.L("Hello %s,", u.Name),
		outbox.L("Somebody, probably you, entered the password of your account at %s in a browser that was not used there before. If it was you, type this code on the page that is open there:", s.portalName(ctx)),
	}
	l.Code = code
	l.After = []outbox.Line{
		outbox.L("The code works once, in that browser alone, until %s. Nobody who runs the portal asks you for it.", moment(u.locale(), l.ExpiresAt)),
		outbox.L("When: %s", moment(u.locale(), now)),
		outbox.L("Browser: %s", AgentWords(text.With(ctx, u.locale()), in.UserAgent)),
	}
	if in.Network != "" {
		l.After = append(l.After, outbox.L("Network: %s", in.Network))
	}
	l.After = append(l.After, outbox.L("If it was not you, somebody knows your password: choose a new one at once."))
	l.Links = []outbox.Link{{Label: outbox.L("Choose a new password"), URL: s.link("/password/forgot")}}
	return l
}

// letterChange goes to an address that nobody has verified: it holds no words of whoever entered it.
func (s *Store) letterChange(ctx context.Context, u User, email, token string, ends time.Time) outbox.Letter {
	l := letter(u, "change_address", email)
	l.ExpiresAt, l.Urgency = ends, outbox.Awaited
	l.Subject = outbox.L("Confirm your new address for %s", s.portalName(ctx))
	l.Lines = []outbox.Line{outbox.L("Hello,"), outbox.L("Confirm that your account at %s may use this address from now on.", s.portalName(ctx))}
	l.Button, l.URL = button(text.N("Confirm address")), s.link("/console/account/email?token="+token)
	l.After = []outbox.Line{
		outbox.L("The link works once, until %s.", moment(u.locale(), l.ExpiresAt)),
		outbox.L("If you don’t know of this, do nothing: the address is not used."),
	}
	return l
}

func (s *Store) letterTaken(ctx context.Context, u User, email string) outbox.Letter {
	l := letter(u, "address_taken", email)
	l.Urgency = outbox.Awaited // as the other of RequestEmail's
	l.Subject = outbox.L("You have an account at %s already", s.portalName(ctx))
	l.Lines = []outbox.Line{outbox.L("Somebody, probably you, wanted to use this address for another account at %s. It has an account already, so nothing was changed.", s.portalName(ctx))}
	l.Button, l.URL = button(text.N("Sign in")), s.link("/login")
	return l
}

func (s *Store) letterChanged(ctx context.Context, u User, email, token string, now time.Time) outbox.Letter {
	l := letter(u, "address_changed", u.Email)
	l.ExpiresAt = now.Add(undoAge)
	l.Subject = outbox.L("Your address at %s was changed", s.portalName(ctx))
	l.Lines = []outbox.Line{
		outbox.L("Hello %s,", u.Name),
		outbox.L("Your account at %s now uses the address %v. If that was you, there is nothing to do.", s.portalName(ctx), email),
		outbox.L("If it was not you, take the address back. All browsers are then signed out, providers are unlinked, second factors that were added lately are removed, and you choose a new password."),
	}
	l.Button, l.URL = button(text.N("Take the address back")), s.link("/email/undo?token="+token)
	l.After = []outbox.Line{outbox.L("The link works once, until %s.", moment(u.locale(), l.ExpiresAt))}
	return l
}

func (s *Store) letterApproved(ctx context.Context, u User) outbox.Letter {
	l := letter(u, "account_approved", u.Email)
	l.Subject = outbox.L("Your account at %s is ready", s.portalName(ctx))
	l.Lines = []outbox.Line{outbox.L("Hello %s,", u.Name), outbox.L("Your account at %s was approved. You can sign in now.", s.portalName(ctx))}
	l.Button, l.URL = button(text.N("Sign in")), s.link("/login")
	return l
}

func (s *Store) letterSuspended(ctx context.Context, u User, reason string, until *time.Time) outbox.Letter {
	l := letter(u, "account_suspended", u.Email)
	l.Subject = outbox.L("Your account at %s is suspended", s.portalName(ctx))
	l.Lines = []outbox.Line{
		outbox.L("Hello %s,", u.Name),
		outbox.L("Your account at %s is suspended: you can’t sign in, and the keys of your personal organization don’t work.", s.portalName(ctx)),
		outbox.L("Reason: %s", reason),
	}
	if until != nil {
		l.Lines = append(l.Lines, outbox.L("The suspension ends by itself on %s.", moment(u.locale(), *until)))
	}
	l.Lines = append(l.Lines, outbox.L("If you think that this is a mistake, write to the people who run this portal."))
	return l
}

// letterDeleted tells somebody whose account is gone; it may have been somebody else at their browser.
func (s *Store) letterDeleted(ctx context.Context, u User, to string, now time.Time) outbox.Letter {
	l := letter(u, outbox.Last, to)
	l.ExpiresAt = now.Add(outbox.LastAge)
	l.Subject = outbox.L("Your account at %s was deleted", s.portalName(ctx))
	l.Lines = []outbox.Line{
		outbox.L("Hello %s,", u.Name),
		outbox.L("Your account at %s was deleted on %s with its password, and what belongs to you there was erased. It can’t be restored.", s.portalName(ctx), moment(u.locale(), now)),
		outbox.L("If it was not you, somebody knew your password: choose another one wherever else you use it, and tell the people who run this portal."),
	}
	l.After = []outbox.Line{outbox.L("This is the last mail about this account. With it the portal forgets your address.")}
	return l
}

// letterRole tells somebody that their role among the staff is another one than before.
func (s *Store) letterRole(ctx context.Context, u User, role string) outbox.Letter {
	l := letter(u, "staff_role_changed", u.Email)
	l.Subject = outbox.L("Your role at %s was changed", s.portalName(ctx))
	said := outbox.L("Your role among the staff of %s was changed. You are signed out; sign in again to see what you may do.", s.portalName(ctx))
	switch {
	case role == "":
		said = outbox.L("You are not staff of %s any more. You are signed out; your own apps and organizations are as they were.", s.portalName(ctx))
	case u.StaffRole == "":
		said = outbox.L("You are staff of %s from now on. You are signed out; sign in again to see what you may do.", s.portalName(ctx))
	}
	l.Lines = []outbox.Line{outbox.L("Hello %s,", u.Name), said}
	l.Button, l.URL = button(text.N("See what you may do")), s.link("/me/permissions")
	return l
}

func (s *Store) letterTest(ctx context.Context, u User, now time.Time) outbox.Letter {
	l := letter(u, "mail_test", u.Email)
	l.ExpiresAt = now.Add(24 * time.Hour)
	l.Subject = outbox.L("Test mail from %s", s.portalName(ctx))
	l.Lines = []outbox.Line{outbox.L("Hello %s,", u.Name), outbox.L("This mail shows that %s can send mail. You asked for it on %s.", s.portalName(ctx), moment(u.locale(), now))}
	return l
}

// tellAdmins mails the staff admins that a user waits for approval.
func (s *Store) tellAdmins(tx *db.Tx, waiting User) error {
	var admins []User
	if err := tx.Raw("SELECT * FROM users WHERE staff_role = ? AND deleted_at IS NULL ORDER BY id", permission.StaffAdmin).Scan(&admins).Error; err != nil {
		return err
	}
	for _, u := range admins {
		if !u.Active(tx.Now) {
			continue
		}
		l := letter(u, "account_waits", u.Email)
		l.Subject = outbox.L("%s waits for approval", audit.Clean(waiting.Name))
		l.Lines = []outbox.Line{
			outbox.L("Hello %s,", u.Name),
			outbox.L("%s (%v) created an account at %s and waits for an admin to approve it.", waiting.Name, waiting.Email, s.portalName(tx.Context())),
		}
		l.Button, l.URL = button(text.N("Look at the account")), s.link("/admin/users/"+waiting.ID.Show("user"))
		if err := s.outbox.Queue(tx, l); err != nil {
			return err
		}
	}
	return nil
}
