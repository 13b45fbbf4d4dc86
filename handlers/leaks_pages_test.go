package handlers_test

import (
	"context"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"go.yaml.in/yaml/v3"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	words "github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/leak"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// shows fails unless the page holds all words.
func (w *world) shows(p webtest.Page, status int, words ...string) {
	w.Helper()
	if p.Status != status {
		w.Errorf("status %d, want %d", p.Status, status)
	}
	for _, word := range words {
		if !strings.Contains(p.Body, word) {
			w.Errorf("lacks %q", word)
		}
	}
}

var hiddenToken = regexp.MustCompile(`name="form_token" value="([^"]+)"`)

// The incident's page says where, from where, what and until when; one button rotates; afterwards it is closed with a word.
func TestIncidentIsReadActedUponAndClosed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := serveLeaks(t, d, clock)
		made := w.newKey("Checkout worker")
		id, dev := made.Key.ID, w.site.As(w.mine.user)
		w.ok(d.Tx(context.Background(), func(tx *db.Tx) error {
			return key.RecordUse(tx, []key.Use{{KeyID: id, At: tx.Now, Networks: []key.NetworkAt{{Network: "203.0.113.0/24", At: tx.Now}}}})
		}))
		path := leak.PathOf(id)
		w.shows(dev.Get(path), 404)

		w.asGitHub(`[{"token":"` + made.Secret.Reveal() + `","type":"k","url":"https://github.com/o/r/blob/1/a.txt","source":"commit"}]`)
		w.send("/v1/leaks", `{"keys": ["`+made.Secret.Reveal()+`"], "url": "javascript:alert(1)", "place": "<b>a wiki</b>"}`, nil)
		w.work()

		page := dev.Get(path)
		w.shows(page, 200, "The key is paused: every call with it is refused.", "is revoked for good", `<a href="https://github.com/o/r/blob/1/a.txt"`, "commit", "&lt;b&gt;a wiki&lt;/b&gt;", "203.0.113.0/24", "See orders", "Rotate key now", "Resume key")
		if strings.Contains(page.Body, `href="javascript`) || strings.Contains(page.Body, made.Secret.Reveal()) {
			t.Error("an address of a stranger is a link, or the key is shown")
		}
		w.shows(dev.Get("/console/keys/"+id.Show(key.IDPrefix)), 200, path)
		w.shows(dev.Get("/console"), 200, "/console/incidents")
		w.shows(dev.Get("/console/incidents"), 200, "Checkout worker", path, "Open, key paused")
		w.shows(dev.Get("/console/incidents?state=closed"), 200, "No incident here.")
		w.shows(w.site.As(w.them.user).Get("/console/incidents"), 200, "No key of yours was reported as leaked")

		rotated := dev.Post("/console/keys/"+id.Show(key.IDPrefix)+"/rotate", url.Values{"form_token": {hiddenToken.FindStringSubmatch(page.Body)[1]}, "overlap_days": {"0"}})
		if rotated.Status != 200 || w.state(id) != key.Expired || len(apikey.Find(rotated.Body)) == 0 {
			t.Errorf("rotated: %d, the old one is %s", rotated.Status, w.state(id))
		}
		w.shows(dev.Get(path), 200, "The key has ended", "Close incident")
		closed := dev.Post(path+"/close", url.Values{"seen": {"2"}, "word": {"taken out of the history"}})
		if closed.Status != 303 {
			t.Error(closed.Status)
		}
		w.shows(dev.Get(path), 200, "taken out of the history", "The incident is closed.")
	})
}

