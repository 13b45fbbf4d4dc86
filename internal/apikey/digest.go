package apikey

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"sync"
)

// AlgorithmHMACSHA256 names, in the column beside a stored digest, how the
// digest was made.
const AlgorithmHMACSHA256 = "hmac-sha256"

// Digest is what is stored and looked up instead of a key.
type Digest [sha256.Size]byte

// Pepper is the server's secret under which keys are digested, with the version
// that is stored beside each digest.
type Pepper struct {
	Version string
	Key     []byte
}

// Digester computes digests under one pepper. It is safe for concurrent use and
// keeps its HMAC states for reuse, so that a digest allocates nothing when warm.
type Digester struct {
	version string
	states  sync.Pool
}

type state struct {
	mac hash.Hash
	in  [MaxLen]byte
	out Digest
}

// NewDigester returns a Digester for pepper. The key is copied.
func NewDigester(pepper Pepper) *Digester {
	key := append([]byte(nil), pepper.Key...)
	d := &Digester{version: pepper.Version}
	d.states.New = func() any { return &state{mac: hmac.New(sha256.New, key)} }
	return d
}

// Version returns the version of the pepper, for the column beside the digest.
func (d *Digester) Version() string { return d.version }

// Sum returns HMAC-SHA-256(pepper, text). Text may have any length; up to MaxLen
// it allocates nothing when warm.
func (d *Digester) Sum(text string) Digest {
	s, _ := d.states.Get().(*state) // the pool holds nothing else
	s.mac.Reset()
	if len(text) <= len(s.in) {
		s.mac.Write(s.in[:copy(s.in[:], text)])
	} else {
		s.mac.Write([]byte(text))
	}
	s.mac.Sum(s.out[:0])
	sum := s.out
	// A pool outlives requests: no key may lie about in it.
	clear(s.in[:])
	d.states.Put(s)
	return sum
}

// Sum returns HMAC-SHA-256(pepper, text) without keeping a state. Use a Digester
// where it is called often.
func Sum(pepper []byte, text string) Digest {
	mac := hmac.New(sha256.New, pepper)
	mac.Write([]byte(text))
	return Digest(mac.Sum(nil))
}
