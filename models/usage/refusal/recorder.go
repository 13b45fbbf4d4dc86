package refusal

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
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
	MostOfOrg   = 600   // refusals a minute of one organization's keys; of calls with no key that is known, together
	MostOfAll   = 6_000 // refusals a minute
	mostWaiting = 6_000 // refusals in memory while the database is away
	mostCells   = 4_096 // apps, APIs and codes that are counted apart within a minute
	// MostRows is how many are kept in all: what is beyond goes, the oldest first, also when it is younger than Keep.
	MostRows = 500_000
	// MostRowsOfOrg is how many are kept of one organization, and of calls with no key that is known: nobody washes away what others have to read.
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
	orgs    map[keyring.ID]int // as many as cells at most
	waiting []Record
	left    map[missed]int64

	flushing sync.Mutex
	failing  bool
}

// NewRecorder returns a Recorder that writes to d. Log may be nil.
func NewRecorder(d *db.DB, log *slog.Logger) *Recorder {
	if log == nil {
		log = slog.Default()
	}
	return &Recorder{db: d, log: log, cells: map[Subject]int{}, orgs: map[keyring.ID]int{}, left: map[missed]int64{}}
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
		clear(r.orgs)
	}
	n, known := r.cells[*s]
	if !known && len(r.cells) >= mostCells || n >= MostOfOne || r.orgs[s.Org] >= MostOfOrg || r.taken >= MostOfAll || len(r.waiting) >= mostWaiting {
		r.miss(s)
		return false
	}
	r.cells[*s] = n + 1
	r.orgs[s.Org]++
	r.taken++
	return true
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

// Flush writes what waits. What can't be written now waits for the next, within the bounds of memory; a refusal that is written twice counts once.
func (r *Recorder) Flush(ctx context.Context) error {
	r.flushing.Lock()
	defer r.flushing.Unlock()
	r.mu.Lock()
	waiting, left := r.waiting, r.left
	if len(waiting)+len(left) == 0 {
		r.mu.Unlock()
		return nil
	}
	r.waiting, r.left = nil, map[missed]int64{}
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	err := r.db.Tx(ctx, func(tx *db.Tx) error {
		for part := range slices.Chunk(waiting, atOnce) {
			if err := write(tx, part); err != nil {
				return err
			}
		}
		return writeLeft(tx, left)
	})
	if err != nil {
		r.putBack(waiting, left)
	}
	r.tell(err)
	return err
}

// putBack keeps what could not be written, as far as there is room.
func (r *Recorder) putBack(waiting []Record, left map[missed]int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	room := max(0, min(len(waiting), mostWaiting-len(r.waiting)))
	for _, rec := range waiting[:len(waiting)-room] { // the oldest
		m := missed{rec.At.Unix() / 60, Subject{rec.App, rec.Org, rec.API, rec.Publisher, rec.Code}}
		left[m]++
	}
	r.waiting = append(waiting[len(waiting)-room:], r.waiting...)
	for m, n := range left {
		if _, known := r.left[m]; !known && len(r.left) >= mostCells {
			m.Subject = Subject{Code: m.Code}
		}
		r.left[m] += n
	}
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

const columnsWritten = 19

func write(tx *db.Tx, part []Record) error {
	args := make([]any, 0, len(part)*columnsWritten)
	for _, rec := range part {
		seen, err := json.Marshal(rec.Seen)
		if err != nil {
			return err
		}
		args = append(args, db.NewID(), rec.RequestID, rec.At, db.ID(rec.Key), db.ID(rec.App), db.ID(rec.Org), db.ID(rec.API), db.ID(rec.Publisher),
			rec.Environment.String(), string(rec.Door), rec.Code, rec.Cause.String(), clean(rec.Detail, longestText), rec.Status,
			clean(rec.Method, 32), clean(rec.Path, longestPath), rec.Address, clean(rec.Origin, longestText), apikey.Mask(string(seen)))
	}
	_, err := tx.Run(`INSERT INTO refusals (id, request_id, at, key_id, app_id, organization_id, api_id, publisher_id, environment, door, code, cause, detail, status,
		method, path, address, origin, seen) VALUES `+db.Rows(columnsWritten, len(part))+" ON CONFLICT (request_id) DO NOTHING", args...)
	return err
}

// writeLeft adds up what was left out, in one order, so that two replicas take row locks alike.
func writeLeft(tx *db.Tx, left map[missed]int64) error {
	all := make([]missed, 0, len(left))
	for m := range left {
		all = append(all, m)
	}
	slices.SortFunc(all, missed.compare)
	for part := range slices.Chunk(all, atOnce) {
		var args []any
		for _, m := range part {
			args = append(args, time.Unix(m.minute*60, 0).UTC(), db.ID(m.App), db.ID(m.Org), db.ID(m.API), db.ID(m.Publisher), m.Code, left[m])
		}
		_, err := tx.Run(`INSERT INTO refusals_left_out (minute, app_id, organization_id, api_id, publisher_id, code, refusals) VALUES `+db.Rows(7, len(part))+
			` ON CONFLICT (minute, app_id, api_id, code, organization_id, publisher_id) DO UPDATE SET refusals = refusals_left_out.refusals + excluded.refusals`, args...)
		if err != nil {
			return err
		}
	}
	return nil
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
