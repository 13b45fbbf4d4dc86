package account

import (
	"context"
	"crypto/hmac"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// How long a sign-up waits for its address to be verified.
const (
	SignupAge = 24 * time.Hour   // the link, and the browser's cookie
	CodeAge   = 10 * time.Minute // the code of a mail
	codeTries = 5
	maxName   = 100
)

// NewAccount is what somebody types to sign up. TimeZone is what their browser says, or ""; Next the path that they were going to, which the
// caller has checked. It stays here and is not mailed: a mail to an unknown address holds no words of whoever entered it.
type NewAccount struct {
	Name, Email, Password string
	TimeZone              string
	Next                  string
}

// signup is an account that is not one yet: it holds no right until its address is verified (A15). Its id becomes the user's.
type signup struct {
	ID             db.ID
	Email          string
	Name           string
	DisplayName    string
	Language       string
	TimeZone       string
	PasswordSealed string
	NextPath       string
	BrowserDigest  []byte
	CodeDigest     []byte
	CodeTries      int
	CodeExpiresAt  time.Time
	ExpiresAt      time.Time
}

// SignupPolicy is who may create an account.
func (s *Store) SignupPolicy() config.Signup {
	if s.signup.Policy == "" {
		return config.Signup{Policy: config.SignupOpen}
	}
	return s.signup
}

// SignUp begins an account and mails a link and a code to its address. The returned token ties the sign-up to the browser. For an address that
// has an account already all is the same, but the mail says so (A6). Faults: Invalid, Forbidden when sign-up is closed,
// RateLimited, Unavailable, Conflict, a BoundError in its chain, at a domain whose people sign in by a provider.
func (s *Store) SignUp(ctx context.Context, a actor.Actor, in NewAccount) (browser string, err error) {
	if err := s.checkNew(ctx, &in); err != nil {
		return "", err
	}
	if err := s.allow(ctx, "signup:network:"+network(a), signUpPerNetwork, flowWindow); err != nil {
		return "", err
	}
	if b, bound, err := s.bindingOf(s.db.Read(ctx), in.Email, false); err != nil {
		return "", err
	} else if bound {
		return "", refusedBy(b)
	}
	if err := s.allow(ctx, "signup:address:"+in.Email, mailsPerAddress, flowWindow); err != nil {
		return "", err
	}
	row := signup{ID: db.NewID(), Email: in.Email, Name: in.Name, DisplayName: firstWord(in.Name), Language: string(text.Of(ctx).Language), TimeZone: knownZone(in.TimeZone), NextPath: in.Next}
	if row.PasswordSealed, err = s.HashPassword(ctx, row.ID, in.Password); err != nil {
		return "", err
	}
	browser = secret.Token(tokenBytes)
	row.BrowserDigest = tokenDigest(browser)
	return browser, s.db.Tx(ctx, func(tx *db.Tx) error {
		row.ExpiresAt = tx.Now.Add(SignupAge)
		_, err := tx.Run(`INSERT INTO signups (id, email, name, display_name, language, time_zone, password_sealed, next_path, browser_digest, link_digest, code_digest,
			code_expires_at, expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			row.ID, row.Email, row.Name, row.DisplayName, row.Language, row.TimeZone, row.PasswordSealed, row.NextPath, row.BrowserDigest,
			tokenDigest(secret.Token(tokenBytes)), []byte{}, tx.Now, row.ExpiresAt, tx.Now)
		if err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.SignupBegun, TargetKind: "user", TargetID: row.ID, Personal: map[string]string{"email": row.Email}})
		return s.mailSignup(tx, row)
	})
}

// checkNew says all that is wrong with the input and brings name and address into shape.
func (s *Store) checkNew(ctx context.Context, in *NewAccount) error {
	policy := s.SignupPolicy()
	if policy.Policy == config.SignupClosed {
		return fault.New(fault.Forbidden, "Accounts here are made by the portal’s admins. Ask one of them.")
	}
	var p fault.Problems
	in.Name = checkName(&p, "name", in.Name)
	email, err := CanonicalEmail(in.Email)
	if f := fault.As(err); f != nil {
		p = append(p, f.Problems...)
	} else if err := s.checkDomain(email, "email"); err != nil {
		p = append(p, fault.As(err).Problems...)
	}
	p = append(p, s.CheckPassword(ctx, "password", in.Password, in.Name, in.Email)...)
	in.Email = email
	return p.Err()
}

// checkDomain holds GATEHOUSE_SIGNUP=domains against an address.
func (s *Store) checkDomain(email, field string) error {
	policy := s.SignupPolicy()
	if policy.Policy != config.SignupDomains || slices.Contains(policy.Domains, domainOf(email)) {
		return nil
	}
	return fault.BadField(field, "Accounts here are for addresses at %s.", strings.Join(policy.Domains, ", "))
}

// checkName trims a name and notes what is wrong with it.
func checkName(p *fault.Problems, field, name string) string {
	name = strings.TrimSpace(name)
	switch {
	case name == "":
		p.Add(field, "Enter a name.")
	case utf8.RuneCountInString(name) > maxName:
		p.Add(field, "Use at most %d characters.", maxName)
	case apikey.Redact(name) != name:
		audit.NoKey(p, field, name)
	case audit.Clean(name) != name:
		p.Add(field, "Use letters, digits, signs and spaces: this name holds characters that can’t be shown.")
	}
	return name
}

// firstWord is what others see of a name until its owner says otherwise: no more than needed.
func firstWord(name string) string { return strings.Fields(name)[0] }

// mailSignup makes a new link and code for the row and mails them; the older ones are dead. Who has an account at that address already is told
// so instead, and the code in the row is one that nobody knows.
func (s *Store) mailSignup(tx *db.Tx, row signup) error {
	token, code := secret.Token(tokenBytes), secret.Code()
	digest := s.codeDigest(row.ID, code)
	_, err := tx.Run("UPDATE signups SET link_digest = ?, code_digest = ?, code_tries = 0, code_expires_at = ? WHERE id = ?",
		tokenDigest(token), digest[:], tx.Now.Add(CodeAge), row.ID)
	if err != nil {
		return err
	}
	known, err := emailTaken(tx, row.Email)
	if err != nil {
		return err
	}
	if known {
		return s.outbox.Queue(tx, s.letterExists(tx.Context(), row))
	}
	return s.outbox.Queue(tx, s.letterVerify(tx.Context(), row, token, code, tx.Now))
}

func emailTaken(tx *db.Tx, email string) (bool, error) {
	var n int64
	err := tx.Raw("SELECT COUNT(*) FROM users WHERE email = ?", email).Scan(&n).Error
	return n > 0, err
}

// codeDigest is keyed, since a plain digest of six digits could be undone by trying them all.
func (s *Store) codeDigest(id db.ID, code string) [32]byte {
	return s.signer.Sign([]byte("signup code\x00" + id.String() + "\x00" + code))
}

func (s *Store) codeMatches(row signup, code string) bool {
	want := s.codeDigest(row.ID, code)
	return hmac.Equal(want[:], row.CodeDigest)
}

// ResendSignup mails a new link and code for the sign-up that began in this browser. Faults: NotFound, RateLimited.
func (s *Store) ResendSignup(ctx context.Context, a actor.Actor, browser string) error {
	row, err := s.signupOf(ctx, browser)
	if err != nil {
		return err
	}
	if err := s.allow(ctx, "signup:address:"+row.Email, mailsPerAddress, flowWindow); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		audit.Record(tx, a, audit.Event{Act: audit.SignupBegun, TargetKind: "user", TargetID: row.ID, Details: map[string]string{"again": "yes"}})
		return s.mailSignup(tx, row)
	})
}

// signupOf is the sign-up that began in the browser with this token. Faults: NotFound.
func (s *Store) signupOf(ctx context.Context, browser string) (signup, error) {
	return s.findSignup(ctx, "SELECT * FROM signups WHERE browser_digest = ? AND expires_at > ?", browser)
}

func (s *Store) signupByLink(ctx context.Context, token string) (signup, error) {
	return s.findSignup(ctx, "SELECT * FROM signups WHERE link_digest = ? AND expires_at > ?", token)
}

func (s *Store) findSignup(ctx context.Context, query, token string) (signup, error) {
	var rows []signup
	if err := s.db.Read(ctx).Raw(query, tokenDigest(token), s.db.Now()).Scan(&rows).Error; err != nil {
		return signup{}, err
	}
	if len(rows) == 0 {
		return signup{}, linkGone()
	}
	return rows[0], nil
}
