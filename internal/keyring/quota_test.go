package keyring_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
)

// month, day and both are quotas.
func month(n int64) keyring.QuotaLimits          { return keyring.QuotaLimits{Month: n} }
func monthAndDay(m, d int64) keyring.QuotaLimits { return keyring.QuotaLimits{Month: m, Day: d} }

var quotaKey = keyring.LimitKey(id(1), id(2), keyring.Live)

func TestQuotaIsSharedAndTurnsWithTheMonth(t *testing.T) {
	q := keyring.NewMonthlyQuotas()
	november, _ := keyring.Day(start)
	q.Take(start, quotaKey, month(10), 3)
	fresh := q.Counted(start, true)
	drained := q.Drain(start)
	q.Rebase(start, keyring.Stored{Key: quotaKey, Day: november, OfMonth: 8, OfDay: 8})
	left := q.Take(start, quotaKey, month(10), 1)
	over := q.Take(start, quotaKey, month(10), 2)
	q.Rebase(start, keyring.Stored{Key: quotaKey, Day: november, OfMonth: 2, OfDay: 2})
	same := q.Take(start, quotaKey, month(10), 1)
	december := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	q.Rebase(december, keyring.Stored{Key: quotaKey, Day: november, OfMonth: 10, OfDay: 10})
	next := q.Take(december, quotaKey, month(10), 1)

	if len(drained) != 1 || drained[0] != (keyring.Charge{Key: quotaKey, Day: november, Cost: 3}) {
		t.Errorf("drained: %+v", drained)
	}
	if len(fresh) != 1 || len(q.Counted(december, false)) != 1 {
		t.Errorf("keys to rebase: %v", fresh)
	}
	if !left.OK || left.Month.Remaining != 1 || over.OK || over.Month.Remaining != 1 || same.Month.Remaining != 0 {
		t.Errorf("left %+v, over %+v, same %+v", left, over, same)
	}
	if !next.OK || next.Month.Remaining != 9 {
		t.Errorf("a new month: %+v", next)
	}
}

func TestDayAndMonthHoldAtOnce(t *testing.T) { // L5: each is named
	q := keyring.NewMonthlyQuotas()
	take := func(at time.Time) keyring.QuotaState { return q.Take(at, quotaKey, monthAndDay(5, 3), 1) }
	for range 3 {
		if s := take(start); !s.OK {
			t.Fatalf("refused: %+v", s)
		}
	}
	today := take(start)
	tomorrow := start.AddDate(0, 0, 1)
	first, second, third := take(tomorrow), take(tomorrow), take(tomorrow)

	if tight, day := today.Tighter(1); today.OK || !day || tight.Limit != 3 || tight.Remaining != 0 || today.Month.Remaining != 2 {
		t.Errorf("the day is used up: %+v", today)
	}
	if !first.OK || !second.OK || second.Day.Remaining != 1 {
		t.Errorf("a new day: %+v, %+v", first, second)
	}
	if tight, day := third.Tighter(1); third.OK || day || tight.Limit != 5 {
		t.Errorf("the month is used up: %+v", third)
	}
}

func TestWhatIsPendingAtMidnightCountsForItsDay(t *testing.T) {
	q := keyring.NewMonthlyQuotas()
	evening := time.Date(2026, 11, 30, 23, 59, 59, 0, time.UTC)
	today, midnight := keyring.Day(evening)
	q.Take(evening, quotaKey, month(10), 4)
	q.Take(midnight, quotaKey, month(10), 2)
	q.Return(evening, quotaKey, 1)

	charges := map[keyring.Charge]int{}
	for _, c := range q.Drain(midnight) {
		charges[c]++
	}

	want := []keyring.Charge{{Key: quotaKey, Day: today, Cost: 4}, {Key: quotaKey, Day: today, Cost: -1}, {Key: quotaKey, Day: midnight, Cost: 2}}
	if len(charges) != len(want) {
		t.Errorf("%+v", charges)
	}
	for _, c := range want {
		if charges[c] != 1 {
			t.Errorf("missing %+v in %+v", c, charges)
		}
	}
	if len(q.Drain(midnight)) != 0 {
		t.Error("drained twice")
	}
}

// REL-12: a clock that was ahead for a moment gives nobody a quota anew.
func TestAClockThatWasAheadGivesNoQuotaAnew(t *testing.T) {
	for name, limits := range map[string]keyring.QuotaLimits{"month": month(10), "day": monthAndDay(1000, 10)} {
		q := keyring.NewMonthlyQuotas()
		today, _ := keyring.Day(start)
		for range 10 {
			q.Take(start, quotaKey, limits, 1)
		}
		q.Drain(start)
		for range 3 { // again and again
			q.Take(start.AddDate(0, 1, 0), quotaKey, limits, 1)
			q.Drain(start.AddDate(0, 1, 0))

			if s := q.Take(start.Add(time.Minute), quotaKey, limits, 1); s.OK || s.Month.ResetsAt != time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC).UnixNano() {
				t.Errorf("%s: back again: %+v", name, s)
			}
		}
		q.Take(start, keyring.LimitKey(id(3), id(2), keyring.Live), limits, 1)
		if charged := q.Drain(start); len(charged) != 1 || !charged[0].Day.Equal(today) {
			t.Errorf("%s: charged to %+v", name, charged)
		}
	}
}

