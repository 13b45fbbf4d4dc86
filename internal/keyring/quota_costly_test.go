package keyring_test

import (
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
)

// pass lets replica i take one call.
func (f *fleet) pass(i int, limits keyring.QuotaLimits, cost int) keyring.QuotaState {
	s := f.replicas[i].Take(f.now, quotaKey, limits, cost)
	if s.OK {
		f.passed += int64(cost)
	}
	return s
}

// seconds go by in which every replica stores what it charged and hears, and no call comes.
func (f *fleet) seconds(n int) {
	for range n {
		f.now = f.now.Add(time.Second)
		for i := range f.replicas {
			f.flush(i)
		}
	}
}

func TestACallThatTakesAWholeQuotaPassesAtOneReplica(t *testing.T) { // L6
	for _, n := range []int{2, 3, 5} {
		f := newFleet(n)
		everywhere := func() (passed, held int) {
			for i := range n {
				switch s := f.pass(i, month(1000), 1000); {
				case s.OK:
					passed++
				case s.Elsewhere:
					held++
				}
			}
			return passed, held
		}
		unknown, told := everywhere()
		f.seconds(10)
		once, others := everywhere()
		f.seconds(20)
		more, held := everywhere()

		if unknown != 0 || told != n || once != 1 || others != n-1 || more != 0 || held != 0 || f.passed != 1000 {
			t.Errorf("%d replicas: %d and %d held, then %d and %d held, then %d and %d held; %d passed of 1000", n, unknown, told, once, others, more, held, f.passed)
		}
	}
}

func TestOneProcessAlonePassesWhatFitsAtOnce(t *testing.T) {
	f := newFleet(1)
	if s := f.pass(0, month(1000), 1000); !s.OK {
		t.Errorf("%+v", s)
	}
}

func TestACostlyCallWaitsUntilOthersPassNothing(t *testing.T) { // L6: by month and by day
	for name, limits := range map[string]keyring.QuotaLimits{"month": month(1000), "day": monthAndDay(100_000, 1000)} {
		f := newFleet(3)
		f.pass(1, limits, 1)
		f.seconds(2)
		busy := f.pass(0, limits, 900)
		f.seconds(9)
		soon := f.pass(0, limits, 900)
		f.seconds(1)
		quiet := f.pass(0, limits, 900)
		cheap := f.pass(0, limits, 1)

		if busy.OK || !busy.Elsewhere || soon.OK || !soon.Elsewhere || !quiet.OK {
			t.Errorf("%s: busy %+v, soon %+v, quiet %+v", name, busy, soon, quiet)
		}
		if cheap.OK || !cheap.Elsewhere {
			t.Errorf("%s: a cheap call has to fit the part, at the leading replica, too: %+v", name, cheap)
		}
	}
}

func TestTheLeadingReplicaPassesNothingCostlyWhileItHearsNothing(t *testing.T) { // L6: the database is away
	f := newFleet(2)
	f.pass(0, month(1000), 10)
	f.seconds(20)
	f.now = f.now.Add(10 * time.Second)
	deaf := f.pass(0, month(1000), 900)
	f.seconds(1)
	again := f.pass(0, month(1000), 900)

	if deaf.OK || !deaf.Elsewhere || !again.OK {
		t.Errorf("deaf %+v, again %+v", deaf, again)
	}
}

func TestANewDayDoesNotForgetThatOthersPass(t *testing.T) { // L6
	f := newFleet(2)
	f.now = time.Date(2026, 11, 22, 23, 59, 57, 0, time.UTC)
	f.pass(1, month(1000), 100)
	f.seconds(2)
	f.now = f.now.Add(2 * time.Second)

	if s := f.pass(0, month(1000), 800); s.OK || !s.Elsewhere {
		t.Errorf("%+v", s)
	}
}

func TestACostlyCallThatFitsWhatIsLeftPassesOnceItIsQuiet(t *testing.T) { // L6: another replica leads now
	f := newFleet(3)
	f.pass(0, month(1000), 600) // is told to wait
	f.seconds(10)
	f.pass(0, month(1000), 600)
	f.seconds(1)
	f.leader = 2
	early := f.pass(2, month(1000), 400)
	f.seconds(10)
	old, late := f.pass(0, month(1000), 400), f.pass(2, month(1000), 400)

	if early.OK || old.OK || !late.OK || f.passed != 1000 {
		t.Errorf("early %+v, at the one that led %+v, late %+v, %d passed", early, old, late, f.passed)
	}
}

func TestCheapAndCostlyCallsAtFullTiltKeepToTheQuota(t *testing.T) { // L6: over by as little as cheap calls alone
	for _, n := range []int{2, 3} {
		for _, limit := range []int64{50, 1000, 1_000_000} {
			f := newFleet(n)
			costs := []int{int(limit), int(limit / 2), int(limit / 7), 3, 1}
			for i := range n { // all pass calls as it begins
				f.tilt(n-1-i, monthAndDay(limit*2, limit), 1)
			}
			for range 200 {
				f.now = f.now.Add(time.Second)
				for i := range n {
					f.flush(i)
					for _, cost := range costs {
						f.tilt(i, monthAndDay(limit*2, limit), cost)
					}
				}
			}
			if most := limit + limit/100 + int64(n); f.passed < limit || f.passed > most {
				t.Errorf("%d replicas, quota %d: %d passed, want to %d", n, limit, f.passed, most)
			}
		}
	}
}

// The worst that can come: others begin in the moment in which the leading replica passes all that is left in one call, and hear of each other before they hear of it.
func TestACostlyCallPassesAQuotaByNoMoreThanWhatOthersPassBeforeTheyHear(t *testing.T) { // L6
	for _, n := range []int{2, 3, 5} {
		f := newFleet(n)
		f.pass(0, month(1000), 1000) // is told to wait
		f.seconds(10)
		for i := n - 1; i > 0; i-- {
			f.tilt(i, month(1000), 1)
		}
		whole := f.pass(0, month(1000), 1000)
		for range 3 {
			f.now = f.now.Add(time.Second)
			for i := n - 1; i >= 0; i-- {
				f.flush(i)
				f.tilt(i, month(1000), 1)
			}
		}

		if most := 1000 + 1000*int64(n-1)/int64(n); !whole.OK || f.passed > most {
			t.Errorf("%d replicas: %d passed, want at most %d", n, f.passed, most)
		}
	}
}
