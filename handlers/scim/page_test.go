package scim_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/scim"
)

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

// state is what is known of directories, and who is a member as what.
func (w *world) state() string {
	w.t.Helper()
	var rows []string
	w.ok(w.DB.Read(w.t.Context()).Raw(`SELECT name || CASE WHEN revoked_at IS NULL THEN '+' ELSE '-' END FROM scim_tokens UNION ALL SELECT default_role FROM scim_directories
		UNION ALL SELECT name_key || role FROM scim_groups UNION ALL SELECT CAST(user_id AS TEXT) || role FROM members ORDER BY 1`).Scan(&rows).Error)
	return strings.Join(rows, " ")
}

// A14, Z1, Z2, Z5.
func TestEachActOnTheDirectorysPageWorksForOwnersAndForNobodyElse(t *testing.T) {
	for _, a := range []struct {
		name      string
		path      string // below the directory; TOKEN and GROUP are ids
		good, bad url.Values
		fresh     bool
	}{
		{"make a token", "/tokens/new", form("name", "Entra ID", "days", "90"), form("name", "", "days", "7"), true},
		{"revoke a token", "/tokens/TOKEN/revoke", form(), nil, false},
		{"set the role of new people", "/role", form("role", "developer"), form("role", "admin"), true},
		{"set the role of a group", "/groups/GROUP", form("role", "admin"), form("role", "owner"), true},
	} {
		t.Run(a.name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				admin := w.Person("Ann Admin", "")
				w.Join(w.North, admin, "admin")
				group := w.post("/Groups", `{"displayName":"Devs","members":`+members(w.person("bo@northwind.example"))+`}`).is("group", 201, "").id()
				d, err := w.store.Directory(t.Context(), w.Owner, w.North)
				w.ok(err)
				path := scim.Page(w.North) + strings.NewReplacer("TOKEN", d.Tokens[0].ID.Show("sct"), "GROUP", group).Replace(a.path)
				owner, before := w.as(w.Owner), w.state()
				stale := w.as(w.Owner)
				w.run("UPDATE sessions SET reauthenticated_at = ? WHERE id = (SELECT id FROM sessions ORDER BY id DESC LIMIT 1)", w.clock.Now().Add(-11*time.Minute))

				for what, got := range map[string][2]int{
					"signed out":     {w.site.Visitor().Post(path, a.good).Status, http.StatusUnauthorized},
					"another site":   {owner.CrossSite(path, a.good).Status, http.StatusForbidden},
					"somebody else":  {w.as(w.Other).Post(path, a.good).Status, http.StatusNotFound},
					"an admin":       {w.as(admin).Post(path, a.good).Status, http.StatusForbidden},
					"staff":          {w.as(w.Staff).Post(path, a.good).Status, http.StatusNotFound},
					"of nothing":     {owner.Post(strings.Replace(path, w.North.Show("org"), db.NewID().Show("org"), 1), a.good).Status, http.StatusNotFound},
					"of another org": {w.as(w.Other).Post(strings.Replace(path, w.North.Show("org"), w.Contoso.Show("org"), 1), a.bad).Status, map[bool]int{true: 404, false: 422}[strings.Contains(a.path, "TOKEN") || strings.Contains(a.path, "GROUP")]},
				} {
					if got[0] != got[1] {
						t.Errorf("%s: %d, want %d", what, got[0], got[1])
					}
				}
				if a.bad != nil {
					if got := owner.Post(path, a.bad).Status; got != http.StatusUnprocessableEntity {
						t.Error("wrong input:", got)
					}
				}
				if a.fresh {
					if got := stale.Post(path, a.good); got.Status != http.StatusSeeOther || !strings.HasPrefix(got.Location, "/console/account/confirm") {
						t.Error("a proof of eleven minutes ago:", got.Status, got.Location)
					}
				}
				if now := w.state(); now != before {
					t.Errorf("something changed: %s, %s", before, now)
				}
				if got := owner.Post(path, a.good); got.Status != http.StatusSeeOther && got.Status != http.StatusOK || w.state() == before {
					t.Error("works:", got.Status, got.Body)
				}
			})
		})
	}
}

var tokenText = regexp.MustCompile(`gk_live_[0-9A-Za-z]{38}`)

