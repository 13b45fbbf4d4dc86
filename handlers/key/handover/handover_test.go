package handover_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/handlers/key"
	handlers "github.com/gatehouse-dev/gatehouse/handlers/key/handover"
	pages "github.com/gatehouse-dev/gatehouse/handlers/org"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/handover"
	"github.com/gatehouse-dev/gatehouse/models/key/keytest"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/org/invitation"
	"github.com/gatehouse-dev/gatehouse/models/usage/quota"
)

type world struct {
	*keytest.World
	t     *testing.T
	site  *webtest.Site
	store *handover.Store
}

func each(t *testing.T, body func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := &world{World: keytest.New(t, d, clock), t: t}
		w.Run("UPDATE users SET language = 'en', time_zone = 'UTC'")
		w.site = webtest.New(t, d, clock, func(k *web.Kit, r *web.Registrar) {
			w.store = handover.NewStore(handover.Options{DB: d, Outbox: w.Outbox, Keys: w.Keys, Link: k.Link})
			orgs := org.NewStore(org.Options{DB: d, Outbox: w.Outbox, Link: k.Link})
			list := key.New(k, w.Keys, w.store)
			list.Routes(r)
			pages.New(k, orgs, catalog.NewStore(catalog.Options{DB: d, Outbox: w.Outbox, Link: k.Link}), quota.NewStore(d, nil, nil), invitation.NewStore(invitation.Options{DB: d})).Routes(r)
			(&handlers.Handler{Kit: k, Store: w.store, Keys: list, Orgs: orgs}).Routes(r)
		})
		body(t, w)
	})
}

func (w *world) as(a actor.Actor) *webtest.Client {
	w.t.Helper()
	u, err := account.NewStore(account.Options{DB: w.DB}).ByID(context.Background(), a.UserID)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.site.As(u)
}

func (w *world) count(query string, args ...any) (n int) {
	w.t.Helper()
	if err := w.DB.Read(context.Background()).Raw(query, args...).Scan(&n).Error; err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) organization(id db.ID) string { return "/console/organizations/" + id.Show("org") }

var (
	tokenField = regexp.MustCompile(`name="form_token" value="([^"]+)"`)
	linkText   = regexp.MustCompile(`/handover/([A-Za-z0-9_-]{43})`)
	keyText    = regexp.MustCompile(`gk_live_[0-9A-Za-z]{38}`)
)

// link makes a key by the form, with a link in the place of its text.
func (w *world) link(dev *webtest.Client) (code string, page webtest.Page) {
	w.t.Helper()
	form := dev.Get("/console/keys/new?app=" + w.App.Show("app"))
	token := tokenField.FindStringSubmatch(form.Body)
	if token == nil || !strings.Contains(form.Body, "How it is handed out") {
		w.t.Fatal("the form has no token or no choice:", form.Status)
	}
	page = dev.Post("/console/keys/new", url.Values{
		"form_token": {token[1]}, "app": {w.App.Show("app")}, "name": {"Deploy"}, "environment": {"live"}, "grants": {"orders/orders:read"}, "expires": {"30"}, "make": {"1"},
		"delivery": {"link"}, "link_life": {"15"},
	})
	found := linkText.FindStringSubmatch(page.Body)
	if page.Status != 200 || found == nil || keyText.MatchString(page.Body) {
		w.t.Fatalf("%d: no link, or the key itself: %.600s", page.Status, page.Body)
	}
	return found[1], page
}

