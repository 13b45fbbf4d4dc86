package faults_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// REL-12: the clock of one of two machines jumps, forth and back, by minutes and by days. No key ends before its time at either, none that ended or was revoked
// comes back, and staff are shown which clock is wrong.
func TestJumpingClockEndsNothingAndBringsNothingBack(t *testing.T) {
	c := newCompany(t, "postgres")
	clock := filepath.Join(t.TempDir(), "clock")
	set := func(by time.Duration) {
		c.Helper()
		next := clock + ".next"
		c.must(os.WriteFile(next, []byte(by.String()), 0o600))
		c.must(os.Rename(next, clock))
	}
	set(0)
	wrong, right := c.start(map[string]string{"GATEHOUSE_TEST_CLOCK": clock}), c.start(nil)
	soon, over := c.worker("Ends in an hour"), c.worker("Ended an hour ago")
	c.run("UPDATE keys SET expires_at = ? WHERE id = ?", c.db.Now().Add(time.Hour), soon.Key.ID)
	c.run("UPDATE keys SET expires_at = ? WHERE id = ?", c.db.Now().Add(-time.Hour), over.Key.ID)
	c.forget(soon.Key.ID)
	c.forget(over.Key.ID)
	l := c.load(wrong, right)
	jumps := []time.Duration{10 * time.Minute, -10 * time.Minute, 2 * time.Hour, -2 * time.Hour, 24 * time.Hour, -24 * time.Hour, 0}
	for _, by := range jumps {
		set(by)
		alarm := eventually(t, by.String()+": it is seen that the clock is wrong", func() bool {
			return c.number("SELECT COUNT(*) FROM replicas WHERE ABS(skew_ms - ?) < 5000", by.Milliseconds()) > 0
		})
		for range amount(20, 200) {
			for name, p := range map[string]*process{"the wrong one": wrong, "the right one": right} {
				if code := c.says(p, soon); code != "VALID" {
					t.Errorf("clock wrong by %s: at %s a key that ends in an hour is %s", by, name, code)
				}
				if code := c.says(p, over); code != "EXPIRED" {
					t.Errorf("clock wrong by %s: at %s a key that ended an hour ago is %s", by, name, code)
				}
			}
			pass(10 * time.Millisecond)
		}
		report(t, "REL-12", "one clock wrong by %s: seen after %s; keys ended early 0, came back 0", by, alarm.Round(time.Millisecond))
	}
	l.end()
	c.stopped(wrong, right)

	l.honest(t)
	if bad := l.good.others("VALID"); len(bad) > 0 {
		t.Errorf("a good key was told %v", bad)
	}
	if bad := l.pages.others("200"); len(bad) > 0 {
		t.Errorf("pages were %v", bad)
	}
	gone := c.exact(c.key.Key.ID, &l.good)
	report(t, "REL-12", "%s; counts lost %d", l, gone)
}
