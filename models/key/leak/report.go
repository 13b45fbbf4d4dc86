package leak

import (
	"context"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/job"
)

// JobKind is the kind of the job that looks up what was handed in.
const JobKind = "leak.report"

// Limits of reports by anybody (L7, L1).
const (
	MaxKeys     = 100 // of one report
	MaxPlace    = 300 // characters of where it was found
	perNetwork  = 30  // one IPv4 address or IPv6 /64
	perRange    = 120 // one IPv4 /24 or IPv6 /48: what one can rent, not to spend what there is for all
	perPortal   = 10_000
	textsRange  = 1_200   // keys in the reports of one range: each waits with a digest and marks, up to some kB with several root secrets
	textsPortal = 100_000 // and in all
	limitWindow = time.Hour
)

// Handed is what somebody hands in.
type Handed struct {
	Source Source
	Texts  []string // in which keys may stand, however they are wrapped
	Place  string   // where they were found; may be empty
	URL    string   // the same, of a program; may be empty
}

// payload of a job of JobKind.
type payload struct {
	ReportID db.ID   `json:"report_id"`
	Source   Source  `json:"source"`
	Found    []found `json:"found"`
	Place    string  `json:"place,omitempty"` // where all were found, unless each says its own
	URL      string  `json:"url,omitempty"`
}

// HandIn takes a report by anybody, of our own keys and of imported ones. Whether its keys are real is not looked at here but by a job within seconds, so that neither answer nor time can
// tell: the same is written for a real, a dead and an invented key. It tells how many texts of the form of a key there were, which anybody can
// count. A report that is refused counts towards its network's limits, too. Faults: Invalid (keys: none of the form, or more than MaxKeys; place), RateLimited.
func (s *Store) HandIn(ctx context.Context, a actor.Actor, h Handed) (int, error) {
	var p payload
	p.ReportID, p.Source = db.NewID(), h.Source
	p.Place, p.URL = cleaned(h.Place, MaxPlace), cleaned(h.URL, MaxPlace)
	if len([]rune(h.Place)) > MaxPlace {
		return 0, fault.BadField("place", "This has at most %d characters.", MaxPlace)
	}
	around := network(a.Address, 24, 48)
	// Before anything is looked for: also what is refused costs.
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		return limited(tx, bucket{"leak reports of " + network(a.Address, 32, 64), 1, perNetwork}, bucket{"leak reports around " + around, 1, perRange})
	})
	full := db.Full(err)
	if err != nil && !full {
		return 0, err
	}
	known, err := s.forms(ctx)
	if err != nil {
		return 0, err
	}
	texts := known.in(MaxKeys+1, h.Texts...)
	var bad fault.Problems
	bad.Check(len(texts) > 0, "keys", "No whole key of this portal stands in it. Its keys begin with %[1]s_live_ or %[1]s_test_, and 38 letters and digits follow.", s.brand)
	bad.Check(len(texts) <= MaxKeys, "keys", "Hand in at most %d keys at once.", MaxKeys)
	if err := bad.Err(); err != nil {
		return 0, err
	}
	for _, key := range texts {
		p.Found = append(p.Found, s.found(known, key.Reveal()))
	}
	if full {
		return len(p.Found), s.takeAtOnce(ctx, p)
	}
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		if err := limited(tx, bucket{"keys in leak reports around " + around, len(texts), textsRange}, bucket{"leak reports", 1, perPortal}, bucket{"keys in leak reports", len(texts), textsPortal}); err != nil {
			return err
		}
		return job.Queue(tx, JobKind, "", p, tx.Now)
	})
	if db.Full(err) {
		err = s.takeAtOnce(ctx, p)
	}
	return len(p.Found), err
}

// fullPerMinute is how many reports a process takes in a minute while the disk is full and what the limits count can't be written.
const fullPerMinute = 60

// takeAtOnce takes a report while the disk is full: no job can be queued for it, and what a stranger makes up must not use up the room that is kept for what is
// urgent. A text that is no key writes nothing, and gets the same answer. Faults: RateLimited.
func (s *Store) takeAtOnce(ctx context.Context, p payload) error {
	if !s.whileFull.take(s.db.MachineNow()) {
		return fault.Later(time.Minute, "Too many reports came in. Wait an hour, then try again.")
	}
	return s.db.Tx(db.Urgent(ctx), func(tx *db.Tx) error {
		_, err := s.take(tx, actor.ForSystem(), p)
		return err
	})
}

// minutely counts what a process does in a minute.
type minutely struct {
	mu    sync.Mutex
	began time.Time
	n     int
}

func (m *minutely) take(now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now.Sub(m.began).Abs() >= time.Minute {
		m.began, m.n = now, 0
	}
	m.n++
	return m.n <= fullPerMinute
}

// bucket is what a limit counts, and how much of it is taken.
type bucket struct {
	name     string
	n, limit int
}

// limited takes of the buckets, always in this order.
func limited(tx *db.Tx, all ...bucket) error {
	for _, b := range all {
		ok, err := account.TakeManyTx(tx, b.name, b.n, b.limit, limitWindow)
		if err != nil {
			return err
		}
		if !ok {
			return fault.Later(limitWindow, "Too many reports came in. Wait an hour, then try again.")
		}
	}
	return nil
}

// Job looks up what was handed in, and does what the policy says: one act, however many keys it holds. Doing it again does nothing.
func (s *Store) Job(ctx context.Context, raw json.RawMessage) error {
	var p payload
	if err := json.Unmarshal(raw, &p); err != nil {
		return err
	}
	return s.db.Tx(db.Urgent(ctx), func(tx *db.Tx) error {
		_, err := s.take(tx, actor.ForSystem(), p)
		return err
	})
}

// network is whom a limit counts: the network of an address of so many bits.
func network(addr netip.Addr, v4, v6 int) string {
	addr = addr.Unmap().WithZone("")
	bits := v6
	if addr.Is4() {
		bits = v4
	}
	return netip.PrefixFrom(addr, bits).Masked().String()
}

// cleaned is what is kept of others' words: no key, nothing that draws odd, and not too much.
func cleaned(words string, most int) string {
	words = strings.TrimSpace(audit.Clean(words))
	if r := []rune(words); len(r) > most {
		words = string(r[:most])
	}
	return words
}

// keyIDs finds the keys of the digests and marks, by these. It asks the same of every text of a form, whether or not it is a key.
func (s *Store) keyIDs(tx *db.Tx, all []found) (map[string]db.ID, error) {
	var digests, marks [][]byte
	for _, f := range all {
		digests, marks = append(digests, f.Digests...), append(marks, f.Marks...)
	}
	out := map[string]db.ID{}
	type row struct {
		ID     db.ID
		Digest []byte
	}
	note := func(rows []row, err error) error {
		for _, r := range rows {
			out[string(r.Digest)] = r.ID
		}
		return err
	}
	for part := range slices.Chunk(digests, 200) {
		var rows []row
		err := tx.Raw("SELECT k.id, k.digest FROM keys k WHERE k.digest_algorithm = ? AND k.pepper_version IN ? AND k.digest IN ?", apikey.AlgorithmHMACSHA256, s.versions, part).Scan(&rows).Error
		if err := note(rows, err); err != nil {
			return nil, err
		}
	}
	for part := range slices.Chunk(marks, 200) {
		var rows []row
		err := tx.Raw(`SELECT k.id, k.import_mark AS digest FROM keys k JOIN key_imports i ON i.id = k.import_id WHERE i.finished_at IS NOT NULL AND k.import_mark IN ?`, part).Scan(&rows).Error
		if err := note(rows, err); err != nil {
			return nil, err
		}
	}
	return out, nil
}
