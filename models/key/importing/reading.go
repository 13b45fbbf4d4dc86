package importing

import (
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// read checks the whole file; its good keys are those to import, and its spec is the one to keep.
func (s *Store) read(g *gorm.DB, a actor.Actor, spec Spec, file io.Reader) (reading, error) {
	if !key.MayImport(a) {
		return reading{}, fault.Lacking(string(permission.StaffKeysImport), "")
	}
	shape, err := spec.check()
	if err == nil && s.keys.OwnForm(spec.Prefix) {
		err = fault.BadField("prefix", "Keys of this portal begin so. A key that another gateway made with this prefix can’t be told from a mistyped one.")
	}
	if err == nil && looksOurs(shape) {
		err = fault.BadField("prefix", "Ids of this portal have this form. Every text with one would be refused as if it held a key, so such keys can’t be imported: give their programs new ones.")
	}
	if err == nil {
		err = roomForForm(g, shape)
	}
	if err != nil {
		return reading{}, err
	}
	if err := s.room(g, spec); err != nil {
		return reading{}, err
	}
	r := reading{spec: spec, shape: shape, finder: apikey.NewFinder(shape), importer: s.keys.NewImporter(g, s.db.Now()), seen: map[apikey.Digest]int{}, now: s.db.Now()}
	r.report.Bits = shape.Bits()
	err = each(file, r.add)
	if err == nil {
		err = r.known()
	}
	if errors.Is(err, errFile) {
		err = fault.BadField("file", "The file can’t be read: %s.", strings.TrimPrefix(audit.Clean(err.Error()), errFile.Error()+": "))
	}
	if errors.Is(err, errKeys) {
		err = fault.BadField("file", "This file holds keys themselves. Digest them where they are, and hand over the digests alone.")
	}
	return r, err
}

type reading struct {
	spec     Spec
	shape    apikey.Shape
	finder   *apikey.Finder // of texts of the shape
	importer *key.Importer
	seen     map[apikey.Digest]int // at which line
	now      time.Time
	good     []key.Imported
	lines    []int
	report   Report
}

func (r *reading) wrong(line int, problems ...fault.Problem) {
	r.report.Wrong++
	for _, p := range problems {
		if len(r.report.Problems) < maxProblems {
			r.report.Problems = append(r.report.Problems, Problem{line, p})
		}
	}
}

func (r *reading) add(rec record) error {
	if r.report.Keys++; r.report.Keys > MaxKeys {
		return fault.BadField("file", "A file holds at most %d keys. Import it in parts.", MaxKeys)
	}
	var bad fault.Problems
	sum, ok := digest(rec.Digest)
	bad.Check(ok, "digest", "A digest is 32 bytes in hex or base64.")
	if first, twice := r.seen[sum]; ok && twice {
		bad.Add("digest", "This key stands at %d already.", first)
	}
	r.seen[sum] = rec.Line
	bad.Check(!rec.Off, "enabled", "This key is switched off where it was made. Leave it out.")
	bad.Check(!rec.Unsettled, "pending_migration_id", "Its maker took this key over and has not digested it anew: the digest is not that of its whole text. Leave it out.")
	bad.Check(!r.holdsKey(rec.Name, sum) && !r.holdsKey(rec.Metadata, sum), "name", "This holds an API key. Take it out, and rotate the key if others saw it.")
	bad.Check(rec.LastFour == "" || len(rec.LastFour) == 4, "last_four", "These are four characters, or none.")
	app, err := db.ParseID("app", or(rec.App, r.spec.App))
	bad.Check(err == nil, "app", "There is no such app.")
	wish := key.CreateRequest{AppID: app, Environment: or(rec.Environment, r.spec.Environment, "live"), Name: rec.Name, Pairs: pairs(or(rec.Grants, r.spec.Grants)), Bounds: key.BoundsForm{Metadata: rec.Metadata}}
	ends, ok := expiry(rec.Expires)
	bad.Check(ok, "expires", "A moment is written like 2027-02-19T00:00:00Z.")
	bad.Check(ends == nil || ends.After(r.now), "expires", "This key is over.")
	if len(bad) > 0 {
		r.wrong(rec.Line, bad...)
		return nil
	}
	if r.spec.Algorithm == Keyed {
		sum = apikey.KeyedKept([]byte(r.spec.Secret), sum)
	}
	k, err := r.importer.Check(wish, ends, sum, rec.LastFour)
	if f := fault.As(err); f != nil && f.Kind == fault.Invalid {
		r.wrong(rec.Line, f.Problems...)
		return nil
	}
	if err != nil {
		return err
	}
	r.good, r.lines = append(r.good, k), append(r.lines, rec.Line)
	return nil
}

// holdsKey reports whether words hold the text of a key of the import, which is kept nowhere (K1). Without a distinctive prefix a text is one when the digest says so.
func (r *reading) holdsKey(words string, sum apikey.Digest) bool {
	for _, f := range r.finder.Find(words) {
		text := f.Key.Reveal()
		if r.shape.Distinctive() || r.spec.Algorithm == Plain && apikey.PlainSum(text) == sum || r.spec.Algorithm == Keyed && apikey.Sum([]byte(r.spec.Secret), text) == sum {
			return true
		}
	}
	return false
}

// known takes those out that were imported before: they stay as they are.
func (r *reading) known() error {
	var fresh []key.Imported
	at := 0
	for part := range slices.Chunk(r.good, knownAtOnce) {
		digests := make([]apikey.Digest, len(part))
		for i := range part {
			digests[i] = part[i].Digest
		}
		known, err := r.importer.Known(digests)
		if err != nil {
			return err
		}
		for i := range part {
			here, ok := known[part[i].Digest]
			if !ok {
				fresh = append(fresh, part[i])
				continue
			}
			if r.report.Known++; len(r.report.Here) < maxProblems {
				r.report.Here = append(r.report.Here, Here{r.lines[at+i], here.ID, here.RevokedAt != nil})
			}
		}
		at += len(part)
	}
	if r.report.Known > 0 {
		r.good = fresh
	}
	r.report.Good = len(r.good)
	return nil
}

func or(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func pairs(text string) []key.Pair {
	var out []key.Pair
	for _, one := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ';' || r == ',' }) {
		api, scope, _ := strings.Cut(one, "/")
		out = append(out, key.Pair{API: api, Scope: scope})
	}
	return out
}
