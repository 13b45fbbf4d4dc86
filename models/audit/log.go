package audit

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Filter narrows the log. Zero fields do not narrow.
type Filter struct {
	Act            string   // exact, or a noun and a dot for all of its acts
	Nouns          []string // acts of any of these nouns, each with its dot
	ActorID        db.ID
	TargetID       db.ID
	OrganizationID db.ID
	About          *About    // nil does not narrow
	From, To       time.Time // [From, To)
	Besides        string    // SQL of one more condition, of the caller's own making, and its arguments
	BesidesArgs    []any
}

// Entry is an event as it is read: with its personal values, where they are still kept.
type Entry struct {
	Row
	Facts map[string]string // details
	Who   map[string]string // personal values: actor, address, email…; an erased one is absent
}

// everything is what an empty filter is.
const everything = "1 = 1"

// where turns the filter into SQL that ends inside a WHERE.
func (f Filter) where() (string, []any) {
	q, args := []string{everything}, []any{}
	add := func(cond string, arg any) { q, args = append(q, cond), append(args, arg) }
	switch {
	case strings.HasSuffix(f.Act, "."):
		add("act LIKE ?", likeNoun(f.Act))
	case f.Act != "":
		add("act = ?", f.Act)
	}
	if len(f.Nouns) > 0 {
		either := make([]string, len(f.Nouns))
		for i, noun := range f.Nouns {
			either[i] = "act LIKE ?"
			args = append(args, likeNoun(noun))
		}
		q = append(q, "("+strings.Join(either, " OR ")+")")
	}
	if !f.ActorID.IsZero() {
		add("actor_id = ?", f.ActorID)
	}
	if !f.TargetID.IsZero() {
		add("target_id = ?", f.TargetID)
	}
	if !f.OrganizationID.IsZero() {
		add("organization_id = ?", f.OrganizationID)
	}
	if !f.From.IsZero() {
		add("at >= ?", f.From)
	}
	if !f.To.IsZero() {
		add("at < ?", f.To)
	}
	if f.Besides != "" {
		q, args = append(q, f.Besides), append(args, f.BesidesArgs...)
	}
	return strings.Join(q, " AND "), args
}

// query is SQL for the events that fit, that ends inside its WHERE; order is the one that goes on.
func (f Filter) query(dialect db.Dialect, order string) (string, []any) {
	where, args := f.where()
	if f.About == nil {
		return "SELECT * FROM audit_events WHERE " + where, args
	}
	from, about := f.About.source(dialect, order)
	return "SELECT * FROM " + from + " WHERE " + where, append(about, args...)
}

// whole reports whether the filter leaves nothing out.
func (f Filter) whole() bool {
	where, _ := f.where()
	return where == everything && f.About == nil
}

func likeNoun(noun string) string { return strings.NewReplacer("%", "", "_", "").Replace(noun) + "%" }

// List reads a page of the log, newest first. Who may read it is the caller's to check.
func List(ctx context.Context, d *db.DB, f Filter, r db.PageRequest) (db.Page[Entry], error) {
	order := "seq DESC"
	if r.After == "" && r.Before != "" {
		order = "seq"
	}
	query, args := f.query(d.Dialect, order)
	page, err := db.List(ctx, d, db.Listing[Row]{
		Name: "audit", Select: query, Args: args, IDExpr: "id", ID: func(r Row) db.ID { return r.ID },
		Sorts: map[string]db.Sort[Row]{"seq": {Expr: "seq", Value: func(r Row) any { return r.Seq }}}, Default: "-seq",
	}, r)
	if err != nil {
		return db.Page[Entry]{}, err
	}
	entries, err := withPersonal(ctx, d, page.Rows)
	return db.Page[Entry]{Rows: entries, Next: page.Next, Previous: page.Previous, Sort: page.Sort}, err
}

// Each calls fn for every event that fits, oldest first, in batches: for exports.
func Each(ctx context.Context, d *db.DB, f Filter, fn func(Entry) error) error {
	return eachBatch(ctx, d, f, func(rows []Row) error {
		entries, err := withPersonal(ctx, d, rows)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := fn(e); err != nil {
				return err
			}
		}
		return nil
	})
}

func eachBatch(ctx context.Context, d *db.DB, f Filter, fn func([]Row) error) error {
	query, args := f.query(d.Dialect, "seq")
	for last := int64(0); ; {
		var rows []Row
		err := d.Read(ctx).Raw(query+" AND seq > ? ORDER BY seq LIMIT ?", append(append([]any{}, args...), last, verifyBatch)...).Scan(&rows).Error
		if err != nil {
			return err
		}
		if err := fn(rows); err != nil {
			return err
		}
		if len(rows) < verifyBatch {
			return nil
		}
		last = rows[len(rows)-1].Seq
	}
}

func withPersonal(ctx context.Context, d *db.DB, rows []Row) ([]Entry, error) {
	byEvent, err := personalOf(ctx, d, rows)
	if err != nil {
		return nil, err
	}
	out := make([]Entry, len(rows))
	for i, r := range rows {
		e := Entry{Row: r, Facts: map[string]string{}, Who: map[string]string{}}
		if err := json.Unmarshal([]byte(r.Details), &e.Facts); err != nil {
			e.Facts = map[string]string{}
		}
		for _, p := range byEvent[r.ID] {
			e.Who[p.Field] = p.Value
		}
		out[i] = e
	}
	return out, nil
}
