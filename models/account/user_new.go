package account

import (
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// NewUser is a user to be made, the address verified by whoever asks for it. Zero fields take defaults; PasswordSealed is what
// HashPassword made for ID.
type NewUser struct {
	ID             db.ID  // zero: a new one
	Email          string // canonical
	Name           string
	DisplayName    string
	Language       string
	TimeZone       string
	PasswordSealed string
	StaffRole      string
	Unapproved     bool // waits for an admin
}

// AddUser makes the user, the personal organization and its membership within the transaction of whoever calls, who records the act.
// Faults: Conflict when the address has an account.
func (s *Store) AddUser(tx *db.Tx, n NewUser) (User, error) {
	if n.ID.IsZero() {
		n.ID = db.NewID()
	}
	u := User{
		ID: n.ID, Email: n.Email, Name: n.Name, DisplayName: or(n.DisplayName, firstWord(n.Name)), Language: or(n.Language, "en"), TimeZone: or(n.TimeZone, "UTC"),
		PasswordSealed: n.PasswordSealed, StaffRole: n.StaffRole, EmailVerifiedAt: &tx.Now, CreatedAt: tx.Now, UpdatedAt: tx.Now,
	}
	var approved, passwordAt *time.Time
	if !n.Unapproved {
		approved = &tx.Now
	}
	if n.PasswordSealed != "" {
		passwordAt = &tx.Now
	}
	u.ApprovedAt, u.PasswordChangedAt = approved, passwordAt
	_, err := tx.Run(`INSERT INTO users (id, email, name, display_name, language, time_zone, password_sealed, password_changed_at, email_verified_at, approved_at, staff_role, created_at, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		u.ID, u.Email, u.Name, u.DisplayName, u.Language, u.TimeZone, u.PasswordSealed, passwordAt, tx.Now, approved, u.StaffRole, tx.Now, tx.Now)
	if db.Duplicate(err) {
		return User{}, addressTaken(err)
	}
	if err != nil {
		return User{}, err
	}
	org := db.NewID()
	if _, err := tx.Run("INSERT INTO organizations (id, kind, personal_user_id, name, created_at, updated_at) VALUES (?, 'personal', ?, ?, ?, ?)", org, u.ID, u.Name, tx.Now, tx.Now); err != nil {
		return User{}, err
	}
	_, err = tx.Run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, 'owner', ?)", org, u.ID, tx.Now)
	return u, err
}

func addressTaken(cause error) error {
	return fault.Wrap(cause, fault.Conflict, "This address has an account already. Sign in with it, or reset its password.")
}

func or(s, other string) string {
	if strings.TrimSpace(s) == "" {
		return other
	}
	return s
}
