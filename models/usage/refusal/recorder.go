package refusal

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Bounds of what one process keeps of a storm. What is beyond is counted.
const (
	MostOfOne   = 60    // refusals a minute of one app at one API with one code; of unknown keys, of one API with one code
	MostOfOrg   = 600   // refusals a minute of one organization's keys; at one publisher's APIs, of calls with no key that is known
	MostOfNone  = 120   // refusals a minute that are of no organization and at nobody's API
	MostOfAll   = 6_000 // refusals a minute; nobody gets more of them than are left, so that whoever has many stops first
	leastOfOrg  = 20    // refusals a minute that are kept of an owner although those are taken, as long as spare lasts
	spare       = 2_000
	mostWaiting = MostOfAll + spare // refusals in memory while the database is away
	mostCells   = 4_096             // apps, APIs and codes that are counted apart within a minute
	// MostRows is how many are kept in all: what is beyond goes, of those who have most, the oldest first, also when it is younger than Keep.
	MostRows = 500_000
	// MostRowsOfOrg is how many are kept of one organization, and of calls with no key that is known at one publisher's APIs: nobody washes away what others have to read.
	MostRowsOfOrg = MostRows / 20
)

const (
	flushEvery   = time.Second
	flushTimeout = 30 * time.Second
	atOnce       = 200 // rows of one statement
	longestPath  = 512 // bytes
	longestText  = 256
)

// Record is a refusal as the edge saw it. Its texts may lie in memory that is used again: Put copies them.
type Record struct {
	RequestID                     string
	At                            time.Time
	Key, App, Org, API, Publisher keyring.ID // zero where unknown
	Environment                   keyring.Environment
	Door                          Door
	Code                          string
	Cause                         keyring.Cause
	Detail                        string
	Status                        int
	Method, Path, Address, Origin string
	Seen                          keyring.Seen
}

// Subject is what a storm is counted by.
type Subject struct {
	App, Org, API, Publisher keyring.ID
	Code                     string
}

// owner is whose refusals a storm takes away: of a known key its organization, else who publishes the API.
type owner struct{ org, publisher keyring.ID }

func (s *Subject) owner() owner {
	if s.Org != (keyring.ID{}) {
		return owner{org: s.Org}
	}
	return owner{publisher: s.Publisher}
}

// missed is what was left out, by minute and Subject.
type missed struct {
	minute int64
	Subject
}

// Recorder keeps refusals until they are written. A nil Recorder wants none. It is safe for concurrent use; Wants takes a short lock and allocates
// nothing for a subject that it has counted in this minute.
type Recorder struct {
	db  *db.DB
	log *slog.Logger

	mu      sync.Mutex
	minute  int64
	taken   int
	cells   map[Subject]int
	owners  map[owner]int // as many as cells at most
	waiting []Record
	left    map[missed]int64
	held    int // records of queue
	kept    uint64
	leftOut uint64

	flushing sync.Mutex
	queue    []*batch // taken out of what waits, and not known to be written
	failing  bool
	dir      string
	file     *waitingFile // nil while there is none
	looked   time.Time
	fileErr  error             // the last of file, so that it is told once
	told     map[string]string // why files are not taken in, so that it is told once
}

// State is what became of refusals since the start.
type State struct {
	Kept, LeftOut uint64 // written
	Waiting       int    // for the database
}

// State tells what became of refusals since the start.
func (r *Recorder) State() State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return State{Kept: r.kept, LeftOut: r.leftOut, Waiting: len(r.waiting) + r.held}
}

// NewRecorder returns a Recorder that writes to d. Log may be nil.
func NewRecorder(d *db.DB, log *slog.Logger) *Recorder {
	if log == nil {
		log = slog.Default()
	}
	return &Recorder{db: d, log: log, cells: map[Subject]int{}, owners: map[owner]int{}, left: map[missed]int64{}}
}

// Wants reports whether a refusal of s is to be Put; otherwise it is counted as left out. Ask once for each.
func (r *Recorder) Wants(now time.Time, s *Subject) bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if minute := now.Unix() / 60; minute > r.minute {
		r.minute, r.taken = minute, 0
		clear(r.cells)
		clear(r.owners)
	}
	n, known := r.cells[*s]
	o := s.owner()
	if !known && len(r.cells) >= mostCells || n >= MostOfOne || r.owners[o] >= r.mostOf(o) || len(r.waiting)+r.held >= mostWaiting {
		r.miss(s)
		return false
	}
	r.cells[*s] = n + 1
	r.owners[o]++
	r.taken++
	return true
}