func TestAfterSeveralJumpsOfTheClockWhatIsStoredCounts(t *testing.T) { // REL-12
	q := keyring.NewMonthlyQuotas()
	today, _ := keyring.Day(start)
	for _, at := range []time.Time{start, start.AddDate(0, 1, 0), start.AddDate(0, 2, 0)} {
		q.Take(at, quotaKey, month(10), 10)
	}
	q.Drain(start)

	q.Rebase(start, keyring.Stored{Key: quotaKey, Day: today, OfMonth: 10, OfDay: 10})

	if s := q.Take(start, quotaKey, month(10), 1); s.OK {
		t.Errorf("%+v", s)
	}
}

func TestAClockThatIsSetWithinTheMonthKeepsTheMonth(t *testing.T) {
	q := keyring.NewMonthlyQuotas()
	q.Take(start, quotaKey, month(10), 4)
	q.Take(start.AddDate(0, 0, 2), quotaKey, month(10), 5)
	if s := q.Take(start, quotaKey, month(10), 1); !s.OK || s.Month.Remaining != 0 {
		t.Errorf("%+v", s)
	}
}

// fleet is some replicas over one store of counters.
type fleet struct {
	replicas []*keyring.MonthlyQuotas
	leader   int
	now      time.Time
	stored   int64
	passed   int64
}

// newFleet is n replicas, the first of which leads.
func newFleet(n int) *fleet {
	f := &fleet{now: start}
	for i := range n {
		f.replicas = append(f.replicas, keyring.NewSharedQuotas(ratelimit.Fixed(n), func(time.Time) bool { return i == f.leader }))
	}
	return f
}

func (f *fleet) flush(i int) {
	for _, c := range f.replicas[i].Drain(f.now) {
		f.stored += c.Cost
	}
	today, _ := keyring.Day(f.now)
	f.replicas[i].Rebase(f.now, keyring.Stored{Key: quotaKey, Day: today, OfMonth: f.stored, OfDay: f.stored})
}

// tilt lets replica i take until it is refused.
func (f *fleet) tilt(i int, limits keyring.QuotaLimits, cost int) {
	for f.replicas[i].Take(f.now, quotaKey, limits, cost).OK {
		f.passed += int64(cost)
	}
}

func TestThreeReplicasAtFullTiltPassNoMoreThanOneInAHundredOver(t *testing.T) { // L6
	for _, limit := range []int64{3, 50, 1000, 1_000_000} {
		f := newFleet(3)
		for range 200 {
			for i := range 3 {
				f.tilt(i, monthAndDay(limit*2, limit), 1)
			}
			for i := range 3 { // each goes on as soon as it has heard
				f.flush(i)
				f.tilt(i, monthAndDay(limit*2, limit), 1)
			}
		}
		if most := limit + limit/100 + 3; f.passed < limit || f.passed > most {
			t.Errorf("quota %d: %d passed, want %d to %d", limit, f.passed, limit, most)
		}
	}
}

func TestAReplicaThatHearsNothingPassesItsPartAlone(t *testing.T) { // L6: the database is away
	f := newFleet(3)

	for i := range 3 {
		f.tilt(i, month(600), 1)
	}

	if f.passed != 300 {
		t.Errorf("%d of 600 passed, want a sixth each", f.passed)
	}
	state := f.replicas[0].Take(start, quotaKey, month(600), 1)
	if !state.Elsewhere || state.Month.Remaining != 500 {
		t.Errorf("the refusal is not the quota's: %+v", state)
	}
}

func TestReplicasPassTheQuotaInWhateverOrderTheyHear(t *testing.T) { // L6, property
	rapid.Check(t, func(t *rapid.T) {
		n, limit := rapid.IntRange(1, 5).Draw(t, "replicas"), rapid.Int64Range(1, 500).Draw(t, "limit")
		cost := rapid.IntRange(1, 4).Draw(t, "cost")
		f := newFleet(n)
		for range rapid.IntRange(1, 120).Draw(t, "steps") {
			i := rapid.IntRange(0, n-1).Draw(t, "replica")
			if rapid.Bool().Draw(t, "flush") {
				f.flush(i)
			} else {
				f.tilt(i, month(limit), cost)
			}
		}
		// What one holds back: its part of all, or one call. A replica alone holds exactly.
		most := limit
		if n > 1 {
			most += int64(n-1) * max(int64(cost), (limit+int64(2*n)-1)/int64(2*n))
		}
		if f.passed > most {
			t.Fatalf("%d passed, want at most %d", f.passed, most)
		}
	})
}

func TestMarksAreReachedAtEightyAndAHundredPercent(t *testing.T) {
	for _, c := range []struct {
		used, limit int64
		want        int
	}{{0, 10, 0}, {7, 10, 0}, {8, 10, 80}, {9, 10, 80}, {10, 10, 100}, {12, 10, 100}, {5, 0, 0}, {0, 1, 0}, {1, 1, 100}, {799, 1000, 0}, {800, 1000, 80}, {7, 9, 0}, {8, 9, 80}} {
		if got := keyring.QuotaMark(c.used, c.limit); got != c.want {
			t.Errorf("%d of %d: %d, want %d", c.used, c.limit, got, c.want)
		}
	}
}
