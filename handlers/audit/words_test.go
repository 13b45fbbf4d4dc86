package audit_test

import (
	"testing"

	handlers "github.com/gatehouse-dev/gatehouse/handlers/audit"
	"github.com/gatehouse-dev/gatehouse/models/org/activity"
)

// Every detail of an act that an organization can see is told in words; that every act is, is a promise of handlers/web.
func TestEveryDetailForAnOrganizationIsToldInWords(t *testing.T) {
	for _, name := range activity.FactNames {
		if !handlers.WordedFact(name) {
			t.Errorf("the detail %s has no words", name)
		}
	}
}
