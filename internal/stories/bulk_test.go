package stories_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// base opens the database of the house beside the running program, until the test ends.
func (h *house) base() *db.DB {
	h.t.Helper()
	url := h.env["GATEHOUSE_DATABASE_URL"]
	if url == "" {
		url = "sqlite:" + filepath.Join(h.dir, "gatehouse.db")
	}
	d, err := db.Open(context.Background(), db.Options{URL: url})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() {
		if err := d.Close(); err != nil {
			h.t.Error(err)
		}
	})
	return d
}

// manyKeys is how many keys the act on many takes besides the four that people made: more than a few parts of the job.
const manyKeys = 2500

// A crowd is keys of two organizations, some of them in use, and staff who act on many at once.
type crowd struct {
	*stage
	t         *testing.T
	db        *db.DB
	staff     *browser
	own       madeKey // of the stage's developer
	other     *subject
	pair      []madeKey // of the other organization, which are paused and resumed
	foreign   string    // one of the many
	spared    string    // one more, of another scope
	untouched madeKey   // of another scope, too
	gateway   string
}

func newCrowd(t *testing.T, dialect string, k kind) *crowd {
	t.Helper()
	c := &crowd{stage: narrowStage(t, dialect, k), t: t}
	c.gateway, _ = c.connect(c.admin, c.api)
	c.own = c.makeKey(c.dev, c.app, "Tracking page", "Live", "orders:read")
	c.untouched = c.makeKey(c.dev, c.app, "Writer", "Live", "orders:write")
	c.other = c.newSubject(2, "organization crowd", c.api)
	for _, name := range []string{"Pair one", "Pair two"} {
		c.pair = append(c.pair, c.makeKey(c.other.p, c.other.app, name, "Live", "orders:read"))
	}
	c.imported(c.appID(c.own), c.appID(c.other.key))
	c.staff = newBrowser(t, c.URL, "staff", k)
	c.signIn(c.staff, "ada@northwind.example", adminPassword)
	c.staff.see("Ada Admin")
	c.db = c.base()
	return c
}

// imported makes many keys of two apps, by the operator's command, and one that can do something else.
func (c *crowd) imported(apps ...string) {
	c.t.Helper()
	var file strings.Builder
	file.WriteString("digest,name,app,grants\n")
	for i := range manyKeys + 1 {
		text, may := fmt.Sprintf("old_%024d", i), "orders/orders:read"
		if i == 0 {
			c.spared, may = text, "orders/orders:write"
		} else {
			c.foreign = text
		}
		sum := sha256.Sum256([]byte(text))
		fmt.Fprintf(&file, "%s,Old %d,%s,%s\n", hex.EncodeToString(sum[:]), i, apps[i%len(apps)], may)
	}
	path := filepath.Join(c.t.TempDir(), "keys.csv")
	if err := os.WriteFile(path, []byte(file.String()), 0o600); err != nil {
		c.t.Fatal(err)
	}
	c.run("keys", "import", path, "--label", "Old gateway", "--prefix", "old_", "--length", "24")
}

// expect waits until the gateway is told this of each of the keys.
func (c *crowd) expect(code string, keys ...string) {
	c.t.Helper()
	for _, k := range keys {
		got := ""
		if !await(context.Background(), func() bool {
			got = verify(c.t, c.URL, c.gateway, k, map[string]any{"api": "orders", "method": "GET", "path": "/v2/orders"})
			return got == code
		}) {
			c.t.Errorf("%s: %s, want %s", k[:8], got, code)
		}
	}
}

// choose narrows the list of keys and says what is done to what it finds; the preview follows.
func (c *crowd) choose(verb string, filter map[string]string) {
	c.t.Helper()
	c.staff.open("/admin/keys")
	for label, value := range filter {
		c.staff.fill(label, value)
	}
	c.staff.press("Apply filter")
	c.staff.press("Act on what this filter finds")
	c.staff.tick(verb)
	if verb == "End sooner" {
		c.staff.fill("Last day", time.Now().UTC().AddDate(0, 0, 1).Format(time.DateOnly))
	}
	c.staff.press("Show what it hits")
}

