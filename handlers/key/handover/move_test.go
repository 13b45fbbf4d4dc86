package handover_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
)

// The page says before the button what becomes of the access, what is agreed to, and how many keys are too many; a move that was refused says the same.
func TestThePageOfAMoveSaysWhatTravelsAndWhatIsMissing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.Make(w.Developer, "First", 30)
		w.Make(w.Developer, "Second", 30)
		target := w.Strangers
		w.Join(target, w.Admin, "admin")
		w.Run("UPDATE members SET role = 'owner' WHERE organization_id = ? AND user_id = ?", w.Org, w.Admin.UserID)
		w.Run("UPDATE apis SET terms = 'Be kind.', visibility = 'public' WHERE id = ?", w.API)
		rules := policy.NewStore(w.DB)
		one := func(r policy.Rules) {
			t.Helper()
			if err := rules.Save(context.Background(), w.Staff, policy.Source{Kind: policy.Organization, ID: target}, r); err != nil {
				t.Fatal(err)
			}
		}
		one(policy.Rules{KeysPerApp: new(1)})
		admin, move := w.as(w.Admin), "/console/apps/"+w.App.Show("app")+"/move"
		form := url.Values{"to": {target.Show("org")}}

		full, refused := admin.Get(move+"?to="+target.Show("org")), admin.Post(move, form)
		one(policy.Rules{})
		free := admin.Get(move + "?to=" + target.Show("org"))
		moved := admin.Post(move, form)

		const missing = "allows an app 1 key, and this one has 2. Revoke 1 that nothing uses, then move it."
		button := `name="to" value="` + target.Show("org") + `"`
		if full.Status != 200 || !strings.Contains(full.Body, missing) || strings.Contains(full.Body, button) {
			t.Error("too many keys:", full.Status, strings.Contains(full.Body, missing))
		}
		if refused.Status != http.StatusConflict || !strings.Contains(refused.Body, missing) {
			t.Error("refused:", refused.Status)
		}
		for _, words := range []string{"What becomes of its access", "Orders", "Standard", "Goes with it, with the same plan and quota", "By moving the app you agree for Strangers to the terms of Orders as they are now.", button} {
			if !strings.Contains(free.Body, words) {
				t.Errorf("the page does not say %q", words)
			}
		}
		if moved.Status != http.StatusSeeOther {
			t.Error("moved:", moved.Status)
		}
		var there db.ID
		if err := w.DB.Read(t.Context()).Raw("SELECT organization_id FROM apps WHERE id = ?", w.App).Row().Scan(&there); err != nil || there != target {
			t.Error("it is not there:", err)
		}
	})
}

// A14, Z7: an app takes its keys along, so whoever moves it shows first that it is them.
func TestMovingAnAppAsksForAFreshProof(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		target := w.Strangers
		w.Join(target, w.Admin, "admin")
		w.Run("UPDATE members SET role = 'owner' WHERE organization_id = ? AND user_id = ?", w.Org, w.Admin.UserID)
		admin, move, form := w.as(w.Admin), "/console/apps/"+w.App.Show("app")+"/move", url.Values{"to": {target.Show("org")}}
		w.Clock.Advance(11 * time.Minute)
		where := func() (there db.ID) {
			if err := w.DB.Read(t.Context()).Raw("SELECT organization_id FROM apps WHERE id = ?", w.App).Row().Scan(&there); err != nil {
				t.Fatal(err)
			}
			return there
		}

		asked := admin.Post(move, form)
		before := where()
		moved := w.as(w.Admin).Post(move, form)

		if asked.Status != http.StatusSeeOther || !strings.HasPrefix(asked.Location, "/console/account/confirm") || before != w.Org || moved.Status != http.StatusSeeOther || where() != target {
			t.Error(asked.Status, asked.Location, before, moved.Status, moved.Location)
		}
	})
}
