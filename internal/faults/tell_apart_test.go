package faults_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Two kinds of account are told apart when in each of so many rounds the ranks of their answers' times are so far from those of equals: a chance of 1 in 370 each, and
// both in the same direction.
const (
	tellingRounds = 3
	tellingScore  = 3.0 // standard deviations
	passesInForce = 4   // all but some accounts have hashes of fewer
)

// A door is a form that anybody can send about any address, and for each kind of account what is sent about its nth one.
type door struct {
	path   string
	status string
	slow   bool // answers no sooner than after a fixed time: half as many tries
	kinds  map[string]func(n int) url.Values
}

// A6: of some 200 interleaved tries, as many about an address that nobody has as about another, a rank test (Mann and Whitney 1947) does not tell by the time of the answer whether there is an account, or what is the matter with it.
func TestTimeOfAnAnswerSaysNothingOfTheAccount(t *testing.T) {
	bounded(t)
	c := newCompany(t, "sqlite")
	tries := amount(15, 100)
	doors := c.doors(tries)
	p := c.start(map[string]string{"GATEHOUSE_TRUSTED_PROXIES": "127.0.0.1/32", "GATEHOUSE_PASSWORD_PASSES": strconv.Itoa(passesInForce)})
	knocker := &guessing{client: callers(), site: p.URL}
	t.Cleanup(knocker.client.CloseIdleConnections)
	for range 5 {
		knocker.send(0) // starts the process that hashes
	}
	c.lock(knocker)

	for name, d := range doors {
		t.Run(name, func(t *testing.T) {
			sides, tries := map[string]int{}, tries
			if d.slow {
				tries /= 2
			}
			for round := range tellingRounds {
				took := knocker.knock(t, d, tries)
				suspects := 0
				for kind := range d.kinds {
					if kind == "unknown" {
						continue
					}
					score := ranks(took["unknown"], took[kind])
					report(t, "REL-11", "A6 %s, round %d: %s against unknown: medians %s and %s, %.1f standard deviations", name, round+1, kind, middle(took[kind]), middle(took["unknown"]), score)
					if math.Abs(score) > tellingScore {
						sides[kind] += int(math.Copysign(1, score))
						suspects++
					}
				}
				if suspects == 0 {
					break // what is told apart is so in each round
				}
			}
			for kind, side := range sides {
				if side == tellingRounds || side == -tellingRounds {
					t.Errorf("%s is told from unknown by the time of the answer in each of %d rounds", kind, tellingRounds)
				}
			}
		})
	}
}

// doors makes the accounts that are asked about, so many of each kind that no limit of one is reached.
func (c *company) doors(tries int) map[string]door {
	const right, wrong = "seven green boats at noon", "a wrong sentence"
	whoIs := func(kind string, n int) string { return fmt.Sprintf("%s%d@northwind.example", kind, n) }
	signIn := func(kind, password string) func(int) url.Values {
		return func(n int) url.Values { return url.Values{"email": {whoIs(kind, n)}, "password": {password}} }
	}
	reset := func(kind string) func(int) url.Values {
		return func(n int) url.Values { return url.Values{"email": {whoIs(kind, n)}} }
	}
	signUp := func(kind string) func(int) url.Values {
		return func(n int) url.Values {
			return url.Values{"name": {"Nora Newcomer"}, "email": {whoIs(kind, n)}, "password": {right}}
		}
	}
	for n := range tries {
		c.person(whoIs("known", n), right)
		c.run("UPDATE users SET suspended_at = created_at, suspended_reason = 'Testing' WHERE id = ?", c.person(whoIs("suspended", n), right).ID)
	}
	for n := range lockedAccounts {
		c.person(whoIs("locked", n), right)
	}
	c.unverified(right, tries, whoIs)
	c.must(c.store.Account.SetPasses(passesInForce))
	for n := range tries {
		c.person(whoIs("anew", n), right)
	}
	return map[string]door{
		"sign-in": {"/login", "401", false, map[string]func(int) url.Values{
			"unknown": signIn("stranger", wrong), "wrong password": signIn("known", wrong), "wrong password, new hash": signIn("anew", wrong), "unverified": signIn("unverified", right), "suspended": signIn("suspended", right),
			"locked": func(n int) url.Values { return signIn("locked", right)(n % lockedAccounts) },
		}},
		"reset": {"/password/forgot", "200", true, map[string]func(int) url.Values{
			"unknown": reset("stranger"), "known": reset("known"), "unverified": reset("unverified"), "suspended": reset("suspended"),
		}},
		"sign-up": {"/signup", "303", false, map[string]func(int) url.Values{"unknown": signUp("newcomer"), "known": signUp("known"), "suspended": signUp("suspended")}},
	}
}

