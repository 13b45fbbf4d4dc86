package keyring

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
	"github.com/gatehouse-dev/gatehouse/internal/spool"
)

// Usage counts verifications until they are drained into the database: in memory, or in a segment of a spool, where a process that is killed
// leaves them (Turn). It is safe for concurrent use; counting a series seen since the last Drain allocates
// nothing and costs about 50 ns, in a segment as in memory.
type Usage struct {
	shards   [usageShards]usageShard
	draining sync.Mutex
	most     int
	dropped  atomic.Int64
	askers   askers
}

const usageShards = 32

type usageShard struct {
	mu    sync.Mutex
	seg   *spool.Segment // nil: cells count in themselves
	cells map[series]*cell
	spare map[series]*cell // empty; changes places with cells at each Drain
	free  []*cell
	// front finds busy cells without hashing for the map; it holds nothing that
	// cells doesn't.
	front [frontCells]*cell
}

const frontCells = 128

// series is what is counted apart. Facts and APIs stand for their ids: pointers
// compare faster, and what was loaded anew is put together again in Drain.
type series struct {
	facts  *Facts
	api    *API
	rule   *Rule
	minute uint32
	code   Code
}

// Bounds of what is noted beside a count, within one Drain.
const (
	maxCellScopes   = 32
	maxCellNetworks = 8
)

type cell struct {
	key      series
	slot     *spool.Slot // own, or in the segment
	own      spool.Slot
	place    uint32 // in the segment
	scopes   []string
	networks []netip.Prefix
}

// NewUsage returns an empty Usage that keeps at most size series between two
// Drains (100,000 if size is not positive); what goes beyond is counted as dropped.
func NewUsage(size int) *Usage {
	if size <= 0 {
		size = 100_000
	}
	u := &Usage{most: max(1, size/usageShards)}
	for i := range u.shards {
		u.shards[i].cells, u.shards[i].spare = map[series]*cell{}, map[series]*cell{}
	}
	return u
}

// Count counts one verification. Facts are those that Decide was given; for
// NotFound they are left out of account, since such a key is none of the
// caller's business. For Valid it also notes which scopes and which network (/24
// or /48) the key was used with.
func (u *Usage) Count(now time.Time, facts *Facts, api *API, req *Request, d *Decision) {
	if d.Code == NotFound {
		facts = nil
	}
	n := now.UnixNano()
	key := series{facts: facts, api: api, rule: d.Rule, minute: uint32(n / int64(time.Minute)), code: d.Code}
	h := key.hash()
	s := &u.shards[h%usageShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	front := &s.front[h/usageShards%frontCells]
	c := *front
	if c == nil || c.key != key {
		if c = s.find(key, u.most); c == nil {
			u.dropped.Add(1)
			return
		}
		*front = c
	}
	slot := c.slot
	slot.Calls++
	slot.Last = max(slot.Last, n)
	if d.Code == Valid {
		if d.Quota.Limit > 0 {
			slot.Cost += int64(d.Cost)
		}
		c.note(s.seg, req, d)
	}
}

// hash only spreads: series that collide cost time and nothing else.
func (key *series) hash() uint64 {
	h := uint64(key.code)
	if key.facts != nil {
		h ^= binary.LittleEndian.Uint64(key.facts.ID[8:])
	}
	if key.rule != nil {
		h += uint64(len(key.rule.Template)) << 8
	}
	return (h * 0x9e3779b97f4a7c15) >> 40
}

// find returns the cell of key, made if need be; nil when there is no room.
func (s *usageShard) find(key series, most int) *cell {
	c := s.cells[key]
	if c == nil && len(s.cells) < most {
		c = s.take()
		c.key, c.slot = key, &c.own
		if s.seg != nil && !c.record(s.seg) {
			s.free = append(s.free, c)
			return nil
		}
		s.cells[key] = c
	}
	return c
}

func (s *usageShard) take() *cell {
	if n := len(s.free); n > 0 {
		c := s.free[n-1]
		s.free = s.free[:n-1]
		return c
	}
	return &cell{}
}

func (c *cell) note(seg *spool.Segment, req *Request, d *Decision) {
	for _, scope := range req.Scopes {
		c.noteScope(seg, scope, d.Grant)
	}
	if d.Rule != nil && d.Rule.Scope != "" {
		c.noteScope(seg, d.Rule.Scope, d.Grant)
	}
	if !req.IP.IsValid() || len(c.networks) > 0 && c.networks[0].Contains(req.IP) {
		return
	}
	network := Network(req.IP)
	if !slices.Contains(c.networks, network) && len(c.networks) < maxCellNetworks {
		c.networks = append(c.networks, network)
		if seg != nil {
			recordNetwork(seg, c.place, network)
		}
	}
}

// noteScope keeps the grant's own text: that of the request is not ours to keep.
func (c *cell) noteScope(seg *spool.Segment, scope string, grant *Grant) {
	if slices.Contains(c.scopes, scope) || len(c.scopes) >= maxCellScopes {
		return
	}
	if i := slices.Index(grant.Scopes, scope); i >= 0 {
		c.scopes = append(c.scopes, grant.Scopes[i])
		if seg != nil {
			recordScope(seg, c.place, scope)
		}
	}
}

// Network returns the network of an address as it is kept: /24 of IPv4, /48 of
// IPv6. It is the zero Prefix for the zero Addr.
func Network(ip netip.Addr) netip.Prefix {
	ip = ip.Unmap().WithZone("")
	bits := 48
	if ip.Is4() {
		bits = 24
	}
	network, err := ip.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return network
}

// Series is what a count is of. For NotFound the ids of key, app and organization
// are zero and so is the environment.
type Series struct {
	Key         ID
	App         ID
	Org         ID
	API         ID
	Environment Environment
	Template    string // of the route; "" when none fitted or none was asked
	Code        Code
	Minute      time.Time // UTC
}

// ScopeUse says when a key last used a scope of an API.
type ScopeUse struct {
	Key, API ID
	Scope    string
}

// NetworkUse says when a key was last used from a network.
type NetworkUse struct {
	Key     ID
	Network netip.Prefix
}

// Batch is what was counted between two Drains, each thing once.
type Batch struct {
	Counts   map[Series]int64
	Keys     map[ID]time.Time // last VALID use
	Scopes   map[ScopeUse]time.Time
	Networks map[NetworkUse]time.Time
	Costs    map[CostOf]int64 // what was charged to quotas
	Dropped  int64            // verifications that were not counted for want of room
}

// CostOf is whose quotas a cost was charged to, and on which UTC day: the periods of all quotas are made of days.
type CostOf struct {
	Key ratelimit.Key // LimitKey
	Day time.Time
}

// Empty reports whether there is nothing to store.
func (b *Batch) Empty() bool { return len(b.Counts) == 0 && b.Dropped == 0 }

// Dropped is how many verifications were not counted for want of room, since it was last asked. What it told is in no Batch.
func (u *Usage) Dropped() int64 { return u.dropped.Swap(0) }

// Drain takes what was counted since the last Drain. It holds no counter up for
// longer than an exchange of two maps. What it returns is the caller's to store;
// Merge the next one into it when that fails. From then on counts are in memory.
func (u *Usage) Drain() Batch { return u.Turn(nil) }

// Turn is Drain that has what comes counted in a segment, which is empty and nobody else's, until the next Turn; nil counts in memory. When it returns,
// nobody counts any more in the segment before: it holds what the Batch holds, but for what was dropped.
func (u *Usage) Turn(to *spool.Segment) Batch {
	u.draining.Lock()
	defer u.draining.Unlock()
	b := newBatch()
	b.Dropped = u.dropped.Swap(0)
	for i := range u.shards {
		s := &u.shards[i]
		s.mu.Lock()
		full := s.cells
		s.cells, s.spare, s.seg = s.spare, nil, to
		clear(s.front[:])
		s.mu.Unlock()
		for _, c := range full {
			b.add(c.key.row(), *c.slot, c.scopes, c.networks)
		}
		s.giveBack(full)
	}
	u.askers.take(&b)
	return b
}

func newBatch() Batch {
	return Batch{Counts: map[Series]int64{}, Keys: map[ID]time.Time{}, Scopes: map[ScopeUse]time.Time{}, Networks: map[NetworkUse]time.Time{}, Costs: map[CostOf]int64{}}
}

// giveBack keeps map and cells for the next round, so that it allocates nothing.
func (s *usageShard) giveBack(full map[series]*cell) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range full {
		clear(c.scopes)
		*c = cell{scopes: c.scopes[:0], networks: c.networks[:0]}
		s.free = append(s.free, c)
	}
	clear(full)
	if s.spare == nil {
		s.spare = full
	}
}