// Wherever keys are listed, one that is paused for a leak says so, leads to its incident, and ends when its notice does.
func TestALeakedKeySaysSoInEveryList(t *testing.T) {
	clock := dbtest.NewClock()
	w := serveLeaks(t, dbtest.SQLite(t, clock), clock)
	made := w.newKey("Checkout worker")
	shown, dev, staff := made.Key.ID.Show(key.IDPrefix), w.site.As(w.mine.user), w.site.As(w.admin)
	w.asGitHub(`[{"token":"` + made.Secret.Reveal() + `"}]`)
	w.work()
	incident, err := w.house.Stores.Leak.OfKey(context.Background(), webtest.ActorOf(w.mine.user), made.Key.ID)
	w.ok(err)
	mine, theirs := `<a href="`+leak.PathOf(made.Key.ID)+`">Paused, leaked</a>`, `<a href="/admin/leaks/`+incident.ID.Show(leak.IncidentPrefix)+`">Paused, leaked</a>`
	notice := words.Relative(context.Background(), clock.Now(), *incident.RevokeAt)

	preview := staff.Post("/admin/keys/bulk", url.Values{"q": {"Checkout worker"}, "verb": {string(key.Revoking)}})

	w.shows(dev.Get("/console/keys"), 200, mine, notice)
	w.shows(dev.Get("/console/keys/"+shown), 200, mine, notice)
	w.shows(staff.Get("/admin/keys"), 200, theirs, notice)
	w.shows(staff.Get("/admin/keys/"+shown), 200, theirs, notice)
	w.shows(staff.Get(preview.Location), 200, theirs)
}

// A key that was revoked at once can't be rotated: the page leads to a new one with the same scopes.
func TestARevokedKeysIncidentLeadsToANewOne(t *testing.T) {
	clock := dbtest.NewClock()
	w := serveLeaks(t, dbtest.SQLite(t, clock), clock)
	staff, dev := w.site.As(w.admin), w.site.As(w.mine.user)
	if page := staff.Post("/admin/leaks/policy", url.Values{"live": {"revoke"}, "test": {"tell"}, "notice_days": {"7"}}); page.Status != 303 {
		t.Fatal(page.Status)
	}
	made := w.newKey("Worker")

	w.asGitHub(`[{"token":"` + made.Secret.Reveal() + `"}]`)

	page := dev.Get(leak.PathOf(made.Key.ID))
	w.shows(page, 200, "The key is revoked: every call with it is refused.", "Create a key in its place")
	href := regexp.MustCompile(`/console/keys/new\?[^"]+`).FindString(page.Body)
	w.shows(dev.Get(strings.ReplaceAll(href, "&amp;", "&")), 200, `value="Worker"`, "orders:read")
	incident, err := w.house.Stores.Leak.OfKey(context.Background(), webtest.ActorOf(w.mine.user), made.Key.ID)
	w.ok(err)
	w.shows(staff.Get("/admin/leaks"), 200, "Worker", "Open, key revoked", "/admin/leaks/"+incident.ID.Show(leak.IncidentPrefix))
	w.shows(staff.Get("/admin/leaks/"+incident.ID.Show(leak.IncidentPrefix)), 200, "GitHub", "See orders", "/admin/keys/")
	w.shows(staff.Get("/admin/leaks/policy"), 200, w.site.URL+"/v1/leaks/github", apikey.Pattern("gk"), "Save policy")
	w.shows(w.site.As(w.site.Person("sue@company.example", permission.Support)).Get("/admin/leaks/policy"), 200, "Revoke at once", "Leave it alone")
}

