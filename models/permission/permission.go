// Package permission is the one table of who may do what. Checks, the docs page and the console are made from it (Z5, Z6).
package permission

import (
	"slices"

	"github.com/gatehouse-dev/gatehouse/internal/text"
)

// Organization roles, weakest first.
const (
	Viewer    = "viewer"
	Developer = "developer"
	Admin     = "admin"
	Owner     = "owner"
)

// Staff roles. StaffAdmin does everything.
const (
	StaffAdmin = "admin"
	Support    = "support"
	Auditor    = "auditor"
)

// Name is one permission, resource:verb.
type Name string

// Permissions inside an organization.
const (
	OrgRead       Name = "organization:read"
	OrgChange     Name = "organization:change"
	OrgDelete     Name = "organization:delete"
	MembersManage Name = "members:manage"
	OwnersManage  Name = "owners:manage"
	DomainsManage Name = "domains:manage"
	AppsRead      Name = "apps:read"
	AppsManage    Name = "apps:manage"
	AppsMove      Name = "apps:move"
	AccessRead    Name = "access:read"
	AccessRequest Name = "access:request"
	KeysRead      Name = "keys:read"
	KeysMake      Name = "keys:make"   // and manage those that one made
	KeysManageAll Name = "keys:manage" // everybody's
	UsageRead     Name = "usage:read"
	ActivityRead  Name = "activity:read"
)

// Permissions of staff, over everything.
const (
	StaffUsersRead      Name = "staff:users:read"
	StaffUsersManage    Name = "staff:users:manage"
	StaffOrgsRead       Name = "staff:organizations:read"
	StaffOrgsManage     Name = "staff:organizations:manage"
	StaffKeysRead       Name = "staff:keys:read"
	StaffKeysManage     Name = "staff:keys:manage"
	StaffKeysImport     Name = "staff:keys:import"
	StaffAPIsRead       Name = "staff:apis:read"
	StaffAPIsManage     Name = "staff:apis:manage"
	StaffRequestsRead   Name = "staff:requests:read"
	StaffRequestsDecide Name = "staff:requests:decide"
	StaffUsageRead      Name = "staff:usage:read"
	StaffAuditRead      Name = "staff:audit:read"
	StaffReplicasRead   Name = "staff:replicas:read"
	StaffPolicyRead     Name = "staff:policy:read"
	StaffPolicyManage   Name = "staff:policy:manage"
	StaffRolesManage    Name = "staff:roles:manage"
	StaffMailManage     Name = "staff:mail:manage"
	StaffLeaksRead      Name = "staff:leaks:read"
	StaffLeaksManage    Name = "staff:leaks:manage"

	StaffQuestionsRead     Name = "staff:questions:read"
	StaffQuestionsAnswer   Name = "staff:questions:answer"
	StaffQuestionsModerate Name = "staff:questions:moderate"
	StaffSupportManage     Name = "staff:support:manage"
)

// Row is one permission: what it allows, in a sentence of the message catalogue, and which roles have it.
type Row struct {
	Name     Name
	Sentence string
	Org      []string // organization roles; empty for staff permissions
	Staff    []string // staff roles
}

var (
	anyMember  = []string{Viewer, Developer, Admin, Owner}
	developers = []string{Developer, Admin, Owner}
	admins     = []string{Admin, Owner}
	owners     = []string{Owner}
	readers    = []string{Support, Auditor, StaffAdmin}
	auditors   = []string{Auditor, StaffAdmin}
	staffAdmin = []string{StaffAdmin}
	supporters = []string{Support, StaffAdmin}
)

