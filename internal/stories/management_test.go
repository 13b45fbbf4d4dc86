package stories_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// A program manages the keys of an organization by the management API: a shell script with curl, as the guide writes it.
type program struct {
	*stage
	t   *testing.T
	sh  *shell
	key madeKey // with which it calls
	app string  // the id of the app whose keys it makes
}

// managing are the scopes of the key that manages; orders:read is one that it may hand on.
var managing = []string{"keys:read", "keys:write", "usage:read", "policies:read", "leaks:read", "apps:read", "access:read"}

func newProgram(t *testing.T, dialect string, k kind) *program {
	t.Helper()
	p := &program{stage: narrowStage(t, dialect, k), t: t}
	portal := api{name: "Portal API", summary: "What this portal itself answers"}
	p.request(p.dev, p.stage.app, portal, "Standard", managing...)
	p.dev.see("Approved")
	p.key = p.makeKey(p.dev, p.stage.app, "Manager", "Live", append([]string{"orders:read"}, managing...)...)
	p.app = p.appID(p.key)
	p.sh = newShell(t, map[string]string{"GATEHOUSE_URL": p.URL, "MANAGER_KEY": p.key.secret, "APP_ID": p.app})
	return p
}

// An object is an answer of the API.
type object map[string]any

// text is a member, or a member of a member: key.id.
func (o object) text(path string) string {
	var at any = map[string]any(o)
	for name := range strings.SplitSeq(path, ".") {
		members, _ := at.(map[string]any)
		at = members[name]
	}
	said, _ := at.(string)
	return said
}

// ask calls an operation with curl and fails unless the answer has this status.
func (p *program) ask(want int, method, path, body string, headers ...string) object {
	p.t.Helper()
	command := fmt.Sprintf(`curl -s -X %s "$GATEHOUSE_URL%s" -H "Authorization: Bearer $MANAGER_KEY" -w '\n%%{http_code}'`, method, path)
	if body != "" {
		command += " -H 'Content-Type: application/json' -d '" + body + "'"
	}
	for _, h := range headers {
		command += " -H '" + h + "'"
	}
	said := strings.TrimSpace(p.sh.run(command))
	end := strings.LastIndexByte(said, '\n')
	var answer object
	if err := json.Unmarshal([]byte(said[:max(end, 0)]), &answer); err != nil {
		p.t.Fatalf("%s %s: %v: %s", method, path, err, said)
	}
	if said[end+1:] != strconv.Itoa(want) {
		p.t.Fatalf("%s %s: want %d: %s", method, path, want, said)
	}
	return answer
}

// C8, L1, L4, K2, K6: what a developer does by hand, a program does with a key, and no more than that key may; people see it in the console.
func TestAProgramDoesWithKeysWhatADeveloperDoes(t *testing.T) {
	t.Parallel()
	for name, c := range ownershipKinds {
		t.Run(name, func(t *testing.T) {
			p := newProgram(t, c.dialect, c.kind)

			first := p.makes()
			p.reads(first)
			next := p.rotates(first)
			p.narrows(next)
			p.isHeldToItself()
			p.followsTheGuide()
			p.operates()

			p.dev.quiet()
			p.scanDatabase(t)
			_, log := p.Said()
			p.secrets.leaks(t, "the log", []byte(log))
		})
	}
}

// makes makes a key, once, however often the call is sent.
func (p *program) makes() madeKey {
	p.t.Helper()
	body := fmt.Sprintf(`{"app_id": %q, "name": "Nightly export", "grants": [{"api": "orders", "scope": "orders:read"}], "expires_in_days": 20}`, p.app)
	made := p.ask(201, "POST", "/v1/keys", body, "Idempotency-Key: deployment-8")
	again := p.ask(201, "POST", "/v1/keys", body, "Idempotency-Key: deployment-8")
	k := madeKey{name: "Nightly export", secret: made.text("secret"), page: "/console/keys/" + made.text("key.id")}
	if !keyForm.MatchString(k.secret) || again["secret"] != nil || again["replayed"] != true || again.text("key.id") != made.text("key.id") {
		p.t.Fatalf("made %v\nagain %v", made["key"], again)
	}
	p.secrets.keep("key", k.secret)
	if other := p.ask(422, "POST", "/v1/keys", strings.Replace(body, "Nightly", "Daily", 1), "Idempotency-Key: deployment-8"); other.text("code") == "" {
		p.t.Errorf("another call under the same name: %v", other)
	}
	p.answers(p.t, k, 200, "")
	p.dev.open(k.page)
	p.dev.see("Nightly export", k.hint(), "orders:read")
	return k
}