// Works; 422; signed out; somebody else; another site: Z1, Z2, W1
func TestActsOnIncidentsAnswerTheRightPersonOnly(t *testing.T) {
	for name, act := range map[string]struct {
		form, wrong url.Values
		prepare     string
		want        key.StateName
	}{
		"resume": {url.Values{"seen": {"1"}, "reason": {"it was a test"}}, url.Values{"seen": {"1"}}, "", key.Active},
		"close":  {url.Values{"seen": {"1"}, "word": {"done"}}, url.Values{"seen": {"1"}}, "UPDATE keys SET paused_at = NULL, paused_cause = ''", key.Active},
	} {
		t.Run(name, func(t *testing.T) {
			clock := dbtest.NewClock()
			w := serveLeaks(t, dbtest.SQLite(t, clock), clock)
			made := w.newKey("Worker")
			w.asGitHub(`[{"token":"` + made.Secret.Reveal() + `"}]`)
			if act.prepare != "" {
				w.ok(w.db.Tx(context.Background(), func(tx *db.Tx) error { _, err := tx.Run(act.prepare); return err }))
			}
			path, dev, others := leak.PathOf(made.Key.ID)+"/"+name, w.site.As(w.mine.user), w.site.As(w.them.user)
			absent := leak.PathOf(db.NewID()) + "/" + name

			got := []int{w.site.Visitor().Post(path, act.form).Status, others.Post(path, act.form).Status, dev.Post(absent, act.form).Status, dev.CrossSite(path, act.form).Status, dev.Post(path, act.wrong).Status}
			if want := []int{401, 404, 404, 403, 422}; !equal(got, want) {
				t.Errorf("%v, want %v", got, want)
			}
			unread := url.Values{}
			for field, values := range act.form {
				unread[field] = values
			}
			unread.Set("seen", "0")
			if page := dev.Post(path, unread); page.Status != 409 || !strings.Contains(page.Body, "Read the incident again") {
				t.Error("unread:", page.Status)
			}
			if page := dev.Post(path, act.form); page.Status != 303 || w.state(made.Key.ID) != act.want {
				t.Error(page.Status, w.state(made.Key.ID))
			}
		})
	}
}

// Works; 422; signed out; without the permission; another site: Z1, Z2, W1
func TestStaffCloseIncidentsOnTheirPage(t *testing.T) {
	clock := dbtest.NewClock()
	w := serveLeaks(t, dbtest.SQLite(t, clock), clock)
	made := w.newKey("Worker")
	w.asGitHub(`[{"token":"` + made.Secret.Reveal() + `"}]`)
	incident, err := w.house.Stores.Leak.OfKey(context.Background(), webtest.ActorOf(w.mine.user), made.Key.ID)
	w.ok(err)
	at, form := "/admin/leaks/"+incident.ID.Show(leak.IncidentPrefix), url.Values{"seen": {"1"}, "word": {"Its repository is gone."}}
	staff, support, dev := w.site.As(w.admin), w.site.As(w.site.Person("sue@company.example", permission.Support)), w.site.As(w.mine.user)
	if page := staff.Get(at); strings.Contains(page.Body, "Close incident") || !strings.Contains(page.Body, "/revoke") {
		t.Error("while the key is paused for it, staff may revoke the key, not close")
	}
	if page := staff.Post(at+"/close", form); page.Status != 409 || !strings.Contains(page.Body, "still paused for this") {
		t.Error(page.Status)
	}
	w.ok(w.db.Tx(context.Background(), func(tx *db.Tx) error {
		_, err := tx.Run("UPDATE keys SET paused_at = NULL, paused_cause = ''")
		return err
	}))

	got := []int{
		w.site.Visitor().Post(at+"/close", form).Status, dev.Post(at+"/close", form).Status, support.Post(at+"/close", form).Status, staff.CrossSite(at+"/close", form).Status,
		staff.Post("/admin/leaks/"+db.NewID().Show(leak.IncidentPrefix)+"/close", form).Status, staff.Post(at+"/close", url.Values{"seen": {"1"}}).Status, staff.Post(at+"/close", url.Values{"seen": {"0"}, "word": {"unread"}}).Status,
	}
	if want := []int{401, 403, 403, 403, 404, 422, 409}; !equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	w.shows(staff.Get(at), 200, "Close incident")
	if page := support.Get(at); strings.Contains(page.Body, "Close incident") {
		t.Error("support is offered what it may not do")
	}
	if page := staff.Post(at+"/close", form); page.Status != 303 {
		t.Fatal(page.Status, page.Body)
	}
	w.shows(staff.Get(at), 200, "Its repository is gone.")
	w.shows(dev.Get(leak.PathOf(made.Key.ID)), 200, "Its repository is gone.", "by staff")
}

