package guide

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// MaxWords is how long a remark on a page may be, in characters.
const MaxWords = 1000

// RatingPrefix begins the shown id of a rating.
const RatingPrefix = "rat"

// Rating is what somebody said of a page.
type Rating struct {
	ID        db.ID
	Path      string
	Helpful   bool
	Words     string
	Language  string
	CreatedAt time.Time
	Yes       int64 // of the page in all
	No        int64
}

// RatingInput is a vote. Visitor names the browser of who is not signed in.
type RatingInput struct {
	Path     string
	Helpful  bool
	Words    string
	Language string
	Visitor  string
}

// Limits of ratings: of a person, and of all people of one network who are not signed in.
var (
	ratesOfPerson  = ratelimit.Limit{Requests: 30, Period: time.Hour, Burst: 30}
	ratesOfNetwork = ratelimit.Limit{Requests: 20, Period: time.Hour, Burst: 20}
)

// Rate keeps one vote of a person or a browser on a page; a later one takes its place. Faults: Invalid, RateLimited.
func (s *Store) Rate(ctx context.Context, a actor.Actor, in RatingInput) error {
	in.Words = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' || r == utf8.RuneError {
			return -1
		}
		return r
	}, in.Words))
	var p fault.Problems
	p.Check(utf8.RuneCountInString(in.Words) <= MaxWords, "words", "At most %d characters.", MaxWords)
	audit.NoKey(&p, "words", in.Words)
	if err := p.Err(); err != nil {
		return err
	}
	if err := s.mayRate(ctx, a); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		query, user, visitor := rateAsVisitor, any(nil), any(in.Visitor)
		if a.SignedIn() {
			query, user, visitor = rateAsPerson, a.UserID, nil
		}
		if _, err := tx.Run(query, db.NewID(), in.Path, in.Helpful, in.Words, in.Language, user, visitor, tx.Now); err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.PageRated, TargetKind: "page", Details: map[string]string{"path": in.Path}})
		return nil
	})
}

const (
	rate          = `INSERT INTO page_ratings (id, path, helpful, words, language, user_id, visitor, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT `
	rateAgain     = ` DO UPDATE SET helpful = excluded.helpful, words = excluded.words, language = excluded.language, created_at = excluded.created_at`
	rateAsPerson  = rate + "(user_id, path) WHERE user_id IS NOT NULL" + rateAgain
	rateAsVisitor = rate + "(visitor, path) WHERE visitor IS NOT NULL" + rateAgain
)

// Rated tells whether the actor, or the browser that visitor names, has said of a page that it helped, or that it did not.
func (s *Store) Rated(ctx context.Context, a actor.Actor, path, visitor string) (yes, no bool, err error) {
	query, who := "SELECT helpful FROM page_ratings WHERE path = ? AND visitor = ?", any(visitor)
	if a.SignedIn() {
		query, who = "SELECT helpful FROM page_ratings WHERE path = ? AND user_id = ?", a.UserID
	} else if visitor == "" {
		return false, false, nil
	}
	var rows []bool
	if err := s.db.Read(ctx).Raw(query, path, who).Scan(&rows).Error; err != nil || len(rows) == 0 {
		return false, false, err
	}
	return rows[0], !rows[0], nil
}

// Kinds of buckets.
const (
	personBucket = iota + 1
	networkBucket
)

func (s *Store) mayRate(ctx context.Context, a actor.Actor) error {
	ask := ratelimit.Ask{Key: ratelimit.KeyOf(personBucket, a.UserID.String()), Limit: ratesOfPerson}
	if !a.SignedIn() {
		bits := 24
		if a.Address.Is6() && !a.Address.Is4In6() {
			bits = 48
		}
		network, _ := a.Address.Unmap().Prefix(bits) // the zero network for no address
		ask = ratelimit.Ask{Key: ratelimit.KeyOf(networkBucket, network.String()), Limit: ratesOfNetwork}
	}
	if r := s.limiter.Take(ctx, s.now(), 1, ask, ratelimit.Ask{}); !r.Allowed {
		return &fault.Error{Kind: fault.RateLimited, RetryAfter: r.RetryAfter}
	}
	return nil
}

// NotHelpful lists the votes against pages with their words, newest first, for staff who read questions. path narrows it. Faults: Forbidden.
func (s *Store) NotHelpful(ctx context.Context, a actor.Actor, path string, page db.PageRequest) (db.Page[Rating], error) {
	if !permission.Staff(a.StaffRole, permission.StaffQuestionsRead) {
		return db.Page[Rating]{}, fault.Lacking(string(permission.StaffQuestionsRead), "")
	}
	return db.List(ctx, s.db, db.Listing[Rating]{
		Name: "ratings/" + path,
		Select: `SELECT r.id, r.path, r.helpful, r.words, r.language, r.created_at, (SELECT COUNT(*) FROM page_ratings y WHERE y.path = r.path AND y.helpful) AS yes,
			(SELECT COUNT(*) FROM page_ratings n WHERE n.path = r.path AND NOT n.helpful) AS no FROM page_ratings r WHERE NOT r.helpful AND (? = '' OR r.path = ?)`,
		Args: []any{path, path}, IDExpr: "r.id", ID: func(r Rating) db.ID { return r.ID },
		Sorts: map[string]db.Sort[Rating]{"created": {Expr: "r.created_at", Value: func(r Rating) any { return r.CreatedAt }}}, Default: "-created",
	}, page)
}
