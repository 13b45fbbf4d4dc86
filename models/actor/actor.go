// Package actor says who asks. Every store method takes an Actor; what it may do is decided by package permission and by the
// owner in the WHERE of each query.
package actor

import (
	"net/netip"
	"strings"
	"time"

	"gorm.io/gorm/clause"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Kind is what sort of principal acts (U2).
type Kind string

// The kinds.
const (
	Anonymous Kind = "anonymous" // nobody signed in
	User      Kind = "user"
	Key       Kind = "key"       // a program, by the management API
	System    Kind = "system"    // the program itself: jobs, expiry
	Operator  Kind = "operator"  // whoever runs the command line on the server
	Directory Kind = "directory" // of an organization, by SCIM: it reaches what models/scim lets it, and no other store
)

// Actor is who asks, from where, in which request. The zero Actor is anonymous.
type Actor struct {
	Kind      Kind
	UserID    db.ID // of a User
	KeyID     db.ID // of a Key; of a Directory its token
	SessionID db.ID // of a User in a browser
	ByMail    bool  // of a User who holds a link from a mail, and did not sign in

	// Factor says of a User that they have a second factor, or showed one in this session. At is when they asked; zero: every policy has begun. By both it is told
	// which organizations that require a factor they reach.
	Factor bool
	At     time.Time

	// OrganizationID and Environment are of a Key: the organization whose things it may reach, and live or test, whose keys it may manage.
	// They are zero for all others, but for the organization of a Directory.
	OrganizationID db.ID
	Environment    string
	StaffRole      string // empty for people outside the company
	Name           string // as shown to staff; audit keeps it apart from the chain
	Address        netip.Addr
	RequestID      string
}

// ID is whom the audit log names: the user, the key or the directory's token; zero for the others.
func (a Actor) ID() db.ID {
	if a.Kind == Key || a.Kind == Directory {
		return a.KeyID
	}
	return a.UserID
}

// SignedIn reports whether a person stands behind this.
func (a Actor) SignedIn() bool { return a.Kind == User && !a.UserID.IsZero() }

// Program reports whether a key of an organization stands behind this: a program, by the management API.
func (a Actor) Program() bool {
	return a.Kind == Key && !a.KeyID.IsZero() && !a.OrganizationID.IsZero()
}

// Member reports whether this can reach the things of organizations as one of their own: a person signed in, or a program.
func (a Actor) Member() bool { return a.SignedIn() || a.Program() }

// The tables that Members stands for. A key acts as an admin of its organization: the scopes that its calls need were held against it before.
const (
	membersOfUser = "(SELECT organization_id, role, user_id FROM members WHERE user_id = ?)"
	membersOfKey  = "(SELECT id AS organization_id, 'admin' AS role FROM organizations WHERE id = ?)"
)

// Members is SQL for the table (organization_id, role) of the organizations that the actor reaches as one of their own, and the one argument that it takes.
// It stands where SQL would name the table members and a user: JOIN <table> m ON m.organization_id = o.id. Who is neither signed in
// nor a program belongs to none, and who has no second factor to none that requires one. Whether the organization is deleted is asked by who joins it.
func (a Actor) Members() (table string, arg any) {
	if a.Program() {
		return membersOfKey, a.OrganizationID
	}
	return membersOfUser, a.Membership("members")
}

// Membership is the argument of "m.user_id = ?", where SQL asks which rows m of members are the actor's: it leaves out the organizations that require a second
// factor of people who have none. It is SQL with arguments of its own; m is the name that the query gives to the table. Nobody's is a user that there is not.
func (a Actor) Membership(m string) any {
	if !a.SignedIn() {
		return db.ID{}
	}
	if a.Factor {
		return a.UserID
	}
	at := a.At
	if at.IsZero() {
		at = endOfDays
	}
	return clause.Expr{SQL: "? AND NOT " + strings.ReplaceAll(bareShut, " m.", " "+m+"."), Vars: []any{a.UserID, at}}
}

// endOfDays is after each moment at which a policy may begin.
var endOfDays = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// What says who is kept out is made of: the organization of members m has a rule that holds; a user, whose id comes next, has a second factor here; or the last
// sign-in by a provider of theirs showed one there.
const (
	ruled   = "EXISTS (SELECT 1 FROM organizations fo WHERE fo.id = m.organization_id AND fo.factor_from <= ? AND NOT "
	hasOne  = "EXISTS (SELECT 1 FROM factors ff WHERE ff.confirmed_at IS NOT NULL AND ff.user_id = "
	vouched = "EXISTS (SELECT 1 FROM identities fi WHERE fi.factor_at IS NOT NULL AND fi.user_id = "
)

// bareShut is MemberShut of members in a session that showed no second factor: what they could show at a provider opens nothing before they do.
const bareShut = ruled + hasOne + " m.user_id))"

// MemberShut is true of members m whom their organization keeps out at the moment that is its one argument, since it requires a second factor and they neither have one
// nor showed one when they last signed in by a provider. It is about people: whom to write to, and what stands for them while they are not here. What a session reaches
// is Membership's to say. An organization that requires none costs one look at its row.
const MemberShut = ruled + "(" + hasOne + " m.user_id) OR " + vouched + " m.user_id)))"

// ShowsFactor is true of users u who have a second factor, or showed one when they last signed in by a provider.
const ShowsFactor = "(" + hasOne + "u.id) OR " + vouched + "u.id))"

// Shut is MemberShut of members by another name.
func Shut(m string) string { return strings.ReplaceAll(MemberShut, " m.", " "+m+".") }

// The tables that Hidden stands for. A program that is not of a limited app is none of those who were let in: it does not reach it.
const (
	hiddenFromUser = `(SELECT ha.id FROM apps ha JOIN members hm ON hm.organization_id = ha.organization_id WHERE hm.user_id = ? AND ha.limited AND hm.role NOT IN ('admin', 'owner')
		AND NOT EXISTS (SELECT 1 FROM app_members hl WHERE hl.app_id = ha.id AND hl.user_id = hm.user_id))`
	hiddenFromKey = `(SELECT ha.id FROM apps ha WHERE ha.organization_id = ? AND ha.limited AND NOT EXISTS (SELECT 1 FROM keys hk WHERE hk.id = ? AND hk.app_id = ha.id))`
)

// MemberReaches is true of members m who reach the apps a of their organization: of a limited one its owners, admins and those who were let in. It holds
// no argument. It is for what is written to people; what they read leaves out Hidden.
const MemberReaches = "(NOT a.limited OR m.role IN ('admin', 'owner') OR EXISTS (SELECT 1 FROM app_members l WHERE l.app_id = a.id AND l.user_id = m.user_id))"

// UserReaches is true of users u from whom the apps a are not hidden as members of its organization; of who is none it is true. It holds no argument.
const UserReaches = `NOT EXISTS (SELECT 1 FROM members hm WHERE a.limited AND hm.organization_id = a.organization_id AND hm.user_id = u.id AND hm.role NOT IN ('admin', 'owner')
	AND NOT EXISTS (SELECT 1 FROM app_members hl WHERE hl.app_id = a.id AND hl.user_id = u.id))`

// Hidden is SQL for the ids of apps of the actor's own organizations that are limited to other members, and its arguments. What reads things of apps for members
// joins Members and ends its condition with " AND <app's id> NOT IN " and this; where the id can be null, that is asked for too.
func (a Actor) Hidden() (table string, args []any) {
	if a.Program() {
		return hiddenFromKey, []any{a.OrganizationID, a.KeyID}
	}
	if a.SignedIn() {
		return hiddenFromUser, []any{a.UserID}
	}
	return hiddenFromUser, []any{db.ID{}}
}

// Trusted reports whether this is the program itself or its operator, who may do everything.
func (a Actor) Trusted() bool { return a.Kind == System || a.Kind == Operator }

// ForSystem is the program acting by itself.
func ForSystem() Actor { return Actor{Kind: System, Name: "Gatehouse"} }

// ForOperator is whoever runs the command line: holding the database file already means holding everything.
func ForOperator() Actor { return Actor{Kind: Operator, Name: "operator"} }

// Network is the address cut to /24 or /48, which is all that pages and usage keep of it; empty when unknown.
func (a Actor) Network() string { return Network(a.Address) }

// Network cuts addr to /24 (IPv4) or /48 (IPv6); empty when addr is not valid.
func Network(addr netip.Addr) string {
	addr = addr.Unmap()
	if !addr.IsValid() {
		return ""
	}
	bits := 24
	if addr.Is6() {
		bits = 48
	}
	p, err := addr.WithZone("").Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}