func equal(a, b []int) bool {
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}

func TestReportingAndPolicyAnswerTheRightPersonOnly(t *testing.T) {
	clock := dbtest.NewClock()
	w := serveLeaks(t, dbtest.SQLite(t, clock), clock)
	form := url.Values{"live": {"tell"}, "test": {"tell"}, "notice_days": {"1"}}
	staff, dev := w.site.As(w.admin), w.site.As(w.mine.user)
	support := w.site.As(w.site.Person("sue@company.example", permission.Support))

	got := []int{
		w.site.Visitor().Post("/admin/leaks/policy", form).Status, dev.Post("/admin/leaks/policy", form).Status, support.Post("/admin/leaks/policy", form).Status, staff.CrossSite("/admin/leaks/policy", form).Status,
		staff.Post("/admin/leaks/policy", url.Values{"live": {"x"}, "test": {"tell"}, "notice_days": {"1"}}).Status,
	}
	if !equal(got, []int{401, 403, 403, 403, 422}) {
		t.Error(got)
	}
	if p, err := w.house.Stores.Leak.Policy(context.Background()); err != nil || p != leak.DefaultPolicy {
		t.Error(p, err)
	}
	keys := url.Values{"keys": {w.invented()}}
	if got := []int{dev.CrossSite("/found-a-key", keys).Status, w.site.Visitor().Post("/found-a-key", url.Values{"keys": {"none"}}).Status, dev.Post("/found-a-key", keys).Status, w.site.Visitor().Post("/found-a-key", keys).Status}; !equal(got, []int{403, 422, 303, 303}) {
		t.Error(got)
	}
	secret := w.invented()
	page := w.site.Visitor().Post("/found-a-key", url.Values{"keys": {strings.Repeat(secret+" ", 3) + secret[:40]}, "place": {strings.Repeat("x", 290) + secret}})
	if page.Status != 422 || strings.Contains(page.Body, secret[10:30]) {
		t.Error("what was entered is shown again:", page.Status)
	}
	w.shows(page, 422, "This has at most 300 characters.", "Report")
}

// K1: reported keys are in no table, no log, no mail and no page, whatever way they came.
func TestReportedKeysAppearNowhere(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := serveLeaks(t, d, clock)
		made, invented := w.newKey("Worker"), w.invented()
		text := made.Secret.Reveal()
		dev, staff := w.site.As(w.mine.user), w.site.As(w.admin)
		waiting := []string{}
		for _, k := range []string{text, invented} {
			w.site.Visitor().Post("/found-a-key", url.Values{"keys": {k}, "place": {"near " + k}})
			w.site.Visitor().Post("/found-a-key", url.Values{"keys": {k[:30]}, "place": {"near " + k}})
			w.site.Visitor().Get("/found-a-key?keys=" + k)
			w.send("/v1/leaks?k="+k, `{"keys": ["`+k+`"], "text": "`+k+`", "place": "`+k+`", "url": "https://x.example/`+k+`"}`, nil)
			w.send("/v1/leaks", `{"keys": ["`+k+`"], "`+k+`": 1}`, nil)
			waiting = append(waiting, w.holding(k)...)
			w.asGitHub(`[{"token":"` + k + `","type":"t","url":"https://x.example/?` + k + `","source":"` + k + `"}]`)
			w.send("/v1/leaks/github", k, map[string]string{"Github-Public-Key-Identifier": k, "Github-Public-Key-Signature": k})
		}
		w.work()
		dev.Post(leak.PathOf(made.Key.ID)+"/resume", url.Values{"seen": {"3"}, "reason": {"because " + text}})
		dev.Post(leak.PathOf(made.Key.ID)+"/resume", url.Values{"seen": {"99"}, "reason": {"because " + text}})

		pages := dev.Get(leak.PathOf(made.Key.ID)).Body + dev.Get("/console/incidents").Body + staff.Get("/admin/leaks").Body + staff.Get("/admin/audit").Body + w.mails(staff)
		for _, part := range []string{text, text[8:30], text[20:], invented, invented[8:30], invented[20:]} {
			if found := append(w.holding(part), waiting...); len(found) > 0 {
				t.Errorf("stored:\n%s", strings.Join(found, "\n"))
			}
			if strings.Contains(w.log.String(), part) {
				t.Error("logged")
			}
			if strings.Contains(pages, part) {
				t.Error("shown or mailed")
			}
		}
		if !strings.Contains(pages, made.Key.Hint()) || !strings.Contains(w.mails(staff), "was reported as leaked") {
			t.Error("nothing was told at all")
		}
	})
}