// K2, B1-15: looking opens nothing; the button does, once.
func TestALinkShowsTheKeyToWhoPressesTheButton(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		dev := w.as(w.Developer)
		code, _ := w.link(dev)
		var made []db.ID
		if err := w.DB.Read(t.Context()).Raw("SELECT id FROM keys").Scan(&made).Error; err != nil || len(made) != 1 {
			t.Fatal(made, err)
		}
		id := made[0]
		visitor := w.site.Visitor()
		for range 3 {
			offer := visitor.Get("/handover/" + code)
			if offer.Status != 200 || keyText.MatchString(offer.Body) || !strings.Contains(offer.Body, "Show the key") || !strings.Contains(offer.Body, "See orders") ||
				!strings.Contains(offer.Body, "noindex") || offer.Header.Get("Referrer-Policy") != "no-referrer" || offer.Header.Get("Cache-Control") != "no-store" {
				t.Fatal(offer.Status, offer.Header, offer.Body)
			}
		}
		waits := dev.Get("/console/keys/" + id.Show("key"))
		cross := visitor.CrossSite("/handover/"+code, url.Values{})

		shown := visitor.Post("/handover/"+code, url.Values{})
		again, invented, peek := visitor.Post("/handover/"+code, url.Values{}), visitor.Post("/handover/"+strings.Repeat("Ab3-", 11)[:43], url.Values{}), visitor.Get("/handover/"+code)

		if shown.Status != 200 || !keyText.MatchString(shown.Body) || shown.Header.Get("Cache-Control") != "no-store" || cross.Status != 403 {
			t.Fatal(shown.Status, cross.Status, shown.Body)
		}
		if again.Status != 404 || invented.Status != 404 || peek.Status != 404 || keyText.MatchString(again.Body) {
			t.Error(again.Status, invented.Status, peek.Status)
		}
		opened := dev.Get("/console/keys/" + id.Show("key"))
		if !strings.Contains(waits.Body, "Waits until") || !strings.Contains(waits.Body, "Cancel link") || !strings.Contains(opened.Body, "Opened on 21 Nov 2026") || !strings.Contains(opened.Body, "127.0.0.0/24") || strings.Contains(opened.Body, "Cancel link") {
			t.Error("the key’s page does not tell of its link")
		}
		if n := w.count("SELECT COUNT(*) FROM mails WHERE kind = 'key_link_opened'"); n != 1 {
			t.Error("mails:", n)
		}
	})
}

// secret asks as a script does, without any header of a browser.
func (w *world) secret(code, accept string) (*http.Response, string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, w.site.URL+"/handover/"+code+"/secret", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer, string(body)
}

// K1, K2: the path of a link is the secret itself: no page that one signs in or up from takes it along, into a query or the database.
func TestALinksTokenIsCarriedNowhere(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		token, _ := w.link(w.as(w.Developer))

		page := w.site.Visitor().Get("/handover/" + token)

		if page.Status != 200 || strings.Contains(page.Body, "next=") || strings.Contains(page.Body, `name="next" value="/handover`) {
			t.Error("the page carries the token further")
		}
		for _, next := range []string{"/handover/" + token, "/%68andover/" + token, "/x/../handover/" + token, "/handover//" + token} {
			if got := web.SafeNext(next, "/console"); got != "/console" {
				t.Errorf("%s leads on to %s", next, got)
			}
		}
	})
}

func TestAScriptGetsTheKeyAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		dev := w.as(w.Developer)
		first, _ := w.link(dev)
		second, _ := w.link(dev)
		get := w.site.Visitor().Get("/handover/" + first + "/secret")

		plain, text := w.secret(first, "*/*")
		asJSON, body := w.secret(second, "application/json")
		gone, problem := w.secret(first, "*/*")

		if get.Status == 200 || plain.StatusCode != 200 || !regexp.MustCompile(`^gk_live_[0-9A-Za-z]{38}\n$`).MatchString(text) || !strings.HasPrefix(plain.Header.Get("Content-Type"), "text/plain") || plain.Header.Get("Cache-Control") != "no-store" {
			t.Error(get.Status, plain.StatusCode, plain.Header, len(text))
		}
		var out struct {
			Key, Name, App string
			Scopes         []string
		}
		if err := json.Unmarshal([]byte(body), &out); err != nil || !keyText.MatchString(out.Key) || out.Name != "Deploy" || out.App != "Shop" || len(out.Scopes) != 1 || asJSON.Header.Get("Content-Type") != "application/json" {
			t.Error(err, asJSON.Header)
		}
		if gone.StatusCode != 404 || gone.Header.Get("Content-Type") != "application/problem+json" || strings.Contains(problem, first) {
			t.Error(gone.StatusCode, problem)
		}
	})
}