// carryOut does what the preview shows, and waits for the end.
func (c *crowd) carryOut(number, button, done string) {
	c.t.Helper()
	c.staff.fill("Reason", "The old gateway was broken into.")
	c.staff.fill("Type the number of keys to confirm", number)
	c.staff.press(button)
	c.staff.await(done, func() bool { return c.staff.sees(done) })
}

// letters are how many mails with these words in their subject went to an address.
func (c *crowd) letters(to, words string) (n int) {
	for _, m := range c.inbox.Mails() {
		if slices.Contains(m.To, to) && strings.Contains(m.Subject, words) {
			n++
		}
	}
	return n
}

// one reads a single number.
func (c *crowd) one(query string, args ...any) (n int) {
	c.t.Helper()
	if err := c.db.Read(context.Background()).Raw(query, args...).Scan(&n).Error; err != nil {
		c.t.Fatal(err)
	}
	return n
}

// K9, U1: staff pause, resume, shorten and revoke what a filter finds; they see first whom it hits; it happens once, whatever becomes of the process.
func TestStaffActOnManyKeysAtOnceAndOnce(t *testing.T) {
	t.Parallel()
	for name, k := range ownershipKinds {
		t.Run(name, func(t *testing.T) {
			c := newCrowd(t, k.dialect, k.kind)
			c.expect("VALID", c.own.secret, c.pair[0].secret, c.pair[1].secret, c.foreign)

			c.pausedAndResumed()
			c.shortened()
			c.finished(c.begun())
			c.recorded()

			c.expect("INSUFFICIENT_SCOPE", c.untouched.secret, c.spared) // they may write, and work
			c.staff.quiet("422")
		})
	}
}

// pausedAndResumed pauses the two keys of one organization, and gives them back.
func (c *crowd) pausedAndResumed() {
	c.t.Helper()
	c.choose("Pause", map[string]string{"Search": "pair", "Organization": c.other.org})
	c.staff.see("Pause 2 keys", c.other.org, c.other.app, "Pair one", "Pair two")
	c.carryOut("2", "Pause 2 keys", "2 keys were paused")
	c.expect("PAUSED", c.pair[0].secret, c.pair[1].secret)
	c.mailTo(c.other.email, "API keys are paused: 2")
	c.staff.press("Resume these keys")
	c.staff.see("Resume 2 keys")
	c.carryOut("2", "Resume 2 keys", "2 keys were resumed")
	c.expect("VALID", c.pair[0].secret, c.pair[1].secret)
	c.mailTo(c.other.email, "API keys work again: 2")
}

// shortened gives the two keys an earlier end, of which their maker is told.
func (c *crowd) shortened() {
	c.t.Helper()
	c.choose("End sooner", map[string]string{"Search": "pair"})
	c.staff.see("End 2 keys sooner")
	c.carryOut("2", "End 2 keys sooner", "2 keys end sooner")
	c.mailTo(c.other.email, "API keys end sooner: 2")
	c.expect("VALID", c.pair[0].secret)
	end := time.Now().UTC().AddDate(0, 0, 2).Truncate(24 * time.Hour)
	if n := c.one("SELECT COUNT(*) FROM keys WHERE name LIKE 'Pair%' AND expires_at = ?", end); n != 2 {
		c.t.Errorf("%d of the two keys end with the day that staff chose", n)
	}
}

