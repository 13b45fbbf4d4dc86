package leak

import (
	"context"
	"crypto/sha256"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Match is one match of a signed report by GitHub.
type Match struct {
	Token  string
	URL    string // where it was found; may be empty
	Source string // the kind of place, such as commit
}

// MaxMatches is the most of one signed report.
const MaxMatches = 5000

// Deliver takes a report whose signature was found to be GitHub's, does what the policy says, and tells for each match whether it was ever a key of
// this portal, dead ones too. The same body is taken once. Faults: Conflict for a body that was taken before, Invalid for too many matches.
func (s *Store) Deliver(ctx context.Context, body []byte, matches []Match) ([]bool, error) {
	if len(matches) > MaxMatches {
		return nil, fault.BadField("", "A report has at most %d matches.", MaxMatches)
	}
	known, err := s.forms(ctx)
	if err != nil {
		return nil, err
	}
	p := payload{ReportID: db.NewID(), Source: GitHub, Found: make([]found, 0, len(matches))}
	for _, m := range matches {
		p.Found = append(p.Found, s.matched(known, m))
	}
	digest := sha256.Sum256(body)
	var real []bool
	err = s.db.Tx(db.Urgent(ctx), func(tx *db.Tx) error {
		// The digest does not come first: gorm takes bytes right behind a parenthesis for a list.
		n, err := tx.Run("INSERT INTO leak_deliveries (at, digest) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING", tx.Now, digest[:])
		if err != nil {
			return err
		}
		if n == 0 {
			return &fault.Error{Kind: fault.Conflict, Code: "REPLAYED", Key: "This report was taken before."}
		}
		real, err = s.take(tx, actor.Actor{Kind: actor.System, Name: "GitHub"}, p)
		return err
	})
	return real, err
}

// matched digests a match. GitHub sends the key alone; a key in something longer is found too.
func (s *Store) matched(known forms, m Match) found {
	text, url := strings.TrimSpace(m.Token), m.URL
	if in := known.in(1, text); len(in) > 0 { // an address may hold the key itself
		text, url = in[0].Reveal(), known.without(url, in[0])
	} else if text != "" { // of no form that is known: how much of it may be shown isn't, either
		url = strings.ReplaceAll(url, text, "…")
	}
	out := s.found(known, text)
	out.Place, out.URL = cleaned(m.Source, 60), cleaned(url, 500)
	return out
}

// deliveryLife is for how long a signed body is refused when it comes again. By then GitHub has changed its keys, and what it named is dead.
const deliveryLife = 400 * 24 * time.Hour

// Sweep forgets signed bodies of long ago. It is a job.
func (s *Store) Sweep(ctx context.Context) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Run("DELETE FROM leak_deliveries WHERE at < ?", tx.Now.Add(-deliveryLife))
		return err
	})
}
