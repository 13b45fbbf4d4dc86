package faults_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/internal/tools/rig"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// call asks the management API of a process as the customer's program; the status is 0 when no answer came.
func (c *company) call(client *http.Client, p *process, method, path, body string) (status int, answer map[string]any) {
	r, err := http.NewRequest(method, p.URL+path, strings.NewReader(body)) //nolint:noctx // its client has a timeout
	if err != nil {
		return 0, nil
	}
	r.Header.Set("Authorization", "Bearer "+c.manager)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	r.GetBody = nil
	a, err := client.Do(r)
	if err != nil {
		return 0, nil
	}
	said, err := io.ReadAll(a.Body)
	_ = a.Body.Close()
	if err != nil {
		return 0, nil
	}
	_ = json.NewDecoder(bytes.NewReader(said)).Decode(&answer) // a page that is no JSON has no members
	return a.StatusCode, answer
}

// newKey is the body that makes a key.
func (c *company) newKey(name string) string {
	return fmt.Sprintf(`{"app_id":%q,"name":%q,"grants":[{"api":"orders","scope":"orders:read"}]}`, c.app.ID.Show("app"), name)
}

// made is a key that was made by a call that was answered.
type made struct{ id, secret string }

func madeOf(answer map[string]any) made {
	of, _ := answer["key"].(map[string]any)
	id, _ := of["id"].(string)
	secret, _ := answer["secret"].(string)
	return made{id, secret}
}

// ledger is what was acknowledged, and what was tried without a word.
type ledger struct {
	mu       sync.Mutex
	made     map[string]made // by id: were made, and nobody asked to have them revoked
	revoked  map[string]made // were revoked
	unsure   map[string]made // revoking them was not answered
	tried    int             // to make
	role     []string        // the acknowledged one, and those tried after it
	password []string        // likewise
	acked    map[string]int
}

func (l *ledger) ack(what string) {
	if l.acked == nil {
		l.acked = map[string]int{}
	}
	l.acked[what]++
}

// acks is how often something was acknowledged.
func (l *ledger) acks(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acked[what]
}

// writeKeys makes a key and revokes it or not, again and again, until stop is closed.
func (c *company) writeKeys(p *process, l *ledger, stop <-chan struct{}) {
	client := callers()
	defer client.CloseIdleConnections()
	for n := 0; !closed(stop); n++ {
		l.mu.Lock()
		l.tried++
		l.mu.Unlock()
		status, answer := c.call(client, p, http.MethodPost, "/v1/keys", c.newKey("Made"))
		if status != http.StatusCreated {
			continue
		}
		k := madeOf(answer)
		l.mu.Lock()
		l.made[k.id] = k
		l.ack("created")
		l.mu.Unlock()
		if n%2 == 0 {
			continue
		}
		status, _ = c.call(client, p, http.MethodPost, "/v1/keys/"+k.id+"/revoke", "")
		l.mu.Lock()
		delete(l.made, k.id)
		if status == http.StatusOK {
			l.revoked[k.id] = k
			l.ack("revoked")
		} else {
			l.unsure[k.id] = k
		}
		l.mu.Unlock()
	}
}

func closed(stop <-chan struct{}) bool {
	select {
	case <-stop:
		return true
	default:
		return false
	}
}

// writeRoles gives somebody one staff role after another.
func (c *company) writeRoles(p *process, who account.User, l *ledger, stop <-chan struct{}) {
	token := webtest.Visit(c, p.URL, c.db, nil).As(c.admin).Cookie("gatehouse-session")
	client := callers()
	defer client.CloseIdleConnections()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	roles := []string{permission.Support, permission.Auditor, ""}
	for n := 0; !closed(stop); n++ {
		role := roles[n%len(roles)]
		l.mu.Lock()
		l.role = append(l.role, role)
		l.mu.Unlock()
		r, err := http.NewRequest(http.MethodPost, p.URL+"/admin/users/"+who.ID.Show("user")+"/role", strings.NewReader(url.Values{"role": {role}}.Encode())) //nolint:noctx // its client has a timeout
		if err != nil {
			return
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", p.URL)
		r.Header.Set("Cookie", "gatehouse-session="+token)
		answer, err := client.Do(r)
		if err != nil {
			continue
		}
		_ = answer.Body.Close()
		if answer.StatusCode == http.StatusSeeOther {
			l.mu.Lock()
			l.role = []string{role}
			l.ack("roles")
			l.mu.Unlock()
		}
	}
}

// writePasswords changes a password again and again. The first of the ledger's that opens the door is the one to begin with.
func (c *company) writePasswords(p *process, l *ledger, stop <-chan struct{}) {
	v, err := rig.NewVisitor(p.URL)
	if err != nil {
		return
	}
	now, ok := c.signIn(v, l.password)
	if !ok { // killed meanwhile; whether one of them does is asked in the end
		return
	}
	l.password = []string{now}
	for n := 0; !closed(stop); n++ {
		next := fmt.Sprintf("sentence number %d of %d", n, rand.Uint32()) //nolint:gosec // a name, no secret
		l.password = append(l.password, next)
		page, err := v.Post("/console/account/password", url.Values{"current_password": {now}, "new_password": {next}})
		if err != nil || page.Status != http.StatusSeeOther {
			return
		}
		now = next
		l.password = []string{now}
		l.mu.Lock()
		l.ack("passwords")
		l.mu.Unlock()
	}
}

func (c *company) signIn(v *rig.Visitor, passwords []string) (right string, ok bool) {
	for _, one := range passwords {
		if v.SignIn("pat@customer.example", one) == nil {
			return one, true
		}
	}
	return "", false
}

// REL-1: the program is killed at random moments while people and programs change things. What was acknowledged is there; of what was not, all or nothing.
func TestKillLosesNothingThatWasAcknowledged(t *testing.T) {
	for _, dialect := range dialects {
		t.Run(dialect, func(t *testing.T) {
			c := newCompany(t, dialect)
			rita := webtest.Person(t, c.db, "rita@company.example", "")
			c.person("pat@customer.example", "the very first sentence")
			env := c.env(map[string]string{"GATEHOUSE_DATA_DIR": c.dir})
			l := &ledger{made: map[string]made{}, revoked: map[string]made{}, unsure: map[string]made{}, role: []string{""}, password: []string{"the very first sentence"}}
			var slowest time.Duration
			for range kills() {
				slowest = max(slowest, c.killOnce(env, rita, l))
			}

			began := time.Now()
			p := c.startIn(env)
			slowest = max(slowest, time.Since(began))
			t.Cleanup(p.Kill)

			gone := c.settle(p, rita, l)
			c.sound()
			report(t, "REL-1", "%s: killed %d times; acknowledged %v; lost %d; slowest start until ready %s", dialect, kills(), l.acked, gone, slowest.Round(time.Millisecond))
		})
	}
}

// killOnce starts the program, has all kinds of things changed, and kills it; it returns how long it took until the program was ready.
func (c *company) killOnce(env map[string]string, rita account.User, l *ledger) time.Duration {
	c.Helper()
	began := time.Now()
	p := c.startIn(env)
	took := time.Since(began)
	c.run("DELETE FROM throttles") // a kill in the midst of a sign-in counts as a wrong guess
	stop := make(chan struct{})
	under := c.load(p)
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() { c.writeKeys(p, l, stop) })
	}
	all.Go(func() { c.writeRoles(p, rita, l, stop) })
	all.Go(func() { c.writePasswords(p, l, stop) })
	pass(time.Second + rand.N(1500*time.Millisecond)) //nolint:gosec // any moment will do
	p.Kill()
	close(stop)
	all.Wait()
	under.end()
	under.honest(c)
	return took
}

