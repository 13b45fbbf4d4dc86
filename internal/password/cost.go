package password

import (
	"math"
	"time"
)

// What one hash should take on one core of the machine (security section 4.2): less is cheap to guess against, more keeps people waiting.
const (
	LeastTime = 80 * time.Millisecond
	aimTime   = 120 * time.Millisecond
)

// calibrations is how often a hash is timed: the shortest counts, since whatever else runs can only make it longer.
const calibrations = 3

// Calibrate returns p, or p with more passes where one hash with p takes less than LeastTime here. It computes a few hashes to know, and never
// returns fewer passes: a machine that is busy at the moment looks slow.
func Calibrate(p Params, hash HashFunc, now func() time.Time) Params {
	least := time.Duration(math.MaxInt64)
	for range calibrations {
		began := now()
		hash([]byte("a password to measure by"), make([]byte, saltLen), p, keyLen)
		least = min(least, now().Sub(began))
	}
	if least >= LeastTime || least <= 0 {
		return p
	}
	passes := float64(p.Time) * float64(aimTime) / float64(least)
	p.Time = min(ceiling.Time, max(p.Time, uint32(math.Round(passes)))) //nolint:gosec // least is positive, and what is too much for 32 bits is cut after
	return p
}

// Cost is what new hashes cost now.
func (h *Hasher) Cost() Params { return h.today.Load().params }

// SetCost has new passwords hashed with params from now on, and those who sign in with weaker hashes hashed anew. Fails with ErrParams.
func (h *Hasher) SetCost(params Params) error {
	if !params.within() {
		return ErrParams
	}
	h.today.Store(newCost(params))
	return nil
}

// Compute is the HashFunc with which this Hasher hashes. It passes the gate by.
func (h *Hasher) Compute(password, salt []byte, p Params, keyLen uint32) []byte {
	return h.hash(password, salt, p, keyLen)
}

// cost is what new hashes cost, with a hash of nobody's that costs the same.
type cost struct {
	params Params
	dummy  phc
}

func newCost(p Params) *cost {
	return &cost{params: p, dummy: phc{params: p, salt: newSalt(), key: make([]byte, keyLen)}}
}

// missing is how many passes of today's memory a hash with old parameters has less than today's: they are computed for nothing, so that it
// takes as long as any other and nobody can tell who has not signed in for long (A6).
func (c *cost) missing(old Params) uint32 {
	today, then := uint64(c.params.MemoryKiB)*uint64(c.params.Time), uint64(old.MemoryKiB)*uint64(old.Time)
	if then >= today {
		return 0
	}
	return uint32((today - then + uint64(c.params.MemoryKiB)/2) / uint64(c.params.MemoryKiB)) //nolint:gosec // at most today's passes
}
