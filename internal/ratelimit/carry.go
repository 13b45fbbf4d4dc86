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

// seen is the state in which a bucket was last seen in Redis, by its clock; 0 for one that was not.
func (l *Local) seen(ask Ask) int64 {
	if ask.Limit.None() {
		return 0
	}
	h := hash(ask.Key)
	s := &l.shards[h%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.find(ask.Key, h); b != nil {
		return b.seen
	}
	return 0
}

// note remembers that Redis's bucket is so far ahead, at state: n replicas have a share of it each.
func (l *Local) note(now int64, ask Ask, n int, ahead, state int64) {
	h := hash(ask.Key)
	s := &l.shards[h%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.find(ask.Key, h)
	if b == nil {
		l.makeRoom(s, now)
		b = s.findOrAdd(ask.Key, h)
	}
	b.seen = max(b.seen, state)
	if slackState := state + micros(slack); b.seen > slackState { // its clock went back
		b.seen = state
	}
	b.state = now + part(ahead, ask.Share(n).Limit.tolerance(), ask.Limit.tolerance())
}

// owe remembers what the share's bucket means for Redis's, whose clock says server.
func (l *Local) owe(now int64, ask Ask, n int, server int64) {
	if ask.Limit.None() {
		return
	}
	h := hash(ask.Key)
	s := &l.shards[h%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.find(ask.Key, h); b != nil {
		b.seen = max(b.seen, server+micros(part(b.state-now, ask.Limit.tolerance(), ask.Share(n).Limit.tolerance())))
	}
}