// unverified lets accounts begin whose address nobody proved: one by the form, the others as copies of it.
func (c *company) unverified(password string, tries int, whoIs func(kind string, n int) string) {
	c.Helper()
	_, err := c.store.Account.SignUp(context.Background(), webtest.ActorOf(account.User{}), account.NewAccount{Name: "Una Unverified", Email: whoIs("unverified", 0), Password: password})
	c.must(err)
	for n := range tries - 1 {
		c.run(`INSERT INTO signups (id, email, name, display_name, language, time_zone, password_sealed, next_path, browser_digest, link_digest, code_digest, code_expires_at, expires_at, created_at)
			SELECT ?, ?, name, display_name, language, time_zone, password_sealed, next_path, ?, ?, code_digest, code_expires_at, expires_at, created_at FROM signups WHERE email = ?`,
			db.NewID(), whoIs("unverified", n+1), []byte(fmt.Sprint("browser", n)), []byte(fmt.Sprint("link", n)), whoIs("unverified", 0))
	}
}

// There are fewer locked accounts: a try more locks them no further.
const lockedAccounts = 10

// lock guesses at the accounts that are to be locked, at each from the network that asks later.
func (c *company) lock(knocker *guessing) {
	c.Helper()
	for n := range lockedAccounts {
		email := fmt.Sprintf("locked%d@northwind.example", n)
		for range 5 {
			knocker.post(context.Background(), "/login", url.Values{"email": {email}, "password": {"a wrong sentence"}}, networkOfLocked(n))
		}
	}
}

func networkOfLocked(n int) string { return fmt.Sprintf("12.0.%d.1", n%lockedAccounts) }

// knock sends the form about one account of each kind in turn, the kinds in an order of its own each time: none bears the aftermath of the same other. It says how long each
// answer took.
func (g *guessing) knock(t *testing.T, d door, tries int) map[string][]time.Duration {
	t.Helper()
	took := map[string][]time.Duration{}
	kinds := slices.Sorted(maps.Keys(d.kinds))
	shuffled := rand.New(rand.NewPCG(6, uint64(tries))) //nolint:gosec // no secret: the same order each time
	for n := range tries {
		shuffled.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
		for _, kind := range kinds {
			network := g.network()
			if kind == "locked" {
				network = networkOfLocked(n)
			}
			began := time.Now()
			status := g.post(context.Background(), d.path, d.kinds[kind](n), network)
			took[kind] = append(took[kind], time.Since(began))
			if status != d.status {
				t.Fatalf("%s about %s %d: %s", d.path, kind, n, status)
			}
		}
	}
	return took
}

// ranks is the standard score of the sum of ranks of b among both: 0 when the times are as those of a, above when they are longer. Ties share their ranks; times in
// nanoseconds have next to none, so the variance is that without ties.
func ranks(a, b []time.Duration) float64 {
	all := slices.Sorted(slices.Values(slices.Concat(a, b)))
	rank := func(d time.Duration) float64 {
		first, _ := slices.BinarySearch(all, d)
		after, _ := slices.BinarySearch(all, d+1)
		return float64(first+after+1) / 2
	}
	sum := 0.0
	for _, d := range b {
		sum += rank(d)
	}
	n, m := float64(len(b)), float64(len(a))
	return (sum - n*(n+m+1)/2) / math.Sqrt(n*m*(n+m+1)/12)
}

func middle(all []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(all))[len(all)/2].Round(10 * time.Microsecond)
}

// The judge itself: equals are not told apart, and a difference of a tenth of what they vary by is.
func TestTheRankTestTellsWhatDiffers(t *testing.T) {
	var even, odd, later []time.Duration
	for n := range 400 {
		d := time.Duration(n*7919%400) * time.Millisecond
		if n%2 == 0 {
			even, later = append(even, d), append(later, d+40*time.Millisecond)
		} else {
			odd = append(odd, d)
		}
	}
	if score := ranks(even, odd); math.Abs(score) > 0.2 {
		t.Errorf("equals: %.2f", score)
	}
	if score := ranks(even, later); score < tellingScore {
		t.Errorf("later: %.2f", score)
	}
	if a, b := ranks(even, later), ranks(later, even); math.Abs(a+b) > 1e-9 {
		t.Errorf("%.2f and %.2f", a, b)
	}
	if score := ranks([]time.Duration{1, 1, 1}, []time.Duration{1, 1, 1}); score != 0 {
		t.Errorf("the same: %.2f", score)
	}
}