func (k madeKey) id() string { return k.page[strings.LastIndexByte(k.page, '/')+1:] }

// reads reads the key, its calls, and what the portal asks of keys.
func (p *program) reads(k madeKey) {
	p.t.Helper()
	if got := p.ask(200, "GET", "/v1/keys/"+k.id(), ""); got.text("state") != "active" || got.text("name") != k.name {
		p.t.Errorf("the key is %v", got)
	}
	if got := p.ask(200, "GET", "/v1/keys?q=nightly&app="+p.app, ""); strings.Count(fmt.Sprint(got["data"]), k.id()) != 1 {
		p.t.Errorf("the list is %v", got)
	}
	counted := await(context.Background(), func() bool {
		total, _ := p.ask(200, "GET", "/v1/usage?span=1h&key="+k.id(), "")["total"].(map[string]any)
		return total["valid"] == 1.0
	})
	if !counted {
		p.t.Errorf("the one call is not counted: %v", p.ask(200, "GET", "/v1/usage?span=1h&key="+k.id(), "")["total"])
	}
	if got := p.ask(200, "GET", "/v1/usage/by/key?span=1h", ""); !strings.Contains(fmt.Sprint(got["data"]), k.id()) {
		p.t.Errorf("usage by key is %v", got)
	}
	for _, path := range []string{"/v1/apps", "/v1/access", "/v1/policies", "/v1/leaks"} {
		p.ask(200, "GET", path, "")
	}
}

// rotates makes a successor with an overlap, makes that longer, and ends it.
func (p *program) rotates(first madeKey) madeKey {
	p.t.Helper()
	path := "/v1/keys/" + first.id()
	made := p.ask(201, "POST", path+"/rotate", `{"overlap_days": 7}`, "Idempotency-Key: rotation-1")
	next := madeKey{name: first.name, secret: made.text("secret"), page: "/console/keys/" + made.text("key.id")}
	p.secrets.keep("key", next.secret)
	if again := p.ask(201, "POST", path+"/rotate", `{"overlap_days": 7}`, "Idempotency-Key: rotation-1"); again["secret"] != nil || again.text("key.id") != next.id() {
		p.t.Errorf("the rotation again: %v", again)
	}
	p.answers(p.t, first, 200, "")
	p.answers(p.t, next, 200, "")
	before := p.ask(200, "GET", path, "").text("ends_at")
	after := p.ask(200, "POST", path+"/rotation/extend", `{"days": 2}`).text("ends_at")
	if before == "" || after <= before {
		p.t.Errorf("the overlap ended at %s, and now at %s", before, after)
	}
	p.dev.open(first.page)
	p.dev.follow("See both keys’ calls side by side")
	p.dev.see("Both keys work until", "which can be done once")
	p.ask(200, "POST", path+"/rotation/retire", "")
	p.answers(p.t, first, 401, "EXPIRED")
	p.answers(p.t, next, 200, "")
	return next
}

// narrows changes the key as it was read, pauses and resumes it, and ends it for ever.
func (p *program) narrows(k madeKey) {
	p.t.Helper()
	path := "/v1/keys/" + k.id()
	etag := strings.TrimSpace(p.sh.run(`curl -s -o /dev/null -D - "$GATEHOUSE_URL` + path + `" -H "Authorization: Bearer $MANAGER_KEY" | sed -n 's/^[Ee][Tt]ag: //p' | tr -d '\r'`))
	p.ask(200, "PATCH", path, `{"networks": ["203.0.113.0/24"]}`, "If-Match: "+etag)
	p.answers(p.t, k, 403, "FORBIDDEN_IP")
	if got := p.ask(412, "PATCH", path, `{"networks": []}`, "If-Match: "+etag); got.text("code") == "" {
		p.t.Errorf("a change of what was read before: %v", got)
	}
	p.ask(200, "PATCH", path, `{"networks": ["127.0.0.1"], "name": "Nightly export, new"}`)
	p.answers(p.t, k, 200, "")
	p.ask(200, "POST", path+"/pause", "")
	p.answers(p.t, k, 401, "PAUSED")
	p.ask(200, "POST", path+"/resume", "")
	p.answers(p.t, k, 200, "")
	if got := p.ask(422, "PATCH", path, `{"name": "x", "owner": "me"}`); !strings.Contains(fmt.Sprint(got["errors"]), "owner") {
		p.t.Errorf("a field that there is not: %v", got)
	}
	p.ask(200, "POST", path+"/revoke", `{"reason": "Replaced by a script"}`)
	p.answers(p.t, k, 401, "REVOKED")
	p.dev.open(k.page)
	p.dev.see("Nightly export, new", "Revoked", "Replaced by a script")
}

