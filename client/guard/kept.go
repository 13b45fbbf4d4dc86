package guard

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"sync"
	"time"
)

type digest [sha256.Size]byte

// digest names a question without holding its key: each part with its length before it.
func (q *question) digest() (d digest) {
	h := sha256.New()
	for _, part := range []string{q.Key, q.Method, q.Path, q.IP, q.Origin} {
		_ = binary.Write(h, binary.BigEndian, uint64(len(part)))
		_, _ = io.WriteString(h, part)
	}
	h.Sum(d[:0])
	return d
}

// kept are the yeses of the last moments, never more than most.
type kept struct {
	most int

	mu  sync.Mutex
	all map[digest]yes
}

type yes struct {
	caller Caller
	until  time.Time
}

func (k *kept) find(d digest, now time.Time) (Caller, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	y, found := k.all[d]
	if !found {
		return Caller{}, false
	}
	if !now.Before(y.until) {
		delete(k.all, d)
		return Caller{}, false
	}
	return y.caller, true
}

// looked is how many entries are looked at for one whose time is over, when there is no room.
const looked = 8

func (k *kept) add(d digest, caller Caller, now, until time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.all == nil {
		k.all = map[digest]yes{}
	}
	if _, there := k.all[d]; !there && len(k.all) >= k.most {
		k.makeRoom(now)
	}
	k.all[d] = yes{caller, until}
}

// makeRoom drops those whose time is over among a few, or else any one: maps begin at a random place.
func (k *kept) makeRoom(now time.Time) {
	n := 0
	var last digest
	for d, y := range k.all {
		last = d
		if !now.Before(y.until) {
			delete(k.all, d)
		}
		if n++; n == looked {
			break
		}
	}
	if len(k.all) >= k.most {
		delete(k.all, last)
	}
}