// K1, K2: a token is shown once; two work at a time.
func TestATokenIsShownOnceAndTwoWorkAtATime(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		owner, page := w.as(w.Owner), scim.Page(w.North)
		made := owner.Post(page+"/tokens/new", form("name", "Entra ID", "days", "90"))
		second := tokenText.FindString(made.Body)

		w.send(w.token, "GET", "/Users", "").is("the first", 200, "")
		w.send(second, "GET", "/Users", "").is("the next", 200, "")
		third := owner.Post(page+"/tokens/new", form("name", "Third", "days", "90"))
		list := owner.Get(page)

		if second == "" || !apikey.Check("gk", second) || made.Header.Get("Cache-Control") != "no-store" || strings.Contains(list.Body, second) || !strings.Contains(list.Body, apikey.Hint(second)) || tokenText.MatchString(list.Body) {
			t.Error(made.Status, second, list.Body)
		}
		if third.Status != http.StatusConflict || !strings.Contains(third.Body, "two tokens already") || strings.Contains(list.Body, page+"/tokens/new") {
			t.Error(third.Status)
		}
		if !slices.Contains(w.Mails("nora.north@example.com"), "directory_token") {
			t.Error("the owners are not told")
		}
		w.run("UPDATE members SET role = 'viewer' WHERE user_id = ?", w.Owner.UserID)
		if got := owner.Get(page).Status; got != http.StatusForbidden {
			t.Error("who is no owner any more sees it:", got)
		}
	})
}

func TestTheDirectorysPageTellsHowItStands(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		fabrikam := w.Person("Fay Fabrikam", "")
		o, err := w.Org.Create(t.Context(), fabrikam, inputOf("Fabrikam"))
		w.ok(err)
		empty := w.as(fabrikam).Get(scim.Page(o.ID))
		none := w.as(fabrikam).Post(scim.Page(o.ID)+"/tokens/new", form("name", "x", "days", "90"))
		w.post("/Groups", `{"displayName":"Devs","members":`+members(w.person("bo@northwind.example"))+`}`).is("group", 201, "")
		w.gives(w.get("/Groups").at("Resources", 0).(map[string]any)["id"].(string), "admin")

		page := w.as(w.Owner).Get(scim.Page(w.North))
		w.run("UPDATE domains SET proven_at = NULL WHERE organization_id = ?", w.North)
		lost := w.as(w.Owner).Get(scim.Page(w.North))

		if !strings.Contains(empty.Body, "No domain is proven") || strings.Contains(empty.Body, "Create token") || none.Status != http.StatusConflict {
			t.Error(empty.Status, none.Status)
		}
		for _, words := range []string{w.site.URL + "/scim/v2", "Works", "Devs", "Admin", "1, of them 1 active", "Create token"} {
			if !strings.Contains(page.Body, words) {
				t.Errorf("%q is not there: %s", words, page.Body)
			}
		}
		if !strings.Contains(lost.Body, "Stopped: no domain is proven") {
			t.Error(lost.Body)
		}
	})
}

// K9: a token that is reported as leaked is revoked, and its organization told; one that is over is known still.
func TestALeakedTokenIsRevokedAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var digests [][]byte
		w.ok(w.DB.Read(t.Context()).Raw("SELECT digest FROM scim_tokens ORDER BY organization_id").Scan(&digests).Error)
		var known, again map[string]bool
		report := func(out *map[string]bool) {
			w.Tx(func(tx *db.Tx) (err error) {
				*out, err = w.store.Reported(tx, actor.ForSystem(), append(digests[:1:1], []byte("x")))
				return err
			})
		}

		report(&known)
		report(&again)

		if len(known) != 1 || len(again) != 1 || w.count("SELECT COUNT(*) FROM scim_tokens WHERE revoked_at IS NULL") != 1 || w.count("SELECT COUNT(*) FROM mails WHERE kind = 'directory_token_leaked'") != 1 {
			t.Error(known, again)
		}
	})
}

// The portal's own sign-up setting holds for directories, too.
func TestADirectoryMakesNoAccountWhereThePortalIsClosed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorldOf(t, d, clock, "closed")
		ann := w.Person("Ann Admin", "")
		w.run("UPDATE users SET email = 'ann@northwind.example' WHERE id = ?", ann.UserID)

		w.post("/Users", `{"userName":"bo@northwind.example"}`).is("a new account", 403, "")
		w.post("/Users", `{"userName":"ann@northwind.example"}`).is("one that is there", 201, "")

		if _, err := account.NewStore(account.Options{DB: w.DB}).ByAddress(t.Context(), "bo@northwind.example"); err == nil {
			t.Error("an account was made")
		}
	})
}
