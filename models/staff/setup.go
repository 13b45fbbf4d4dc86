// Package staff is what only the company's own people see: set-up, the portal's settings, what waits for a decision.
package staff

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/setting"
)

// Store keeps the installation's settings. Safe for concurrent use.
type Store struct {
	db       *db.DB
	accounts *account.Store
	catalog  *catalog.Store

	factor bool // see RequireFactor
}

// NewStore makes a store.
func NewStore(d *db.DB, accounts *account.Store, apis *catalog.Store) *Store {
	return &Store{db: d, accounts: accounts, catalog: apis}
}

// RequireFactor tells that staff reach nothing before they have a second factor. It is called before the store is used.
func (s *Store) RequireFactor(on bool) { s.factor = on }

// SetupLife is for how long a set-up code works; a restart prints a new one.
const SetupLife = 24 * time.Hour

const (
	setupCodeName = "setup_code"
	setupDoneName = "setup_done"
)

type setupCode struct {
	Digest    string    `json:"digest"`
	ExpiresAt time.Time `json:"expires_at"`
}

// NewSetupCode makes the one-time code of the first start (C2) and ends the code before it. It returns "" when the portal is set up
// already. Only the digest is kept.
func (s *Store) NewSetupCode(ctx context.Context) (string, error) {
	p, err := setting.PortalOf(ctx, s.db)
	if err != nil || p.SetUpAt != nil {
		return "", err
	}
	code := secret.Token(16)
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		return setting.Put(tx, setupCodeName, setupCode{digestOf(code), tx.Now.Add(SetupLife)})
	})
	return code, err
}

func digestOf(code string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(code))) }

// CheckSetupCode fails unless the code opens set-up now. It only reads, since whoever asks is nobody yet. Faults: NotFound, for a wrong or expired
// code as for a portal that is set up.
func (s *Store) CheckSetupCode(ctx context.Context, code string) error {
	return checkSetup(func(name string, v any) (bool, error) { return setting.Get(ctx, s.db, name, v) }, s.db.Now(), code)
}

// setupClosed is the answer to every code that does not work.
func setupClosed() error {
	return fault.New(fault.NotFound, "This set-up link does not work (any more). Restart the server to get a new one, unless the portal is set up already.")
}

func checkSetup(get func(name string, v any) (bool, error), now time.Time, code string) error {
	var done bool
	if found, err := get(setupDoneName, &done); err != nil || found {
		return or(err, setupClosed())
	}
	var c setupCode
	if _, err := get(setupCodeName, &c); err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(c.Digest), []byte(digestOf(code))) != 1 || !now.Before(c.ExpiresAt) {
		return setupClosed()
	}
	return nil
}

// Setup is what the first admin enters.
type Setup struct {
	Name, Email, Password string
	Company               string // name of the company's organization
	Portal                string // name of the portal
	Language              string
	TimeZone              string
}

// SetUp makes the first admin, the company's organization with the portal's own API, and names the portal; once, also when
// two try at the same time. Faults: NotFound as CheckSetupCode, Invalid, Unavailable.
func (s *Store) SetUp(ctx context.Context, a actor.Actor, code string, in Setup) (account.User, error) {
	if err := s.CheckSetupCode(ctx, code); err != nil {
		return account.User{}, err
	}
	person, err := s.prepare(ctx, in)
	if err != nil {
		return account.User{}, err
	}
	var u account.User
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		if err := checkSetup(func(name string, v any) (bool, error) { return setting.GetTx(tx, name, v) }, tx.Now, code); err != nil {
			return err
		}
		first, err := setting.PutFirst(tx, setupDoneName, true)
		if err != nil || !first {
			return or(err, setupClosed())
		}
		u, err = s.found(tx, a, person, in)
		return err
	})
	return u, err
}

// prepare checks all that was entered at once, and hashes the password before the transaction begins.
func (s *Store) prepare(ctx context.Context, in Setup) (account.NewUser, error) {
	var p fault.Problems
	p.Check(named(in.Portal), "portal", "Enter a name for the portal, at most 80 characters.")
	p.Check(named(in.Company), "company", "Enter the name of your company, at most 80 characters.")
	p.Check(named(in.Name), "name", "Enter your name, at most 80 characters.")
	email, err := account.CanonicalEmail(in.Email)
	p.Check(err == nil, "email", "Enter an address such as mira@example.com.")
	for field, name := range map[string]string{"name": in.Name, "company": in.Company, "portal": in.Portal} {
		audit.NoKey(&p, field, name)
	}
	p = append(p, s.accounts.CheckPassword(ctx, "password", in.Password, in.Name, in.Email, in.Company, in.Portal)...)
	if err := p.Err(); err != nil {
		return account.NewUser{}, err
	}
	u := account.NewUser{ID: db.NewID(), Email: email, Name: strings.TrimSpace(in.Name), Language: in.Language, TimeZone: in.TimeZone, StaffRole: permission.StaffAdmin}
	u.PasswordSealed, err = s.accounts.HashPassword(ctx, u.ID, in.Password)
	return u, err
}

func or(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

func named(s string) bool { n := len([]rune(strings.TrimSpace(s))); return n >= 1 && n <= 80 }

func (s *Store) found(tx *db.Tx, a actor.Actor, person account.NewUser, in Setup) (account.User, error) {
	u, err := s.accounts.AddUser(tx, person)
	if err != nil {
		return u, err
	}
	a.Kind, a.UserID, a.Name = actor.User, u.ID, u.Name
	company := db.NewID()
	if _, err = tx.Run("INSERT INTO organizations (id, kind, name, technical_email, created_at, updated_at) VALUES (?, 'company', ?, ?, ?, ?)",
		company, strings.TrimSpace(in.Company), u.Email, tx.Now, tx.Now); err != nil {
		return u, err
	}
	if _, err = tx.Run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, 'owner', ?)", company, u.ID, tx.Now); err != nil {
		return u, err
	}
	if err = s.catalog.SeedPortal(tx, a, company); err != nil {
		return u, err
	}
	audit.Record(tx, a, audit.Event{Act: audit.SetupCompleted, TargetKind: "organization", TargetID: company, OrganizationID: company})
	return u, setting.Put(tx, setting.PortalName, setting.Portal{Name: strings.TrimSpace(in.Portal), SetUpAt: &tx.Now})
}