// Table is every permission, in the order of the docs page.
var Table = []Row{
	{OrgRead, text.N("See the organization and its members"), anyMember, nil},
	{OrgChange, text.N("Change the organization’s name and technical address"), admins, nil},
	{OrgDelete, text.N("Transfer or delete the organization"), owners, nil},
	{MembersManage, text.N("Manage members below owner"), admins, nil},
	{OwnersManage, text.N("Make and remove owners, require a second factor, and review roles"), owners, nil},
	{DomainsManage, text.N("Prove domains, say who joins by an address there, and connect a directory"), owners, nil},
	{AppsRead, text.N("See apps"), anyMember, nil},
	{AppsManage, text.N("Create, change and delete apps"), admins, nil},
	{AppsMove, text.N("Move an app to another organization, as an admin there"), owners, nil},
	{AccessRead, text.N("See which APIs an app may use"), anyMember, nil},
	{AccessRequest, text.N("Request access to an API, and withdraw the request"), admins, nil},
	{KeysRead, text.N("See keys: name, hint, state and grants, never the secret"), anyMember, nil},
	{KeysMake, text.N("Create keys, and rotate, pause and revoke the keys that one made"), developers, nil},
	{KeysManageAll, text.N("Rotate, pause and revoke all keys"), admins, nil},
	{UsageRead, text.N("See how keys are used"), anyMember, nil},
	{ActivityRead, text.N("See what was done in the organization, and by whom"), admins, nil},
	{StaffUsersRead, text.N("See all users"), nil, readers},
	{StaffUsersManage, text.N("Suspend users and end their sessions"), nil, staffAdmin},
	{StaffOrgsRead, text.N("See all organizations and apps"), nil, readers},
	{StaffOrgsManage, text.N("Suspend organizations and apps"), nil, staffAdmin},
	{StaffKeysRead, text.N("See the facts of all keys"), nil, readers},
	{StaffKeysManage, text.N("Revoke and suspend all keys"), nil, staffAdmin},
	{StaffKeysImport, text.N("Import keys that were made elsewhere"), nil, staffAdmin},
	{StaffAPIsRead, text.N("See all APIs, also drafts"), nil, readers},
	{StaffAPIsManage, text.N("Publish, change, connect and retire APIs"), nil, staffAdmin},
	{StaffRequestsRead, text.N("See all access requests"), nil, readers},
	{StaffRequestsDecide, text.N("Approve and refuse access requests"), nil, staffAdmin},
	{StaffUsageRead, text.N("See all usage"), nil, readers},
	{StaffAuditRead, text.N("Read the audit log"), nil, auditors},
	{StaffReplicasRead, text.N("See which processes run, and how they stand"), nil, auditors},
	{StaffPolicyRead, text.N("Read the policy"), nil, auditors},
	{StaffPolicyManage, text.N("Change the policy and the portal’s settings"), nil, staffAdmin},
	{StaffRolesManage, text.N("Give and take staff roles"), nil, staffAdmin},
	{StaffMailManage, text.N("Send a test mail and read waiting mail, also letters with links that lead into customers’ accounts"), nil, staffAdmin},
	{StaffLeaksRead, text.N("See which keys were reported as leaked, where, and what was done"), nil, readers},
	{StaffLeaksManage, text.N("Set what happens to a leaked key, and close incidents"), nil, staffAdmin},
	{StaffQuestionsRead, text.N("See all questions, also those of organizations, with the notes of staff"), nil, readers},
	{StaffQuestionsAnswer, text.N("Answer for the company: take, hand over, note, merge and close questions"), nil, supporters},
	{StaffQuestionsModerate, text.N("Hide, lock, pin, retag and approve posts, and keep people from posting"), nil, supporters},
	{StaffSupportManage, text.N("Change reply times, teams and how long questions wait"), nil, staffAdmin},
}

var byName = func() map[Name]Row {
	m := make(map[Name]Row, len(Table))
	for _, r := range Table {
		m[r.Name] = r
	}
	return m
}()

// OrgRoles are the organization roles that have n; none for an unknown name.
func OrgRoles(n Name) []string { return byName[n].Org }

// Known is the row of n; false for a name that the table does not have.
func Known(n Name) (Row, bool) {
	row, ok := byName[n]
	return row, ok
}

// Org reports whether an organization role has n.
func Org(role string, n Name) bool { return slices.Contains(byName[n].Org, role) }