// begun previews the revocation of all that may read orders, starts it, and has the program killed in the middle. Somebody else looks at the same preview.
func (c *crowd) begun() (at string, again *clerk) {
	c.t.Helper()
	c.choose("Revoke", map[string]string{"Scope": "orders:read"})
	c.staff.see("Revoke 2,504 keys", "Every call with these keys is refused from then on, for ever.")
	for _, row := range []string{fmt.Sprintf("%s %s 1,253 3 ", c.other.org, c.other.app), fmt.Sprintf("Dev Patel %s 1,251 2 ", c.app)} {
		c.staff.see(row)
	}
	c.staff.fill("Type the number of keys to confirm", "254")
	c.staff.press("Revoke 2,504 keys")
	c.staff.see("Type the number of keys, 2,504, to confirm.")
	at, again = c.staff.path(), newClerk(c.t, c.URL, "staff again")
	c.signIn(again, "ada@northwind.example", adminPassword)
	for _, p := range []person{c.staff, again} {
		p.open(at)
		p.fill("Reason", "The old gateway was broken into.")
		p.fill("Type the number of keys to confirm", "2,504")
	}
	killed := make(chan bool)
	go func() {
		begun := await(context.Background(), func() bool { return c.revoked() > 0 })
		c.kill()
		killed <- begun
	}()
	c.staff.press("Revoke 2,504 keys")
	if begun := <-killed; !begun || c.revoked() >= manyKeys {
		c.t.Fatalf("the program was not killed in the middle: %d keys were revoked", c.revoked())
	}
	return at, again
}

// revoked is how far the revocation is; -1 when that can't be read.
func (c *crowd) revoked() int {
	var n []int
	if err := c.db.Read(context.Background()).Raw("SELECT done FROM key_bulks WHERE verb = 'revoke'").Scan(&n).Error; err != nil || len(n) != 1 {
		return -1
	}
	return n[0]
}

// finished starts the program again: the page tells how far the act came, starting it once more does nothing, and the work goes on to its end.
func (c *crowd) finished(at string, again *clerk) {
	c.t.Helper()
	c.start()
	again.press("Revoke 2,504 keys")
	c.staff.open(at)
	c.staff.see(fmt.Sprintf("%s of 2,504 keys", thousands(c.revoked())), "The work goes on without it.")
	// The dead process holds the job for two minutes more, in case that it lives.
	err := c.db.Tx(context.Background(), func(tx *db.Tx) error {
		_, err := tx.Run("UPDATE jobs SET leased_until = ? WHERE kind = 'key.bulk' AND finished_at IS NULL", tx.Now)
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.staff.await("the end of the act", func() bool { return c.staff.sees("2,504 keys were revoked") })
	c.expect("REVOKED", c.own.secret, c.other.key.secret, c.pair[0].secret, c.pair[1].secret, c.foreign)
	for _, to := range []string{devMail, c.other.email} {
		c.mailTo(to, "API keys were revoked")
	}
}

// thousands writes a number as an English page does.
func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

// recorded finds each act once: in the log, at the keys, and in the mail.
func (c *crowd) recorded() {
	c.t.Helper()
	c.admin.open("/admin/audit")
	c.admin.see("The chain is whole")
	c.admin.follow("CSV")
	csv := c.admin.page.Body
	for act, want := range map[string]int{"key.many_revoked": 1, "key.many_paused": 1, "key.many_resumed": 1, "key.many_shortened": 1, "key.many_finished": 4} {
		if n := strings.Count(csv, ","+act+","); n != want {
			c.t.Errorf("%s stands in the audit log %d times, want %d", act, n, want)
		}
	}
	if n := c.one("SELECT COUNT(*) FROM key_bulk_keys y JOIN key_bulks b ON b.id = y.bulk_id JOIN keys k ON k.id = y.key_id WHERE b.verb = 'revoke' AND y.result = 1 AND k.revoked_at = y.at"); n != manyKeys+4 {
		c.t.Errorf("%d keys were revoked by the act, each once; want %d", n, manyKeys+4)
	}
	for _, to := range []string{devMail, c.other.email} {
		if n := c.letters(to, "were revoked"); n != 1 {
			c.t.Errorf("%d mails to %s tell of the revocation", n, to)
		}
	}
	c.staff.open("/admin/keys/bulk")
	c.staff.see("The old gateway was broken into.", "Done")
}
