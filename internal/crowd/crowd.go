// Package crowd bounds how many there may be at a time of something that strangers begin: connections, questions.
//
// A bound of all alone would let one stranger shut out everybody, so each address has a bound of its own, an IPv6 address with all of its /64 and again
// with all of its /48, and a part of the whole is kept for those who are trusted, who have no bound but the whole. Nothing here waits.
package crowd

import (
	"net/netip"
	"sync"
)

// Bounds are how many there may be. 0 is no bound.
type Bounds struct {
	Total int
	// PerPeer is how many one peer may have; all of an IPv6 /48 together twice as many.
	PerPeer int
	// Reserve is the part of Total that strangers do not get.
	Reserve int
	// Trusted tells peers that have no bound but Total; nil: nobody.
	Trusted func(netip.Addr) bool
}

// Count counts within Bounds. It is safe for concurrent use.
type Count struct {
	bounds Bounds

	mu             sync.Mutex
	all, strangers int
	peers          map[netip.Prefix]int // as many as strangers, twice at most
}

// NewCount returns a Count of none.
func NewCount(b Bounds) *Count { return &Count{bounds: b, peers: map[netip.Prefix]int{}} }

// Enter counts one more of a peer, and reports whether there was room for it. The zero address is a peer too.
func (c *Count) Enter(peer netip.Addr) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if full(c.all, c.bounds.Total) {
		return false
	}
	if !c.trusts(peer) {
		near, far := networks(peer)
		if full(c.strangers, c.bounds.Total-c.bounds.Reserve) && c.bounds.Total > 0 || full(c.peers[near], c.bounds.PerPeer) || full(c.peers[far], 2*c.bounds.PerPeer) {
			return false
		}
		c.strangers++
		c.add(near, 1)
		c.add(far, 1)
	}
	c.all++
	return true
}

// Leave counts one less of a peer that Enter let in.
func (c *Count) Leave(peer netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all--
	if !c.trusts(peer) {
		near, far := networks(peer)
		c.strangers--
		c.add(near, -1)
		c.add(far, -1)
	}
}

// Crowded reports whether more than half of what strangers get is taken by them, and whether all of it is.
func (c *Count) Crowded() (half, whole bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	theirs := c.bounds.Total - c.bounds.Reserve
	return c.bounds.Total > 0 && 2*c.strangers > theirs, c.bounds.Total > 0 && (c.strangers >= theirs || c.all >= c.bounds.Total)
}

func (c *Count) trusts(peer netip.Addr) bool {
	return c.bounds.Trusted != nil && c.bounds.Trusted(peer)
}

func (c *Count) add(n netip.Prefix, by int) {
	if !n.IsValid() {
		return
	}
	if c.peers[n] += by; c.peers[n] == 0 {
		delete(c.peers, n)
	}
}

// full reports whether there is no room for one more. What is bounded by 0 is never full.
func full(n, most int) bool { return most > 0 && n >= most }

// networks are what a peer is counted by: whoever has one address of an IPv6 network has 2^64, and who is given a /48 has 65,536 such networks. far is of no network
// where near is all.
func networks(peer netip.Addr) (near, far netip.Prefix) {
	peer = peer.Unmap().WithZone("")
	switch {
	case !peer.IsValid():
		return netip.PrefixFrom(netip.IPv6Unspecified(), 128), netip.Prefix{}
	case peer.Is4():
		return netip.PrefixFrom(peer, 32), netip.Prefix{}
	}
	return netip.PrefixFrom(peer, 64).Masked(), netip.PrefixFrom(peer, 48).Masked()
}