// keysGone compares the keys that are there with what was acknowledged, and returns how many are lost.
func (c *company) keysGone(p *process, l *ledger) (gone int) {
	c.Helper()
	client := callers()
	defer client.CloseIdleConnections()
	expect := func(all map[string]made, codes ...string) {
		for id, k := range all {
			code := c.verify(client, p.edge, k.secret)
			if !slices.Contains(codes, code) {
				gone++
				c.Errorf("key %s is %s, not %v", id, code, codes)
			}
		}
	}
	expect(l.made, "VALID")
	expect(l.revoked, "REVOKED")
	expect(l.unsure, "VALID", "REVOKED")
	return gone
}

// settle compares what is there with what was acknowledged, and returns how much is lost.
func (c *company) settle(p *process, rita account.User, l *ledger) int {
	c.Helper()
	gone := c.keysGone(p, l)
	var role string
	c.must(c.db.Read(context.Background()).Raw("SELECT staff_role FROM users WHERE id = ?", rita.ID).Row().Scan(&role))
	if !slices.Contains(l.role, role) {
		gone++
		c.Errorf("the role is %q, which is none of %q", role, l.role)
	}
	v, err := rig.NewVisitor(p.URL)
	c.must(err)
	eventually(c, fmt.Sprintf("one of these passwords opens the door: %q", l.password), func() bool {
		c.run("DELETE FROM throttles")
		_, ok := c.signIn(v, l.password)
		return ok
	})
	c.halves(l)
	return gone
}

// halves fails the test when a change is there in part: a key without its scope, its note in the audit log or its row in the feed of changes.
func (c *company) halves(l *ledger) {
	c.Helper()
	there := c.number("SELECT COUNT(*) FROM keys WHERE name = 'Made'")
	if least := int64(len(l.made) + len(l.revoked) + len(l.unsure)); there < least || there > int64(l.tried) {
		c.Errorf("%d keys are there; %d were acknowledged, %d tried", there, least, l.tried)
	}
	for what, query := range map[string]string{
		"keys without a scope":             "SELECT COUNT(*) FROM keys k WHERE k.name = 'Made' AND NOT EXISTS (SELECT 1 FROM key_grants g WHERE g.key_id = k.id)",
		"keys that nobody made":            "SELECT COUNT(*) FROM keys k WHERE k.name = 'Made' AND 1 <> (SELECT COUNT(*) FROM audit_events e WHERE e.target_id = k.id AND e.act = 'key.created')",
		"keys that no process hears of":    "SELECT COUNT(*) FROM keys k WHERE k.name = 'Made' AND NOT EXISTS (SELECT 1 FROM changes h WHERE h.subject_id = k.id)",
		"keys that nobody revoked":         "SELECT COUNT(*) FROM keys k WHERE k.name = 'Made' AND k.revoked_at IS NOT NULL AND 1 <> (SELECT COUNT(*) FROM audit_events e WHERE e.target_id = k.id AND e.act = 'key.revoked')",
		"revocations of keys that live on": "SELECT COUNT(*) FROM audit_events e JOIN keys k ON k.id = e.target_id WHERE e.act = 'key.revoked' AND k.revoked_at IS NULL",
	} {
		if n := c.number(query); n != 0 {
			c.Errorf("%d %s", n, what)
		}
	}
}
