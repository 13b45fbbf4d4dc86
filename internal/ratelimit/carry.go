package ratelimit

import "math/big"

// What Redis and the fallback carry over to each other. A bucket of the fallback stands for the share of one that Redis keeps: as much of the one is
// used as of the other.

// part is ahead·to/of: how far ahead a bucket of tolerance to is, when one of tolerance of is so far ahead.
func part(ahead, to, of int64) int64 {
	if ahead <= 0 || of <= 0 {
		return 0
	}
	if ahead >= of {
		return to
	}
	if to <= maxAhead/max(ahead, 1) {
		return ahead * to / of
	}
	x := new(big.Int).Mul(big.NewInt(ahead), big.NewInt(to))
	return x.Div(x, big.NewInt(of)).Int64()
}

// carry is what a call tells Redis of a bucket that n replicas have a share of each: the state in which it was last seen there, by its clock, 0 for one that was
// not; how far ahead it is by what was charged without it, in microseconds; and in how many charges.
func (l *Local) carry(now int64, ask Ask, n int) (seen, ahead int64, owed int) {
	h := hash(ask.Key)
	s := &l.shards[h%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.find(ask.Key, h)
	if b == nil {
		return 0, 0, 0
	}
	if b.owed > 0 {
		ahead = micros(part(b.state-s.at(now), ask.Limit.tolerance(), ask.Share(n).Limit.tolerance()))
	}
	return b.seen, ahead, b.owed
}

// note remembers that Redis's bucket is so far ahead, at state, and that it knows of so many charges made without it: n replicas have a share of it each.
func (l *Local) note(now int64, ask Ask, n int, ahead, state int64, owed int) {
	h := hash(ask.Key)
	s := &l.shards[h%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	now = s.at(now)
	b := s.find(ask.Key, h)
	if b == nil {
		l.makeRoom(s, now)
		b = s.findOrAdd(ask.Key, h)
	}
	b.seen = max(b.seen, state)
	if slackState := state + micros(slack); b.seen > slackState { // its clock went back
		b.seen = state
	}
	next := now + part(ahead, ask.Share(n).Limit.tolerance(), ask.Limit.tolerance())
	if b.owed = max(0, b.owed-owed); b.owed > 0 { // charged meanwhile
		next = max(next, b.state)
	}
	b.state = next
}

// owe remembers that the bucket was charged, and that Redis does not know.
func (l *Local) owe(ask Ask) {
	if ask.Limit.None() {
		return
	}
	h := hash(ask.Key)
	s := &l.shards[h%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.find(ask.Key, h); b != nil {
		b.owed++
	}
}
