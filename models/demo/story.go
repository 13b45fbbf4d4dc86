package demo

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// handClock is the clock that the filling moves.
type handClock struct{ now time.Time }

func (c *handClock) read() time.Time { return c.now }

// moment is something that happens in the story.
type moment struct {
	at   time.Time
	name string // for errors
	do   func(ctx context.Context) error
}

// at is the moment some whole days before the day of the filling, at an hour of UTC; it is over for every day but 0.
func (f *filler) at(daysAgo int, hour float64) time.Time {
	midnight := f.now.Truncate(24 * time.Hour)
	return midnight.AddDate(0, 0, -daysAgo).Add(time.Duration(hour*3600) * time.Second)
}

// happens puts something into the story. What is told at the same moment happens in the order in which it was told.
func (f *filler) happens(at time.Time, name string, do func(ctx context.Context) error) {
	f.plot = append(f.plot, moment{at, name, do})
}

// play lets the story happen.
func (f *filler) play(ctx context.Context) error {
	slices.SortStableFunc(f.plot, func(a, b moment) int { return a.at.Compare(b.at) })
	last := time.Time{}
	for _, m := range f.plot {
		if !m.at.After(last) { // no two things at one instant
			m.at = last.Add(7 * time.Second)
		}
		last = m.at
		f.clock.now = m.at
		if err := m.do(ctx); err != nil {
			return fmt.Errorf("demo: %s: %w", m.name, err)
		}
	}
	return nil
}

// as is somebody at work: from an address of their own, in a request of its own.
func (f *filler) as(handle string) actor.Actor {
	f.steps++
	u := f.users[handle]
	return actor.Actor{Kind: actor.User, UserID: u.ID, StaffRole: u.StaffRole, Name: u.Name, Address: addressOf(handle), RequestID: fmt.Sprintf("req_demo%05d", f.steps)}
}

// addressOf is where somebody sits: in a network that is reserved for benchmarks and documentation.
func addressOf(handle string) netip.Addr {
	h := hashOf("address " + handle)
	return netip.AddrFrom4([4]byte{198, 18 + byte(h&1), byte(h >> 8), 1 + byte(h>>16)%250})
}

// networkOf is the n-th network from which a key is used.
func networkOf(seed string, n int) string {
	h := hashOf(fmt.Sprintf("network %s %d", seed, n))
	if h%7 == 0 {
		return actor.Network(netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, byte(h >> 8), byte(h >> 16), 15: 1}))
	}
	return actor.Network(netip.AddrFrom4([4]byte{198, 18 + byte(h>>24&1), byte(h >> 8), 1}))
}

// hashOf is FNV-1a: the same for the same text, always.
func hashOf(text string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 1099511628211
	}
	return h
}

// dice are splitmix64: the same throws for the same seed, always.
type dice struct{ state uint64 }

func (d *dice) throw() uint64 {
	d.state += 0x9e3779b97f4a7c15
	z := d.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// part is a number of [0, 1).
func (d *dice) part() float64 { return float64(d.throw()>>11) / (1 << 53) }

// round makes a whole number of x: its fraction is the chance of one more.
func (d *dice) round(x float64) int64 {
	n := int64(x)
	if d.part() < x-float64(n) {
		n++
	}
	return n
}

// one reads a value that must be there.
func one[T any](ctx context.Context, d *db.DB, query string, args ...any) (T, error) {
	var rows []T
	err := d.Read(ctx).Raw(query, args...).Scan(&rows).Error
	if err == nil && len(rows) != 1 {
		err = fmt.Errorf("%d rows for %s", len(rows), query)
	}
	if err != nil {
		var none T
		return none, err
	}
	return rows[0], nil
}
