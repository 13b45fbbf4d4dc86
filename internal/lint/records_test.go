package lint

import (
	"go/constant"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/privacy"
)

// sweptAfter are the constants by which what a record tells of is deleted: its file, and its name.
var sweptAfter = map[string][2]string{
	"sessions": {"models/account/session.go", "SessionAbsolute"}, "devices": {"models/account/device.go", "KnownAge"}, "signin": {"models/account/link.go", "undoAge"},
	"attempts": {"models/key/letter.go", "onceWindow"}, "signups": {"models/account/signup.go", "SignupAge"}, "refusals": {"models/usage/refusal/refusal.go", "Keep"},
	"guides": {"models/guide/search_misses.go", "keepMisses"}, "mails": {"handlers/engine.go", "keepMail"}, "jobs": {"handlers/engine.go", "keepJobs"}, "downloads": {"models/account/download/store.go", "Age"},
}

// U8: the page of what is kept tells the times after which the program deletes, and no others.
func TestTheRecordsTellTheTimesOfTheSweepers(t *testing.T) {
	kept := privacy.Retention{Addresses: -1, Networks: -1} // those that are set are told as they are set
	for _, r := range privacy.Records(kept) {
		swept, ok := sweptAfter[r.ID]
		if r.Days <= 0 {
			if ok {
				t.Errorf("%s: tells no time, and is swept after one", r.ID)
			}
			continue
		}
		if !ok {
			t.Errorf("%s: say which constant sweeps it", r.ID)
			continue
		}
		hours := hoursOf(t, swept[0], swept[1])
		if strings.Contains(r.Keep, "%d days") {
			hours /= 24
		}
		if int64(r.Days) != hours {
			t.Errorf("%s: the page tells %d, and %s in %s is %d", r.ID, r.Days, swept[1], swept[0], hours)
		}
	}
}

// hoursOf is the value of a constant that is a product of numbers and time.Hour.
func hoursOf(t *testing.T, file, name string) int64 {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(file)))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^\s*(?:const )?((?:\w+, )*` + name + `(?:, \w+)*)\s*=\s*([^/\n]+)`).FindSubmatch(source)
	if found == nil {
		t.Fatalf("%s has no %s", file, name)
	}
	which := slices.Index(strings.Split(string(found[1]), ", "), name)
	value, err := types.Eval(token.NewFileSet(), nil, token.NoPos, strings.ReplaceAll(strings.Split(string(found[2]), ", ")[which], "time.Hour", "1"))
	if err != nil {
		t.Fatal(name, err)
	}
	hours, _ := constant.Int64Val(value.Value)
	return hours
}
