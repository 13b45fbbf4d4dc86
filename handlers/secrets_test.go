package handlers_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
)

// typed is a form with the fields in which people write freely.
type typed struct {
	path    string
	form    url.Values // works but for the text
	refused []string   // fields that refuse a key with a sentence
	hinted  []string   // fields that keep the hint in its place
}

func fields(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

// developersForms are the forms of the console, and of visitors.
func (w *world) developersForms() map[string][]typed {
	t := w.mine
	app, token := t.app.ID.Show("app"), w.house.Stores.Key
	keyPath := "/console/keys/" + t.key.ID.Show("key")
	return map[string][]typed{
		"account": {
			{path: "/console/account/profile", form: fields("name", "Mine", "display_name", "Mine", "language", "en", "time_zone", "UTC"), refused: []string{"name", "display_name"}},
			{path: "/signup", form: fields("name", "New", "email", "new@example.com", "password", "another long sentence"), refused: []string{"name"}},
		},
		"org": {
			{path: "/console/organizations/new", form: fields("name", "Second"), refused: []string{"name"}},
			{path: "/console/organizations/" + w.shared().Show("org") + "/invite", form: fields("email", "new@example.com", "role", "viewer"), refused: []string{"email"}},
			{path: "/console/apps/new", form: fields("organization", t.org.Show("org"), "name", "Second"), refused: []string{"name", "description", "homepage_url"}},
			{path: "/console/apps/" + app + "/edit", form: fields("name", "Second"), refused: []string{"name", "description", "homepage_url"}},
		},
		"catalog": {{path: "/apis/orders/request", form: fields("app", app, "purpose", "To use it"), refused: []string{"purpose"}}},
		"key": {
			{path: "/console/keys/new", form: fields("form_token", token.NewFormToken(webtest.ActorOf(t.user), key.CreatePurpose()), "app", app, "environment", "live", "grants", "orders/orders:read", "expires", "30"), refused: []string{"name", "networks", "origins", "metadata"}},
			{path: keyPath + "/limits", form: fields("rate_period", "60"), refused: []string{"networks", "origins", "metadata"}},
			{path: keyPath + "/rename", form: fields(), refused: []string{"name"}},
			{path: keyPath + "/revoke", form: fields("confirm", t.key.Name), hinted: []string{"reason"}},
		},
	}
}

// shared is an ordinary organization that the tenant owns.
func (w *world) shared() db.ID {
	w.Helper()
	o, err := w.house.Stores.Org.Create(context.Background(), webtest.ActorOf(w.mine.user), org.Input{Name: "Shared"})
	w.ok(err)
	return o.ID
}

// staffsForms are the forms of staff.
func (w *world) staffsForms() map[string][]typed {
	t, api := w.them, "/admin/apis/"+w.one("SELECT id FROM apis WHERE slug = 'orders'").Show("api")
	publisher := w.one("SELECT publisher_id FROM apis WHERE slug = 'orders'").Show("org")
	filter := []string{"q", "owner", "app", "scope", "api"}
	return map[string][]typed{
		"account": {{path: "/admin/users/" + t.user.ID.Show("user") + "/suspend", hinted: []string{"reason"}}},
		"org": {
			{path: "/admin/apps/" + t.app.ID.Show("app") + "/suspend", hinted: []string{"reason"}},
			{path: "/admin/organizations/" + t.org.Show("org") + "/suspend", hinted: []string{"reason"}},
		},
		"catalog": {
			{path: "/admin/apis/new", form: fields("slug", "mail", "name", "Mail", "publisher", publisher, "data_domain", "customer", "visibility", "public", "version", "v1", "state", "live"), refused: []string{"name", "summary", "description"}},
			{path: api, form: fields("slug", "orders", "name", "Orders", "publisher", publisher, "data_domain", "customer", "visibility", "public"), refused: []string{"name", "summary", "description"}},
			{path: api + "/environments", form: fields("environment", "live", "base_url", "https://orders.example", "example_method", "GET"), refused: []string{"base_url", "example_path", "example_body"}},
			{path: api + "/scopes", form: fields("scope", "orders:list"), refused: []string{"sentence"}},
			{path: api + "/plans", form: fields("plan", "Large", "rate_requests", "10", "rate_period", "60", "burst", "10"), refused: []string{"plan", "summary"}},
			{path: api + "/routes", form: fields(), refused: []string{"rules"}},
			{path: api + "/terms", form: fields(), refused: []string{"terms"}},
			{path: "/admin/requests/" + t.access.Show("acc") + "/suspend", hinted: []string{"reason"}},
		},
		"key": {
			{path: "/admin/keys/bulk", form: fields("environment", "live", "verb", "revoke"), hinted: filter},
			{path: "/admin/keys/" + t.key.ID.Show("key") + "/suspend", form: fields("for", "24"), hinted: []string{"reason"}},
			{path: "/admin/keys/" + t.key.ID.Show("key") + "/revoke", form: fields("confirm", t.key.Name), hinted: []string{"reason"}},
		},
		"staff": {{path: "/admin/portal", form: fields("name", "Portal", "hue", "0"), refused: []string{"name", "footer"}}},
	}
}

func (w *world) one(query string) db.ID {
	w.Helper()
	var ids []db.ID
	w.ok(w.db.Read(context.Background()).Raw(query).Scan(&ids).Error)
	return ids[0]
}

// K1: whoever pastes a whole key where there is room for words finds it refused, or kept as its hint; no table ever holds it.
func TestAPastedKeyIsNeverStored(t *testing.T) {
	for _, area := range []string{"account", "org", "catalog", "key", "staff"} {
		t.Run(area, func(t *testing.T) {
			clock := dbtest.NewClock()
			w := serve(t, dbtest.SQLite(t, clock), clock)
			w.inhabit()
			secret, err := apikey.Mint("gk", apikey.Live, rand.Reader)
			w.ok(err)
			dev, staff := w.site.As(w.mine.user), w.site.As(w.admin)
			dev.Header.Set("User-Agent", "script "+secret.Reveal())

			for _, f := range w.developersForms()[area] {
				if f.path == "/signup" {
					w.paste(w.site.Visitor(), f, secret)
					continue
				}
				w.paste(dev, f, secret)
			}
			for _, f := range w.staffsForms()[area] {
				w.paste(staff, f, secret)
			}

			if found := w.holding(secret.Reveal()); len(found) > 0 {
				t.Errorf("stored:\n%s", strings.Join(found, "\n"))
			}
		})
	}
}

// paste puts the key into each text field of a form that is right otherwise.
func (w *world) paste(who *webtest.Client, f typed, secret apikey.Secret) {
	w.Helper()
	for i, field := range append(append([]string{}, f.refused...), f.hinted...) {
		refused, form := i < len(f.refused), url.Values{field: {secret.Reveal()}}
		for name, values := range f.form {
			if name != field {
				form[name] = values
			}
		}
		if field == "homepage_url" || field == "base_url" {
			form.Set(field, "https://x.example/"+secret.Reveal())
		}
		if field == "example_path" {
			form.Set(field, "/v1?key="+secret.Reveal())
		}
		page := who.Post(f.path, form)
		says := strings.Contains(page.Body, "This holds an API key.")
		if refused && (page.Status != 422 || !says) || says != refused || !refused && page.Status != 303 && !strings.Contains(page.Body, "finds no key") {
			w.Errorf("%s, %s: %d, says so: %t\n%.2000s", f.path, field, page.Status, says, alerts(page.Body))
		}
	}
}

// alerts is the part of a page that tells what is wrong.
func alerts(body string) string {
	if i := strings.Index(body, `role="alert"`); i >= 0 {
		return body[i:]
	}
	return body
}

// holding lists the rows of all tables in which the text stands.
func (w *world) holding(text string) []string {
	w.Helper()
	var found []string
	for _, table := range w.tables() {
		var rows []map[string]any
		w.ok(w.db.Read(context.Background()).Raw("SELECT * FROM " + table).Scan(&rows).Error)
		for _, row := range rows {
			for column, value := range row {
				if b, ok := value.([]byte); ok {
					value = string(b)
				}
				if strings.Contains(fmt.Sprint(value), text) {
					found = append(found, table+"."+column)
				}
			}
		}
	}
	return found
}

// D2: nor does it stay in the address of a list.
func TestAPastedKeyLeavesTheAddress(t *testing.T) {
	clock := dbtest.NewClock()
	w := serve(t, dbtest.SQLite(t, clock), clock)
	w.inhabit()
	secret, err := apikey.Mint("gk", apikey.Live, rand.Reader)
	w.ok(err)
	staff := w.site.As(w.admin)

	for _, field := range []string{"q", "owner", "app", "scope", "api"} {
		for _, path := range []string{"/admin/keys", "/console/keys"} {
			page := staff.Get(path + "?" + field + "=" + secret.Reveal())
			if page.Status != 303 || !strings.Contains(page.Location, url.QueryEscape(secret.Hint())) {
				t.Errorf("%s %s: %d %s", path, field, page.Status, apikey.Redact(page.Location))
			}
		}
	}
}
