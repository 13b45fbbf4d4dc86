// Package leak is what happens when keys are reported as leaked: an incident for each, with where it was reported; what is done about it by policy;
// and what the key's people decide. A reported key's text ends here: it is digested as it comes in, and nothing of it is kept (K1, K9, K11).
package leak

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// How ids are shown.
const (
	IncidentPrefix = "inc"
	ReportPrefix   = "rep"
)

// Options of a Store. All are required.
type Options struct {
	DB     *db.DB
	Keys   *key.Store
	Outbox *outbox.Outbox
	Root   *secret.Root             // pepper of digests
	Brand  string                   // how every key begins
	Link   func(path string) string // absolute address of a page, for mails (W6)
}

// Store keeps incidents. Safe for concurrent use.
type Store struct {
	db        *db.DB
	keys      *key.Store
	outbox    *outbox.Outbox
	whileFull minutely
	digesters []*apikey.Digester // of every pepper
	versions  []string
	brand     string
	link      func(path string) string
	also      func(tx *db.Tx, a actor.Actor, digests [][]byte) (map[string]bool, error)
}

// Also has fn asked, in the transaction that takes a report, about texts of our form that are no keys: it does what is to be done about those that are something else
// of ours, and tells which digests are of such. It is called while the program is put together.
func (s *Store) Also(fn func(tx *db.Tx, a actor.Actor, digests [][]byte) (map[string]bool, error)) {
	s.also = fn
}

// NewStore makes a store.
func NewStore(o Options) *Store {
	s := &Store{db: o.DB, keys: o.Keys, outbox: o.Outbox, versions: o.Root.Versions(), brand: o.Brand, link: o.Link}
	for i, pepper := range o.Root.Keys(secret.LabelKeyPepper) {
		s.digesters = append(s.digesters, apikey.NewDigester(apikey.Pepper{Version: s.versions[i], Key: pepper}))
	}
	return s
}

// Source says who sent a report.
type Source string

// The sources.
const (
	GitHub Source = "github" // signed by GitHub
	Page   Source = "page"   // somebody, at /found-a-key
	API    Source = "api"    // somebody's program
)

// Incident is one leak of a key.
type Incident struct {
	ID         db.ID
	KeyID      db.ID
	OpenedAt   time.Time
	ReportedAt time.Time // the last report
	Reports    int
	News       int // of these, how many said something new: who decides must have read as much
	Done       Done
	RevokeAt   *time.Time // when the notice ends; nil once that is settled, and when there is none
	ResumedAt  *time.Time
	ClosedAt   *time.Time
	ClosedBy   *db.ID
	ClosedWord string
}

// Done is what was done about the key at once.
type Done string

// What can have been done.
const (
	Revoked Done = "revoked"
	Paused  Done = "paused"
	Nothing Done = "nothing" // the policy leaves such keys alone
	Over    Done = "over"    // it was revoked, expired or deleted before
)

// Open reports whether nobody has closed the incident.
func (i Incident) Open() bool { return i.ClosedAt == nil }

// Report is one report of the key.
type Report struct {
	IncidentID db.ID
	ReportID   db.ID // the same for all keys that were sent together
	Source     Source
	Place      string // where the sender found it: words of a person, or the kind of place that GitHub names
	URL        string // as GitHub or a program gave it
	At         time.Time
}

// MaxReports is how many reports of one incident are kept: the last ones. All are counted.
const MaxReports = 50

// found is a key-shaped text that was reported, as its digests under each pepper, and, of the form of imported keys, as the marks that it would have: nothing of the
// text is left.
type found struct {
	Digests [][]byte `json:"digests"`
	Marks   [][]byte `json:"marks,omitempty"`
	Place   string   `json:"place,omitempty"`
	URL     string   `json:"url,omitempty"`
}

// forms are those of the keys that there can be: our own, and those of imported ones, whatever their prefix.
type forms struct {
	brand   string
	foreign []apikey.Form
	finder  *apikey.Finder
}

// forms reads them. It is one query, whatever was reported.
func (s *Store) forms(ctx context.Context) (forms, error) {
	all, err := s.keys.Loader().LoadForms(ctx)
	shapes := make([]apikey.Shape, len(all))
	for i := range all {
		shapes[i] = all[i].Shape
	}
	return forms{s.brand, all, apikey.NewFinder(shapes...)}, err
}

// in finds texts of the forms in texts, our own of each first, each once and at most most of them: what is done with each is bounded by that, however many stand there.
func (f forms) in(most int, texts ...string) []apikey.Secret {
	var all [][]apikey.Found
	for _, text := range texts {
		own := slices.DeleteFunc(apikey.Find(text), func(one apikey.Found) bool { return !apikey.Check(f.brand, one.Key.Reveal()) })
		all = append(all, own, f.finder.Find(text))
	}
	return apikey.Distinct(most, all...)
}

// without is an address with the hint in the place of the key, however it is written there, and of every other text of our own form.
func (f forms) without(address string, key apikey.Secret) string {
	found := f.finder.Find(address)
	for _, one := range slices.Backward(found) {
		if secret.Equal(one.Key.Reveal(), key.Reveal()) {
			address = address[:one.Start] + key.Hint() + address[one.End:]
		}
	}
	return strings.ReplaceAll(apikey.Mask(address), key.Reveal(), key.Hint())
}

// found digests a text. How many digests and marks there are depends on its form alone.
func (s *Store) found(f forms, text string) found {
	var out found
	for _, d := range s.digesters {
		sum := d.Sum(text)
		out.Digests = append(out.Digests, sum[:])
	}
	out.Marks, _ = s.keys.ImportMarks(f.foreign, text)
	return out
}

// lock is what a SELECT ends with to keep its rows as they are until the commit; SQLite has one writer anyway.
func lock(tx *db.Tx) string {
	if tx.Home.Dialect == db.Postgres {
		return " FOR UPDATE"
	}
	return ""
}
