package audit_test

import (
	"slices"
	"strings"
	"testing"

	handlers "github.com/gatehouse-dev/gatehouse/handlers/audit"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/org/activity"
)

// Every act that an organization can see is told in words, and so is every detail of one.
func TestEveryActOfAnOrganizationIsToldInWords(t *testing.T) {
	seen := 0
	for _, act := range audit.Acts() {
		if !slices.ContainsFunc(activity.Nouns, func(noun string) bool { return strings.HasPrefix(string(act), noun) }) {
			continue
		}
		if seen++; !handlers.Worded(string(act)) {
			t.Errorf("%s has no words", act)
		}
	}
	for _, name := range activity.FactNames {
		if !handlers.WordedFact(name) {
			t.Errorf("the detail %s has no words", name)
		}
	}
	if seen < 80 {
		t.Errorf("only %d acts were looked at", seen)
	}
}
