package permission_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Z6: a composed role has what it was composed of and nothing else, whatever else stands in the text.
func TestAComposedRoleHasWhatItWasComposedOf(t *testing.T) {
	all := permission.OfStaff()
	rapid.Check(t, func(t *rapid.T) {
		has := rapid.SliceOfDistinct(rapid.SampledFrom(all), func(n permission.Name) permission.Name { return n }).Draw(t, "has")
		role := permission.Composed("0192f7a4-0000-7000-8000-000000000001", has)

		for _, row := range permission.Table {
			if permission.Staff(role, row.Name) != slices.Contains(has, row.Name) {
				t.Fatalf("%s: %v of %q", row.Name, permission.Staff(role, row.Name), role)
			}
		}
		if got := permission.Of(role); len(got) != len(has) || len(permission.Beyond(role, got)) != 0 || permission.Join(permission.Split(permission.Join(has))) != permission.Join(has) {
			t.Fatalf("%v of %v", got, has)
		}
	})
}

func TestARoleThatIsNothingAllowsNothing(t *testing.T) {
	for _, role := range []string{"", " ", "root", "0192f7a4-0000-7000-8000-000000000001", "x staff:keys", "x organization:read", permission.StaffAdmin + " organization:read"} {
		if got := permission.Of(role); len(got) != 0 {
			t.Errorf("%q allows %v", role, got)
		}
		if permission.Staff(role, permission.OrgRead) || permission.Staff(role, "nothing") {
			t.Errorf("%q reaches beyond staff", role)
		}
	}
}

// A permission brings what its pages need, all the way.
func TestWhatAPermissionNeedsComesWithIt(t *testing.T) {
	whole := permission.Whole([]permission.Name{permission.StaffUsageRead})
	for _, n := range []permission.Name{permission.StaffUsageRead, permission.StaffKeysRead, permission.StaffAPIsRead} {
		if !slices.Contains(whole, n) {
			t.Errorf("%s is missing in %v", n, whole)
		}
	}
	for _, role := range permission.BuiltIn {
		if has := permission.Of(role); len(permission.Whole(has)) != len(has) {
			t.Errorf("%s lacks what it needs: %v", role, permission.Beyond(role, permission.Whole(has)))
		}
	}
}