// mails opens every mail as staff do.
func (w *leakWorld) mails(staff *webtest.Client) string {
	w.Helper()
	var ids []db.ID
	w.ok(w.db.Read(context.Background()).Raw("SELECT id FROM mails WHERE kind LIKE 'key_leak%'").Scan(&ids).Error)
	var all strings.Builder
	for _, id := range ids {
		all.WriteString(staff.Post("/admin/mail/"+id.Show("mail")+"/open", url.Values{}).Body)
	}
	return all.String()
}

// K3: the rules that the portal serves find its keys in code, header, command line and address, and nothing that only looks alike. They can't compute
// the checksum: a text of the right form with a wrong one is found too.
func TestServedRulesFindOurKeysAndNoJunk(t *testing.T) {
	clock := dbtest.NewClock()
	w := serveLeaks(t, dbtest.SQLite(t, clock), clock)
	rules, hook := w.site.Visitor().Get("/found-a-key/gitleaks.toml"), w.site.Visitor().Get("/found-a-key/pre-commit.yaml")
	var file struct {
		Title  string
		Extend struct{ UseDefault bool }
		Rules  []struct {
			ID, Description, Regex string
			Keywords, Tags         []string
		}
	}
	_, err := toml.Decode(rules.Body, &file)
	w.ok(err)
	var config struct {
		Repos []struct {
			Repo, Rev string
			Hooks     []struct{ ID string }
		}
	}
	w.ok(yaml.Unmarshal([]byte(hook.Body), &config))
	if rules.Status != 200 || len(file.Rules) != 1 || !file.Extend.UseDefault || !strings.Contains(file.Title, "Company Developers") {
		t.Fatalf("%d %+v", rules.Status, file)
	}
	if len(config.Repos) != 1 || config.Repos[0].Hooks[0].ID != "gitleaks" || !strings.Contains(hook.Body, w.site.URL+"/found-a-key/gitleaks.toml") {
		t.Errorf("%+v", config)
	}
	rule := regexp.MustCompile(file.Rules[0].Regex)
	for range 200 {
		k := w.invented()
		for _, text := range []string{k, `key := "` + k + `"`, "Authorization: Bearer " + k, "curl -H 'X-API-Key: " + k + "'", "https://x.example/?key=" + k + "&a=b", "GATEHOUSE_KEY=" + k} {
			if rule.FindString(text) != k || !strings.Contains(text, file.Rules[0].Keywords[0]) {
				t.Fatal("a key is not found in", apikey.Redact(text))
			}
		}
		for _, junk := range []string{k[:40], strings.ToUpper(k), "x" + k, k + "x", strings.Replace(k, "live", "prod", 1), strings.Replace(k, "_", "-", 1), k[8:], "gk_live_" + strings.Repeat("_", 38)} {
			if found := rule.FindString(junk); found != "" {
				t.Fatal("found in junk:", apikey.Redact(junk))
			}
		}
		wrong := k[:20] + string(rune('a'+(k[20]+1)%26)) + k[21:]
		if wrong != k && rule.FindString(wrong) != wrong {
			t.Fatal("only the form is looked at")
		}
	}
}