// A reload of the form makes no second key and shows no second link.
func TestARepeatOfTheFormLeadsToTheKey(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		dev := w.as(w.Developer)
		token := tokenField.FindStringSubmatch(dev.Get("/console/keys/new?app=" + w.App.Show("app")).Body)[1]
		form := url.Values{
			"form_token": {token}, "app": {w.App.Show("app")}, "name": {"Deploy"}, "environment": {"live"}, "grants": {"orders/orders:read"}, "expires": {"30"}, "make": {"1"}, "delivery": {"link"}, "link_life": {"7"},
		}
		wrong := dev.Post("/console/keys/new", form)
		form.Set("link_life", "60")

		first, second := dev.Post("/console/keys/new", form), dev.Post("/console/keys/new", form)

		if wrong.Status != 422 || first.Status != 200 || second.Status != 303 || w.count("SELECT COUNT(*) FROM keys") != 1 || w.count("SELECT COUNT(*) FROM key_handovers") != 1 {
			t.Error(wrong.Status, first.Status, second.Status)
		}
	})
}

// Works; 422; signed out; somebody else; another site: Z1, Z2, W1
func TestEachActOfAHandOverAnswersTheRightPersonOnly(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		made := w.Make(w.Developer, "Worker", 30).Key
		link, deliver := w.store.ByLink(handover.Lives[0])
		other, err := w.Keys.Create(t.Context(), w.Developer, keys.CreateRequest{Token: w.Keys.NewFormToken(w.Developer, keys.CreatePurpose()), AppID: w.App, Environment: "live", Name: "Linked", Pairs: []keys.Pair{{API: "orders", Scope: "orders:read"}}, Deliver: deliver})
		if err != nil {
			t.Fatal(err)
		}
		target := db.NewID()
		w.Run("INSERT INTO organizations (id, kind, name, created_at, updated_at) VALUES (?, 'ordinary', 'Contoso', ?, ?)", target, w.Clock.Now(), w.Clock.Now())
		w.Join(target, w.Admin, "admin")
		w.Run("UPDATE members SET role = 'owner' WHERE organization_id = ? AND user_id = ?", w.Org, w.Admin.UserID) // owners move apps
		admin, viewer, stranger := w.as(w.Admin), w.as(w.Viewer), w.as(w.Stranger)
		user := func(a actor.Actor) url.Values { return url.Values{"responsible": {a.UserID.Show("user")}} }
		for _, a := range []struct {
			name, path, absent string
			form, wrong        url.Values
			wrongStatus        int
			done               func() bool
		}{
			{
				"cancel", "/console/keys/" + other.Key.ID.Show("key") + "/links/" + link.ID.Show("hnd") + "/cancel", "/console/keys/" + db.NewID().Show("key") + "/links/" + link.ID.Show("hnd") + "/cancel",
				url.Values{},
				nil, 0,
				func() bool { return w.count("SELECT COUNT(*) FROM key_handovers WHERE cancelled_at IS NOT NULL") == 1 },
			},
			{
				"owner", "/console/keys/" + made.ID.Show("key") + "/owner", "/console/keys/" + db.NewID().Show("key") + "/owner", user(w.Other), user(w.Stranger), 422,
				func() bool {
					return w.count("SELECT COUNT(*) FROM keys WHERE responsible_id = ?", w.Other.UserID) == 1
				},
			},
			{
				"remove", w.organization(w.Org) + "/members/" + w.Other.UserID.Show("user") + "/remove", w.organization(w.Org) + "/members/" + db.NewID().Show("user") + "/remove",
				url.Values{},
				nil, 0,
				func() bool { return w.count("SELECT COUNT(*) FROM members WHERE user_id = ?", w.Other.UserID) == 0 },
			},
			{
				"move", "/console/apps/" + w.App.Show("app") + "/move", "/console/apps/" + db.NewID().Show("app") + "/move",
				url.Values{"to": {target.Show("org")}},
				url.Values{"to": {"nowhere"}},
				422,
				func() bool { return w.count("SELECT COUNT(*) FROM apps WHERE organization_id = ?", target) == 1 },
			},
		} {
			got := fmt.Sprint(w.site.Visitor().Post(a.path, a.form).Status, stranger.Post(a.path, a.form).Status, viewer.Post(a.path, a.form).Status, admin.CrossSite(a.path, a.form).Status, admin.Post(a.absent, a.form).Status)
			if got != "401 404 403 403 404" || a.done() {
				t.Errorf("%s: %s, done: %v", a.name, got, a.done())
			}
			if a.wrong != nil {
				if wrong := admin.Post(a.path, a.wrong); wrong.Status != a.wrongStatus || a.done() {
					t.Errorf("%s: wrong input: %d", a.name, wrong.Status)
				}
			}
			if right := admin.Post(a.path, a.form); right.Status != http.StatusSeeOther || !a.done() {
				t.Errorf("%s: %d %s", a.name, right.Status, right.Body)
			}
		}
	})
}

