package faults_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/internal/tools/rig"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// atOnce does something at each of the processes twice, all at the same moment, and returns how many succeeded.
func atOnce(fleet []*process, do func(p *process) bool) (successes int) {
	var all sync.WaitGroup
	var mu sync.Mutex
	start := make(chan struct{})
	for _, p := range fleet {
		for range 2 {
			all.Go(func() {
				<-start
				if do(p) {
					mu.Lock()
					successes++
					mu.Unlock()
				}
			})
		}
	}
	close(start)
	all.Wait()
	return successes
}

// REL-22: what can be done once is done once, when callers at two processes try at the same moment: a key is rotated, a named call acts, a link sets a password, and
// one of two last admins stays.
func TestWhatCanBeDoneOnceIsDoneOnce(t *testing.T) {
	c := newCompany(t, "postgres")
	fleet := []*process{c.start(nil), c.start(nil)}
	l := c.load(fleet...)
	client := callers()
	defer client.CloseIdleConnections()
	for _, once := range []struct {
		name   string
		rounds int
		round  func(n int) int
	}{
		{"a key is rotated", amount(5, 400), func(n int) int { return c.rotateAtOnce(client, fleet, n) }},
		{"a named call makes a key", amount(5, 400), func(n int) int { return c.nameAtOnce(client, fleet, n) }},
		{"a link sets a password", amount(2, 40), func(n int) int { return c.resetAtOnce(fleet, n) }},
		{"one of two last admins stays", amount(3, 100), func(int) int { return c.demoteAtOnce(fleet) }},
	} {
		none, one, more := 0, 0, 0
		for n := range once.rounds {
			switch once.round(n) {
			case 0:
				none++
			case 1:
				one++
			default:
				more++
			}
		}
		if more > 0 || none > 0 {
			t.Errorf("%s: %d rounds without a success, %d with more than one", once.name, none, more)
		}
		report(t, "REL-22", "%s: %d rounds of 4 callers at 2 processes: %d once, %d twice or more, %d not at all", once.name, once.rounds, one, more, none)
	}
	l.end()
	l.honest(t)
	c.sound()
}

func (c *company) rotateAtOnce(client *http.Client, fleet []*process, n int) int {
	status, answer := c.call(client, fleet[0], http.MethodPost, "/v1/keys", c.newKey(fmt.Sprintf("Old %d", n)))
	if status != http.StatusCreated {
		c.Fatalf("a key is not made: %d", status)
	}
	old := madeOf(answer)
	successes := atOnce(fleet, func(p *process) bool {
		status, _ := c.call(client, p, http.MethodPost, "/v1/keys/"+old.id+"/rotate", `{"overlap_days":0}`)
		return status == http.StatusCreated
	})
	return successes
}

func (c *company) nameAtOnce(client *http.Client, fleet []*process, n int) int {
	name := fmt.Sprintf("Named %d", n)
	atOnce(fleet, func(p *process) bool { return c.once(client, p, name) == http.StatusCreated })
	return int(c.number("SELECT COUNT(*) FROM keys WHERE name = ?", name))
}

func (c *company) resetAtOnce(fleet []*process, n int) int {
	c.Helper()
	_, link, err := c.store.Account.InviteStaff(c.Context(), actor.ForOperator(), fmt.Sprintf("new%d@company.example", n), "New", permission.Support)
	c.must(err)
	u, err := url.Parse(link)
	c.must(err)
	token := u.Query().Get("token")
	return atOnce(fleet, func(p *process) bool {
		v, err := rig.NewVisitor(p.URL)
		if err != nil {
			return false
		}
		page, err := v.Post("/password/reset", url.Values{"token": {token}, "password": {"the very first sentence"}})
		return err == nil && page.Status == http.StatusSeeOther
	})
}

// demoteAtOnce has two admins take each other's role at the same moment, and returns how many admins are left.
func (c *company) demoteAtOnce(fleet []*process) int {
	c.Helper()
	c.run("UPDATE users SET staff_role = '' WHERE staff_role = ?", permission.StaffAdmin)
	var pair [2]account.User
	for i := range pair {
		pair[i] = webtest.Person(c, c.db, fmt.Sprintf("admin%d.%d@company.example", i, time.Now().UnixNano()), permission.StaffAdmin)
	}
	var all sync.WaitGroup
	start := make(chan struct{})
	for i, p := range fleet {
		who := webtest.Visit(c, p.URL, c.db, nil).As(pair[i])
		all.Go(func() {
			<-start
			who.Post("/admin/users/"+pair[1-i].ID.Show("user")+"/role", url.Values{"role": {""}})
		})
	}
	close(start)
	all.Wait()
	return int(c.number("SELECT COUNT(*) FROM users WHERE staff_role = ?", permission.StaffAdmin))
}

// REL-22, L4: two processes count one quota, from the moment at which the second serves. Together they let through no more than it allows, but for a twentieth and a call each, and charge each call once.
func TestQuotaIsSpentOnce(t *testing.T) {
	c := newCompany(t, "postgres")
	fleet := []*process{c.start(nil), c.start(nil)}
	const quota = 300
	c.run("UPDATE plans SET quota_month = ? WHERE id = ?", quota, c.plan)
	began := c.number("SELECT CAST(COALESCE(SUM(used), 0) AS bigint) FROM quota_counters")
	spent := c.storm(fleet, c.key.Secret.Reveal(), amount(2*time.Second, 30*time.Second)) // what is left is passed in parts, more slowly as it ends
	c.stopped(fleet...)

	used := c.number("SELECT CAST(COALESCE(SUM(used), 0) AS bigint) FROM quota_counters") - began
	passed := spent.of("VALID")
	if passed > quota+quota/20+len(fleet) || passed < quota/4 || used != int64(passed) {
		t.Errorf("%d calls were let through, %d charged, of a quota of %d", passed, used, quota)
	}
	if bad := spent.others("VALID", "QUOTA_EXCEEDED"); len(bad) > 0 {
		t.Errorf("callers were told %s", strings.Join(bad, ", "))
	}
	report(t, "REL-22", "a quota of %d, spent at two processes by four callers: %d let through, %d charged", quota, passed, used)
}
