package account_test

import (
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/account"
)

func profile(name, display string) account.Profile {
	return account.Profile{Name: name, DisplayName: display, Language: "de", TimeZone: "Europe/Berlin"}
}

func TestProfileIsWrittenAndNamesThePersonalOrganization(t *testing.T) {
	each(t, func(w *world) {
		a := w.in(w.person("ada@example.com", ""), good)

		w.must(w.store.ChangeProfile(t.Context(), a, profile(" Augusta King ", "Augusta")))

		u, err := w.store.ByID(t.Context(), a.UserID)
		w.must(err)
		if u.Name != "Augusta King" || u.DisplayName != "Augusta" || u.Language != "de" || u.TimeZone != "Europe/Berlin" {
			t.Errorf("%+v", u)
		}
		if w.count("SELECT COUNT(*) FROM organizations WHERE personal_user_id = ? AND name = 'Augusta King'", u.ID) != 1 || w.count("SELECT COUNT(*) FROM changes WHERE kind = 'organization'") != 1 {
			t.Error("the organization has another name")
		}
	})
}

func TestProfileOutsideTheListsIsRefused(t *testing.T) {
	each(t, func(w *world) {
		a := w.in(w.person("ada@example.com", ""), good)
		for field, in := range map[string]account.Profile{
			"name": profile("", "x"), "display_name": profile("x", "\u202ex"), "language": {Name: "x", DisplayName: "x", Language: "xx", TimeZone: "UTC"}, "time_zone": {Name: "x", DisplayName: "x", Language: "en", TimeZone: "../etc/passwd"},
		} {
			err := w.store.ChangeProfile(t.Context(), a, in)
			if !fault.Is(err, fault.Invalid) || fault.As(err).Problems[0].Field != field {
				t.Errorf("%s: %v", field, err)
			}
		}
		w.is(w.store.ChangeLanguage(t.Context(), a, "xx"), fault.Invalid)
		w.must(w.store.ChangeLanguage(t.Context(), a, "de"))
	})
}

func TestEveryZoneOfTheListExists(t *testing.T) {
	zones := account.Zones()
	for _, z := range zones {
		if _, err := time.LoadLocation(z); err != nil {
			t.Error(z, err)
		}
	}
	if len(zones) < 300 || zones[0] != "UTC" {
		t.Error(len(zones), zones[0])
	}
}