// mostOf is how many an owner may have within this minute, as it stands.
func (r *Recorder) mostOf(o owner) int {
	most := MostOfOrg
	if o == (owner{}) {
		most = MostOfNone
	}
	if r.taken >= MostOfAll+spare {
		return 0
	}
	return min(most, max(leastOfOrg, MostOfAll-r.taken))
}

// miss counts a refusal that is not kept. Where there are too many kinds of them they are counted together, by no app.
func (r *Recorder) miss(s *Subject) {
	m := missed{r.minute, *s}
	if _, known := r.left[m]; !known && len(r.left) >= mostCells {
		m.Subject = Subject{Code: s.Code}
	}
	r.left[m]++
}

// Put keeps a refusal that Wants wanted. It never blocks. Of a long text it keeps twice as much as is written, so that a key in what is written is whole
// when it is searched for.
func (r *Recorder) Put(rec Record) {
	for _, text := range []*string{&rec.RequestID, &rec.Method, &rec.Path, &rec.Origin, &rec.Detail} {
		*text = strings.Clone((*text)[:min(len(*text), 2*longestPath)])
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = append(r.waiting, rec)
}

// Run writes each second until ctx ends, and then once more.
func (r *Recorder) Run(ctx context.Context) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		_ = r.Flush(ctx) // it has said what went wrong
		select {
		case <-tick.C:
			continue
		case <-ctx.Done():
		}
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
		defer cancel()
		_ = r.Flush(last)
		return
	}
}

// Flush writes what waits. What can't be written now waits for the next, within the bounds of memory, and in a file where KeepingIn named a folder; what is
// written twice counts once.
func (r *Recorder) Flush(ctx context.Context) error {
	r.flushing.Lock()
	defer r.flushing.Unlock()
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	err := r.settle(ctx) // first what may be written already
	switch {
	case err != nil:
		r.take(false)
	case r.take(false):
		err = r.settle(ctx)
	}
	r.keep()
	r.tell(err)
	if err == nil {
		r.takeIn(ctx)
	}
	return err
}

// take makes a batch of what waits; false when nothing does. While others wait to be written, numbers of what was left out stay where they are counted
// once there are many, unless all is wanted.
func (r *Recorder) take(all bool) bool {
	cells := 0
	for _, b := range r.queue {
		cells += len(b.left)
	}
	r.mu.Lock()
	b := &batch{id: db.NewID(), minute: r.minute}
	waiting := r.waiting
	r.waiting = nil
	r.held += len(waiting)
	if all || len(r.queue) == 0 || cells+len(r.left) <= mostCells {
		b.left, r.left = r.left, map[missed]int64{}
	}
	r.mu.Unlock()
	if len(waiting)+len(b.left) == 0 {
		return false
	}
	b.rows = entriesOf(waiting)
	r.queue = append(r.queue, b)
	return true
}

// settle writes the queue. What fails stays as it is: nobody knows whether its commit went well.
func (r *Recorder) settle(ctx context.Context) error {
	for len(r.queue) > 0 {
		part := together(r.queue)
		if err := writeAll(ctx, r.db, part); err != nil {
			return err
		}
		r.mu.Lock()
		for _, b := range part {
			r.kept += uint64(len(b.rows))
			r.held -= len(b.rows)
			for _, n := range b.left {
				r.leftOut += uint64(max(0, n))
			}
		}
		r.mu.Unlock()
		r.queue = r.queue[len(part):]
	}
	r.queue = nil
	return nil
}

// tell logs the first failure of a row, and its end.
func (r *Recorder) tell(err error) {
	switch {
	case err != nil && !r.failing:
		r.log.Warn("refusals can’t be written; they wait", "error", err)
	case err == nil && r.failing:
		r.log.Info("refusals are written again")
	}
	r.failing = err != nil
}

// clean is text as it may be kept: printable, without keys, and not too long.
func clean(text string, most int) string {
	if text == "" {
		return ""
	}
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '·'
		}
		return r
	}, strings.ToValidUTF8(text, "·"))
	text = apikey.Mask(text) // before anything is cut: half a key would not be known for one
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