// Z5, Z7
func TestLeavingTakesEverythingOnTheNextRequest(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		k := w.Make(w.Developer, "Worker", 30).Key
		dev, admin, owner := w.as(w.Developer), w.as(w.Admin), w.as(w.Owner)
		place := w.organization(w.Org)
		form := dev.Get(place + "/leave")
		last := owner.Post(place+"/leave", url.Values{})
		out, cross := w.site.Visitor().Post(place+"/leave", url.Values{}), dev.CrossSite(place+"/leave", url.Values{})

		left := dev.Post(place+"/leave", url.Values{})

		if form.Status != 200 || !strings.Contains(form.Body, "1 key goes on without an owner") || !strings.Contains(form.Body, "Worker") || last.Status != 409 || out.Status != 401 || cross.Status != 403 || left.Status != 303 {
			t.Fatal(form.Status, last.Status, out.Status, cross.Status, left.Status, form.Body)
		}
		for _, path := range []string{place, "/console/keys/" + k.ID.Show("key"), "/console/apps/" + w.App.Show("app")} {
			if got := dev.Get(path); got.Status != 404 {
				t.Errorf("Z7: %s answers %d", path, got.Status)
			}
		}
		if got := dev.Post("/console/keys/"+k.ID.Show("key")+"/pause", url.Values{}); got.Status != 404 {
			t.Error("Z7: pausing:", got.Status)
		}
		page, list := admin.Get("/console/keys/"+k.ID.Show("key")), admin.Get("/console/keys?state=unowned")
		if !strings.Contains(page.Body, "This key needs an owner") || !strings.Contains(page.Body, "Say who is responsible") || !strings.Contains(list.Body, "Worker") || !strings.Contains(list.Body, "Needs an owner") {
			t.Error("K6: not marked for the admins")
		}
		answers := admin.Get("/console/keys/" + k.ID.Show("key") + "/owner")
		if answers.Status != 200 || !strings.Contains(answers.Body, "It stays: save who is responsible") || strings.Contains(answers.Body, ">vic") || !strings.Contains(answers.Body, ">ada") {
			t.Error(answers.Status, "viewers stand among those who may answer, or admins do not")
		}
	})
}

func TestThePageOfAMoveSaysWhatChangesFirst(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.Make(w.Developer, "Worker", 30)
		w.Run("UPDATE members SET role = 'owner' WHERE organization_id = ? AND user_id = ?", w.Org, w.Admin.UserID) // owners move apps
		admin, move := w.as(w.Admin), "/console/apps/"+w.App.Show("app")+"/move"
		nowhere := admin.Get(move)
		target := db.NewID()
		w.Run("INSERT INTO organizations (id, kind, name, created_at, updated_at) VALUES (?, 'ordinary', 'Contoso', ?, ?)", target, w.Clock.Now(), w.Clock.Now())
		w.Join(target, w.Admin, "owner")

		choice, ahead := admin.Get(move), admin.Get(move+"?to="+target.Show("org"))
		w.Run("UPDATE apis SET visibility = 'invited' WHERE id = ?", w.API)
		kept, refused := admin.Get(move+"?to="+target.Show("org")), admin.Post(move, url.Values{"to": {target.Show("org")}})

		if !strings.Contains(nowhere.Body, "There is nowhere to move it to") || !strings.Contains(choice.Body, "See what changes") {
			t.Error(nowhere.Status, choice.Status)
		}
		if ahead.Status != 200 || !strings.Contains(ahead.Body, "Its keys work on") || !strings.Contains(ahead.Body, "1 of its keys then needs an owner") || !strings.Contains(ahead.Body, "Contoso") {
			t.Error(ahead.Status, ahead.Body)
		}
		if !strings.Contains(kept.Body, "is not invited to this API") || refused.Status != 409 || !strings.Contains(refused.Body, "is not invited to this API") {
			t.Error(kept.Status, refused.Status)
		}
	})
}
