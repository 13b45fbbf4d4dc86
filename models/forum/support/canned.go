package support

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/markdown"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum/follow"
	"github.com/gatehouse-dev/gatehouse/models/forum/trust"
	"github.com/gatehouse-dev/gatehouse/models/org"
)

// Bounds of canned replies.
const (
	MaxReply   = 10_000 // characters
	MaxReplies = 300
)

// Reply is a canned reply: Markdown with variables, see Fill.
type Reply struct {
	ID        db.ID
	Name      string
	Body      string
	UpdatedAt time.Time
}

// Replies lists all canned replies by name. Faults: Forbidden.
func (s *Store) Replies(ctx context.Context, a actor.Actor) ([]Reply, error) {
	if err := reads(a); err != nil {
		return nil, err
	}
	var rows []Reply
	err := s.db.Read(ctx).Raw("SELECT id, name, body, updated_at FROM canned_replies ORDER BY LOWER(name), id LIMIT ?", MaxReplies).Scan(&rows).Error
	return rows, err
}

// Reply reads one. Faults: Forbidden, NotFound.
func (s *Store) Reply(ctx context.Context, a actor.Actor, id db.ID) (Reply, error) {
	if err := reads(a); err != nil {
		return Reply{}, err
	}
	return one[Reply](s.db.Read(ctx), "SELECT id, name, body, updated_at FROM canned_replies WHERE id = ?", id)
}

func (r *Reply) check() error {
	var bad fault.Problems
	r.Name = org.CheckName(&bad, "name", r.Name)
	checkBody(&bad, r.Body, MaxReply)
	trust.NoKey(&bad, "name", r.Name)
	return bad.Err()
}

// checkBody notes what is wrong with Markdown in the field body.
func checkBody(bad *fault.Problems, body string, most int) {
	shown := ""
	switch n := utf8.RuneCountInString(strings.TrimSpace(body)); {
	case n == 0:
		bad.Add("body", "Enter the text.")
	case n > most:
		bad.Add("body", "It is %[1]d characters long; at most %[2]d fit.", n, most)
	default:
		d, err := markdown.Render(body, markdown.Options{MaxBytes: most * utf8.UTFMax})
		if err != nil {
			bad.Add("body", "This nests too deep or holds too many brackets. Make it simpler.")
		} else {
			shown = apikey.Shown(d.HTML())
		}
	}
	audit.NoKey(bad, "body", body, shown)
}

// SaveReply makes a canned reply, or changes it when it has an ID. Any staff who answer may. Faults: Forbidden, Invalid (name, body), NotFound, Conflict at MaxReplies.
func (s *Store) SaveReply(ctx context.Context, a actor.Actor, r Reply) (db.ID, error) {
	if err := answers(a); err != nil {
		return db.ID{}, err
	}
	if err := r.check(); err != nil {
		return db.ID{}, err
	}
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		id := r.ID
		if id.IsZero() {
			id = db.NewID()
			n, err := number(tx.DB, "SELECT COUNT(*) FROM canned_replies")
			if err != nil {
				return err
			}
			if n >= MaxReplies {
				return fault.New(fault.Conflict, "There are %d canned replies, which is the most. Delete one that nobody uses.", n)
			}
			if _, err := tx.Run("INSERT INTO canned_replies (id, name, body, created_by, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)", id, r.Name, r.Body, a.UserID, tx.Now, tx.Now); err != nil {
				return err
			}
		} else if err := changed(tx.Run("UPDATE canned_replies SET name = ?, body = ?, updated_at = ? WHERE id = ?", r.Name, r.Body, tx.Now, id)); err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.CannedReplySaved, TargetKind: "canned_reply", TargetID: id, Details: map[string]string{"name": r.Name}})
		r.ID = id
		return nil
	})
	if db.Duplicate(err) {
		return db.ID{}, fault.BadField("name", "There is one of this name already.")
	}
	return r.ID, err
}

// DeleteReply deletes a canned reply. Faults: Forbidden, NotFound.
func (s *Store) DeleteReply(ctx context.Context, a actor.Actor, id db.ID) error {
	if err := answers(a); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		audit.Record(tx, a, audit.Event{Act: audit.CannedReplyDeleted, TargetKind: "canned_reply", TargetID: id})
		return changed(tx.Run("DELETE FROM canned_replies WHERE id = ?", id))
	})
}

// changed is NotFound when a statement touched no row.
func changed(n int64, err error) error {
	if err == nil && n == 0 {
		return fault.Missing()
	}
	return err
}

// Values are what the variables of a canned reply stand for; an empty one is as unknown as one that there isn't.
type Values struct {
	Name, App, API string
	Guide          func(slug string) (title, address string, ok bool)
}

var variable = regexp.MustCompile(`\{([a-z_]+)(?::([^{}\s]+))?\}`)

// Fill puts values in the place of {name}, {app}, {api} and {guide:slug}; a guide becomes a link. What it doesn't know stays, and is listed once each.
// Names that people gave are escaped and lead nowhere: they are neither Markdown nor links.
func Fill(body string, v Values) (text string, unknown []string) {
	text = variable.ReplaceAllStringFunc(body, func(found string) string {
		parts := variable.FindStringSubmatch(found)
		value := ""
		switch {
		case parts[1] == "guide" && parts[2] != "" && v.Guide != nil:
			if title, address, ok := v.Guide(parts[2]); ok {
				value = "[" + escape(title) + "](" + address + ")"
			}
		case parts[2] != "":
		case parts[1] == "name":
			value = named(v.Name)
		case parts[1] == "app":
			value = named(v.App)
		case parts[1] == "api":
			value = named(v.API)
		}
		if value == "" {
			if !slices.Contains(unknown, found) {
				unknown = append(unknown, found)
			}
			return found
		}
		return value
	})
	return text, unknown
}

// code is what stands in backticks or fences: braces there may be the text itself, as in a path.
var code = regexp.MustCompile("(?s)```.*?(?:```|$)|~~~.*?(?:~~~|$)|`[^`\n]*`")

var hole = regexp.MustCompile(`\{(?:name|app|api|guide:[^{}\s]+)\}`)

// Holes lists the variables of canned replies that are left in a text outside of code, once each.
func Holes(body string) []string {
	var out []string
	for _, found := range hole.FindAllString(code.ReplaceAllString(body, " "), -1) {
		if !slices.Contains(out, found) {
			out = append(out, found)
		}
	}
	return out
}

var special = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`, "&", `\&`, "~", `\~`, "|", `\|`, "\n", " ", "\r", " ")

// named is a name as text of Markdown.
func named(s string) string {
	if s == "" {
		return ""
	}
	return escape(follow.Harmless(s))
}

func escape(s string) string { return special.Replace(s) }
