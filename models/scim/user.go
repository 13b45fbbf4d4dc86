package scim

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org/domain"
)

// Person is what a directory says of somebody. Active says that they are a member of the organization.
type Person struct {
	UserName      string // an address
	ExternalID    string
	DisplayName   string
	GivenName     string
	FamilyName    string
	FormattedName string
	Active        bool
}

// User is somebody whom a directory manages, with the groups of the directory that they are in. Whether they are Active is told by members, whoever changed that last.
type User struct {
	ID             db.ID
	OrganizationID db.ID
	UserID         db.ID
	UserName       string
	ExternalID     string
	DisplayName    string
	GivenName      string
	FamilyName     string
	FormattedName  string
	StoppedAt      *time.Time // when the directory took them out; nil: it did not, they left or somebody removed them
	ByGroup        bool       // the role was last given by a group
	CreatedAt      time.Time
	UpdatedAt      time.Time
	Role           string // of the membership; "" without one
	Address        string // of the account
	StaffRole      string
	Groups         []Ref `gorm:"-"`
}

// Ref names a user or a group to the other.
type Ref struct {
	Of   db.ID // whose it is
	ID   db.ID
	Name string
}

// Person is what the directory said last, and whether the user is a member now.
func (u User) Person() Person {
	return Person{u.UserName, u.ExternalID, u.DisplayName, u.GivenName, u.FamilyName, u.FormattedName, u.Role != ""}
}

const userRows = `SELECT s.*, COALESCE(m.role, '') AS role, u.email AS address, u.staff_role FROM scim_users s JOIN users u ON u.id = s.user_id
	LEFT JOIN members m ON m.organization_id = s.organization_id AND m.user_id = s.user_id WHERE s.organization_id = ? `

const groupRefs = `SELECT gm.scim_id AS of, g.id, g.display_name AS name FROM scim_group_members gm JOIN scim_groups g ON g.id = gm.group_id `

// Users lists those whom the directory manages, the oldest first, without their groups. Faults: none but the database's.
func (s *Store) Users(ctx context.Context, a actor.Actor, w Which) ([]User, error) {
	var rows []User
	where, args := "", []any{a.OrganizationID}
	switch w.Attribute {
	case "id":
		id, ok := w.idOf(UserPrefix)
		if !ok {
			return nil, nil
		}
		where, args = "AND s.id = ? ", append(args, id)
	case "username": // kept in small letters
		where, args = "AND s.user_name = ? ", append(args, strings.ToLower(w.Text))
	case "externalid":
		where, args = "AND s.external_id = ? ", append(args, w.Text)
	}
	if len(args) > 1 && w.unfit() {
		return nil, nil
	}
	err := s.db.Read(ctx).Raw(userRows+where+"ORDER BY s.id LIMIT ?", append(args, MaxUsers)...).Scan(&rows).Error
	return rows, err
}

// WithGroups adds their groups to users of the directory.
func (s *Store) WithGroups(ctx context.Context, a actor.Actor, rows []User) error {
	for part := range slices.Chunk(rows, 100) {
		ids := make([]db.ID, len(part))
		for i, u := range part {
			ids[i] = u.ID
		}
		var refs []Ref
		if err := s.db.Read(ctx).Raw(groupRefs+"WHERE gm.scim_id IN ? AND g.organization_id = ? ORDER BY g.id", ids, a.OrganizationID).Scan(&refs).Error; err != nil {
			return err
		}
		by := refsBy(refs)
		for i := range part {
			part[i].Groups = by[part[i].ID]
		}
	}
	return nil
}

func refsBy(refs []Ref) map[db.ID][]Ref {
	by := map[db.ID][]Ref{}
	for _, r := range refs {
		by[r.Of] = append(by[r.Of], r)
	}
	return by
}

// User reads one. Faults: NotFound.
func (s *Store) User(ctx context.Context, a actor.Actor, id db.ID) (User, error) {
	return userOf(s.db.Read(ctx), a.OrganizationID, id)
}

