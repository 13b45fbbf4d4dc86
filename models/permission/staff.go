package permission

import (
	"slices"
	"strings"
)

// A staff role is a text: the name of a built-in one, or, of one that admins composed out of the table, its id and after it its permissions, parted by
// spaces. With its permissions it travels in the actor, read anew for each request; the id alone has none.

// BuiltIn are the staff roles that every portal has, weakest first.
var BuiltIn = []string{Auditor, Support, StaffAdmin}

// IsBuiltIn reports whether role is one that every portal has.
func IsBuiltIn(role string) bool { return slices.Contains(BuiltIn, role) }

// Composed is a staff role that admins composed, as an actor carries it.
func Composed(id string, has []Name) string {
	var b strings.Builder
	b.WriteString(id)
	b.WriteByte(' ')
	b.WriteString(Join(has))
	return b.String()
}

// Base is a staff role without its permissions: the name of a built-in one, or an id.
func Base(role string) string {
	base, _, _ := strings.Cut(role, " ")
	return base
}

// Staff reports whether a staff role has n. An unknown name or role has nothing, and no role has what only organizations give.
func Staff(role string, n Name) bool {
	row, known := byName[n]
	if !known || role == "" || len(row.Staff) == 0 {
		return false
	}
	_, has, composed := strings.Cut(role, " ")
	if !composed {
		return slices.Contains(row.Staff, role)
	}
	for name := range strings.FieldsSeq(has) {
		if name == string(n) {
			return true
		}
	}
	return false
}

// OfStaff are the permissions that staff can have, in the order of the table.
func OfStaff() []Name {
	var out []Name
	for _, row := range Table {
		if len(row.Staff) > 0 {
			out = append(out, row.Name)
		}
	}
	return out
}

// OfOrganizations are the permissions that roles in an organization give, in the order of the table.
func OfOrganizations() []Name {
	var out []Name
	for _, row := range Table {
		if len(row.Org) > 0 {
			out = append(out, row.Name)
		}
	}
	return out
}

// BuiltInWith are the built-in staff roles that have n.
func BuiltInWith(n Name) []string { return slices.Clone(byName[n].Staff) }

// needs is what a permission is of no use without: the pages on which it is used show what these let one see.
var needs = map[Name][]Name{
	StaffUsersManage: {StaffUsersRead}, StaffRolesManage: {StaffUsersRead}, StaffOrgsManage: {StaffOrgsRead},
	StaffKeysRead: {StaffAPIsRead}, StaffKeysManage: {StaffKeysRead}, StaffKeysImport: {StaffKeysRead}, StaffLeaksManage: {StaffLeaksRead},
	StaffAPIsManage: {StaffAPIsRead}, StaffRequestsDecide: {StaffRequestsRead, StaffAPIsRead}, StaffUsageRead: {StaffKeysRead}, StaffPolicyManage: {StaffPolicyRead},
	StaffQuestionsAnswer: {StaffQuestionsRead}, StaffQuestionsModerate: {StaffQuestionsRead}, StaffSupportManage: {StaffQuestionsRead},
}

// Needs are the permissions that n is of no use without, at first hand.
func Needs(n Name) []Name { return slices.Clone(needs[n]) }

// Whole are permissions of staff with all that they need.
func Whole(has []Name) []Name {
	out := slices.Clone(has)
	for i := 0; i < len(out); i++ { // out grows
		for _, n := range needs[out[i]] {
			if !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	return out
}

// Of are the permissions of a staff role, in the order of the table.
func Of(role string) []Name {
	return slices.DeleteFunc(OfStaff(), func(n Name) bool { return !Staff(role, n) })
}

// Beyond are the permissions of wanted that a staff role lacks, in the order of the table: what its holder can't give.
func Beyond(role string, wanted []Name) []Name {
	return slices.DeleteFunc(OfStaff(), func(n Name) bool { return Staff(role, n) || !slices.Contains(wanted, n) })
}

// Join writes permissions as a composed role keeps them: parted by spaces, in the order of the table, each once, and none but those that staff can have.
func Join(has []Name) string {
	var out []string
	for _, n := range OfStaff() {
		if slices.Contains(has, n) {
			out = append(out, string(n))
		}
	}
	return strings.Join(out, " ")
}

// Split reads what Join wrote. A name that the table does not have any more is left out.
func Split(kept string) []Name {
	words := strings.Fields(kept)
	return slices.DeleteFunc(OfStaff(), func(n Name) bool { return !slices.Contains(words, string(n)) })
}