func (key series) row() Series {
	row := Series{Code: key.code, Minute: minuteOf(key.minute)}
	if key.rule != nil {
		row.Template = key.rule.Template
	}
	if key.api != nil {
		row.API = key.api.ID
	}
	if f := key.facts; f != nil {
		row.Key, row.App, row.Org, row.Environment = f.ID, f.App.ID, f.App.Org.ID, f.Environment
	}
	return row
}

func minuteOf(n uint32) time.Time { return time.Unix(int64(n)*60, 0).UTC() }

func (b *Batch) add(row Series, slot spool.Slot, scopes []string, networks []netip.Prefix) {
	if slot.Calls == 0 { // killed between naming and counting it
		return
	}
	b.Counts[row] += slot.Calls
	if row.Code != Valid {
		return
	}
	last := time.Unix(0, slot.Last).UTC()
	later(b.Keys, row.Key, last)
	for _, scope := range scopes {
		later(b.Scopes, ScopeUse{Key: row.Key, API: row.API, Scope: scope}, last)
	}
	for _, network := range networks {
		later(b.Networks, NetworkUse{Key: row.Key, Network: network}, last)
	}
	if slot.Cost != 0 {
		b.Costs[CostOf{LimitKey(row.App, row.API, row.Environment), row.Minute.Truncate(24 * time.Hour)}] += slot.Cost
	}
}

func later[K comparable](m map[K]time.Time, key K, at time.Time) {
	if at.After(m[key]) {
		m[key] = at
	}
}

// Merge adds other to b, for a caller that could not store b and drains again.
func (b *Batch) Merge(other Batch) {
	if b.Counts == nil {
		*b = newBatch()
	}
	for row, n := range other.Counts {
		b.Counts[row] += n
	}
	for key, at := range other.Keys {
		later(b.Keys, key, at)
	}
	for use, at := range other.Scopes {
		later(b.Scopes, use, at)
	}
	for use, at := range other.Networks {
		later(b.Networks, use, at)
	}
	for of, cost := range other.Costs {
		b.Costs[of] += cost
	}
	b.Dropped += other.Dropped
}
