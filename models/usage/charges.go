package usage

import (
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
)

// chargesOf are what a batch charged to quotas: of the same calls that it counts, so that the one is stored if and only if the other is.
func chargesOf(b keyring.Batch) []keyring.Charge {
	charges := make([]keyring.Charge, 0, len(b.Costs))
	for of, cost := range b.Costs {
		charges = append(charges, keyring.Charge{Key: of.Key, Day: of.Day, Cost: cost})
	}
	return charges
}

// slackAtMidnight is by how much a day may begin ahead of the clock: calls at midnight were counted by another reading of it.
const slackAtMidnight = time.Minute

// newest is what this process charged to the newest day that it charged anything to. If the clock turns out to have been ahead, that day has not come, and its charges are of
// the day on which the calls were made (REL-12). The zero value holds nothing.
type newest struct {
	day   time.Time
	costs map[ratelimit.Key]int64
}

// dated returns charges as they are to be stored at now: nothing of a day that has not come, and what was stored of one moved to today. It also returns what is the
// newest once they are stored.
func (n newest) dated(charges []keyring.Charge, now time.Time) ([]keyring.Charge, newest) {
	today, _ := keyring.Day(now.Add(slackAtMidnight))
	all := make([]keyring.Charge, 0, len(charges))
	next := newest{day: n.day, costs: map[ratelimit.Key]int64{}}
	if n.day.After(today) {
		for key, cost := range n.costs {
			all = append(all, keyring.Charge{Key: key, Day: n.day, Cost: -cost}, keyring.Charge{Key: key, Day: today, Cost: cost})
			next.costs[key] = cost
		}
		next.day = today
	} else {
		for key, cost := range n.costs {
			next.costs[key] = cost
		}
	}
	for _, c := range charges {
		if c.Day.After(today) {
			c.Day = today
		}
		all = append(all, c)
		if c.Day.After(next.day) {
			next.day = c.Day
			clear(next.costs)
		}
		if c.Day.Equal(next.day) {
			next.costs[c.Key] += c.Cost
		}
	}
	return all, next
}