// isHeldToItself tries what the calling key may not do itself.
func (p *program) isHeldToItself() {
	p.t.Helper()
	for what, more := range map[string]string{
		"a scope that it does not hold": `"grants": [{"api": "orders", "scope": "orders:write"}]`,
		"a later end":                   `"grants": [{"api": "orders", "scope": "orders:read"}], "expires_in_days": 60`,
	} {
		if got := p.ask(403, "POST", "/v1/keys", fmt.Sprintf(`{"app_id": %q, "name": "More", %s}`, p.app, more)); got.text("code") != "BEYOND_CALLER" || !strings.Contains(got.text("type"), "/guides/errors#BEYOND_CALLER") {
			p.t.Errorf("%s: %v", what, got)
		}
	}
	other := p.newSubject(2, "organization program", p.api)
	id := other.key.page[strings.LastIndexByte(other.key.page, '/')+1:]
	for _, try := range [][2]string{{"GET", ""}, {"POST", "/revoke"}, {"POST", "/pause"}} {
		p.ask(404, try[0], "/v1/keys/"+id+try[1], "")
	}
	p.answers(p.t, other.key, 200, "")
	p.dev.open("/console/keys")
	p.dev.seeNot("More")
}

// followsTheGuide runs each command of the guide, also those that its other test only looks at.
func (p *program) followsTheGuide() {
	p.t.Helper()
	page := leaves(p.t, "guides/management-api.md")[0]
	made := p.ask(201, "POST", "/v1/keys", fmt.Sprintf(`{"app_id": %q, "name": "Of the guide", "grants": [{"api": "orders", "scope": "orders:read"}]}`, p.app))
	p.secrets.keep("key", made.text("secret"))
	p.sh.set("KEY_ID", made.text("key.id"))
	run := 0
	for _, f := range page.fences {
		if f.language != "sh" || strings.Contains(f.text, "export ") {
			continue
		}
		run++
		said := p.sh.run(f.text)
		if strings.Contains(f.text, "/rotate") && (!strings.Contains(said, `"rotated_from":"`+made.text("key.id")) || !strings.Contains(said, `"revoked_reason":"Replaced"`)) {
			p.t.Errorf("%s printed %s", f.text, said)
		}
	}
	if run != 4 {
		p.t.Errorf("%d commands of the guide were run", run)
	}
}

// operates does the same as the operator, by commands that print for scripts.
func (p *program) operates() {
	p.t.Helper()
	said := p.run("keys", "create", "--app", p.stage.app, "--name", "By the operator", "--grant", "orders/orders:read", "--json")
	var made struct{ ID, Key string }
	if err := json.NewDecoder(strings.NewReader(said[max(strings.IndexByte(said, '{'), 0):])).Decode(&made); err != nil || !keyForm.MatchString(made.Key) {
		p.t.Fatalf("%v: %s", err, said)
	}
	k := madeKey{name: "By the operator", secret: made.Key, page: "/console/keys/" + made.ID}
	p.secrets.keep("key", k.secret)
	p.refused(p.t, k, "")
	if list := p.run("keys", "list", "--scope", "orders:read", "--json"); !strings.Contains(list, made.ID) || strings.Contains(list, k.secret) {
		p.t.Errorf("the list is %s", list)
	}
	p.run("keys", "revoke", made.ID, "--reason", "The drill is over")
	p.refused(p.t, k, "REVOKED")
	p.dev.open(k.page)
	p.dev.see("The drill is over")
}