func userOf(q *gorm.DB, organizationID, id db.ID) (User, error) {
	var rows []User
	if err := q.Raw(userRows+"AND s.id = ?", organizationID, id).Scan(&rows).Error; err != nil {
		return User{}, err
	}
	if len(rows) == 0 {
		return User{}, fault.Missing()
	}
	err := q.Raw(groupRefs+"WHERE gm.scim_id = ? ORDER BY g.id", id).Scan(&rows[0].Groups).Error
	return rows[0], err
}

const maxText = 200

// check puts a person's words into the form in which they are kept. Faults: Invalid, about SCIM's names of attributes.
func (p *Person) check() error {
	var wrong fault.Problems
	address, err := account.CanonicalEmail(p.UserName)
	if err != nil {
		said := []rune(apikey.Mask(p.UserName)) // before it is cut: half a key would not be known for one (K1)
		wrong.Add("userName", "This is no e-mail address, such as ada@example.com: “%s”. In Entra ID, map userName to mail.", string(said[:min(len(said), 80)]))
	}
	p.UserName = address
	fields := []struct {
		name string
		text *string
	}{{"externalId", &p.ExternalID}, {"displayName", &p.DisplayName}, {"name.givenName", &p.GivenName}, {"name.familyName", &p.FamilyName}, {"name.formatted", &p.FormattedName}}
	for _, f := range fields {
		*f.text = strings.TrimSpace(*f.text)
		wrong.Check(utf8.RuneCountInString(*f.text) <= maxText, f.name, "Use at most %d characters.", maxText)
		wrong.Check(audit.Clean(*f.text) == *f.text, f.name, "Use letters, digits, signs and spaces: this name holds characters that can’t be shown.")
	}
	return wrong.Err()
}

// called is how a new account is named: the longest name that the directory tells, or the address's part before the @.
func (p Person) called() string {
	name := p.FormattedName
	if name == "" {
		name = strings.TrimSpace(p.GivenName + " " + p.FamilyName)
	}
	if name == "" {
		name = p.DisplayName
	}
	if name == "" {
		name = p.UserName[:strings.LastIndexByte(p.UserName, '@')]
	}
	if runes := []rune(name); len(runes) > 100 { // as long as a name of an account can be
		name = strings.TrimSpace(string(runes[:100]))
	}
	return name
}

// shown is how a new account is called before others, which its person has not chosen yet: nothing of the address, and no more of the name than accounts show
// otherwise, which is "" here.
func (p Person) shown() string {
	if p.FormattedName+p.GivenName+p.FamilyName+p.DisplayName == "" || strings.Contains(p.called(), "@") {
		return "New member"
	}
	return ""
}

// changed are the names of the attributes that differ, but for whether they are active.
func (p Person) changed(from Person) (out []string) {
	for _, f := range []struct {
		name     string
		old, now string
	}{
		{"userName", from.UserName, p.UserName},
		{"externalId", from.ExternalID, p.ExternalID},
		{"displayName", from.DisplayName, p.DisplayName},
		{"name.givenName", from.GivenName, p.GivenName},
		{"name.familyName", from.FamilyName, p.FamilyName},
		{"name.formatted", from.FormattedName, p.FormattedName},
	} {
		if f.old != f.now {
			out = append(out, f.name)
		}
	}
	return out
}

// within fails unless the organization has proven the domain of an address: what is nobody's and what is another's is told alike. Faults: Invalid.
func within(tx *db.Tx, organizationID db.ID, address string) error {
	holder, _, ok, err := domain.Of(tx.DB, address)
	if err == nil && (!ok || holder != organizationID) {
		return fault.BadField("userName", "The domain %s is none that this organization has proven. A directory manages people whose address is in one.", address[strings.LastIndexByte(address, '@')+1:])
	}
	return err
}

// free fails when another user of the directory has the name. Faults: Conflict.
func free(tx *db.Tx, organizationID, but db.ID, userName string) error {
	var ids []db.ID
	err := tx.Raw("SELECT id FROM scim_users WHERE organization_id = ? AND user_name = ?", organizationID, userName).Scan(&ids).Error
	if err == nil && slices.ContainsFunc(ids, func(id db.ID) bool { return id != but }) {
		return userTaken()
	}
	return err
}

func userTaken() error { return taken("Another user of this directory has this userName.") }
