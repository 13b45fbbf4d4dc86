package db

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
)

// MaxPage bounds the rows of one page (L4).
const MaxPage = 100

// Sort is one column by which a list can be ordered. Expr is SQL of our own (never input, C11) and must not be NULL: wrap it in
// COALESCE. Value reads the same from a row: a string, an int64 or a time.Time.
type Sort[T any] struct {
	Expr  string
	Value func(T) any
}

// Listing is a list by keyset: SELECT ends inside its WHERE, without ORDER BY. The ID breaks ties.
type Listing[T any] struct {
	Name    string // goes into the cursor's MAC, so that a cursor of one list is refused by another (Z9)
	Select  string
	Args    []any
	IDExpr  string
	ID      func(T) ID
	Sorts   map[string]Sort[T]
	Default string // name of a sort, with "-" before it for descending
}

// PageRequest is what a reader asks: a sort, a size (0: 50, at most MaxPage), and where to go on.
type PageRequest struct {
	Sort   string
	Size   int
	After  string
	Before string
}

// Page is one page of rows. Next and Previous are cursors, empty where there is nothing.
type Page[T any] struct {
	Rows           []T
	Next, Previous string
	Sort           string // the one in force, as in PageRequest
}

type cursor struct {
	List string
	Sort string
	Kind string // t, s, i
	S    string
	I    int64
	ID   string
}

// List reads one page. Faults: Invalid for a forged or foreign cursor.
func List[T any](ctx context.Context, d *DB, l Listing[T], r PageRequest) (Page[T], error) {
	name, desc := strings.TrimPrefix(r.Sort, "-"), strings.HasPrefix(r.Sort, "-")
	s, ok := l.Sorts[name]
	if !ok {
		r.Sort = l.Default
		name, desc = strings.TrimPrefix(l.Default, "-"), strings.HasPrefix(l.Default, "-")
		s = l.Sorts[name]
	}
	size := min(or(r.Size, 50), MaxPage)
	token, backward := r.After, false
	if token == "" && r.Before != "" {
		token, backward = r.Before, true
	}
	query, args := l.Select, slices.Clone(l.Args)
	down := desc != backward
	if token != "" {
		c, v, err := d.openCursor(token, l.Name, r.Sort)
		if err != nil {
			return Page[T]{}, err
		}
		op := ">"
		if down {
			op = "<"
		}
		query += " AND (" + s.Expr + ", " + l.IDExpr + ") " + op + " (?, ?)"
		args = append(args, v, c)
	}
	dir := " ASC"
	if down {
		dir = " DESC"
	}
	// The number stands in the text: SQLite plans by a bound limit and would prepare the statement anew for each call.
	query += " ORDER BY " + s.Expr + dir + ", " + l.IDExpr + dir + " LIMIT " + strconv.Itoa(size+1)
	var rows []T
	if err := d.Read(ctx).Raw(query, args...).Scan(&rows).Error; err != nil {
		return Page[T]{}, fmt.Errorf("db: list %s: %w", l.Name, err)
	}
	more := len(rows) > size
	if more {
		rows = rows[:size]
	}
	if backward {
		slices.Reverse(rows)
	}
	page := Page[T]{Rows: rows, Sort: r.Sort}
	if len(rows) == 0 {
		return page, nil
	}
	if more || backward {
		page.Next = d.sealCursor(l.Name, r.Sort, s.Value(rows[len(rows)-1]), l.ID(rows[len(rows)-1]))
	}
	if (backward && more) || (!backward && token != "") {
		page.Previous = d.sealCursor(l.Name, r.Sort, s.Value(rows[0]), l.ID(rows[0]))
	}
	return page, nil
}

func (d *DB) sealCursor(list, sort string, v any, id ID) string {
	c := cursor{List: list, Sort: sort, ID: id.String()}
	switch x := v.(type) {
	case time.Time:
		c.Kind, c.I = "t", x.UnixMicro()
	case int64:
		c.Kind, c.I = "i", x
	case string:
		c.Kind, c.S = "s", x
	}
	body, err := json.Marshal(c)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(append(d.cursorMAC(body), body...))
}

func (d *DB) cursorMAC(body []byte) []byte {
	m := hmac.New(sha256.New, d.cursorKey)
	_, _ = m.Write(body)
	return m.Sum(nil)[:16]
}

func (d *DB) openCursor(token, list, sort string) (ID, any, error) {
	wrong := fault.BadField("after", "This place in the list is not valid any more. Go back to its first page.")
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) < 16 || !hmac.Equal(raw[:16], d.cursorMAC(raw[16:])) {
		return ID{}, nil, wrong
	}
	var c cursor
	if json.Unmarshal(raw[16:], &c) != nil || c.List != list || c.Sort != sort {
		return ID{}, nil, wrong
	}
	var id ID
	if id.Scan(c.ID) != nil {
		return ID{}, nil, wrong
	}
	switch c.Kind {
	case "t":
		return id, time.UnixMicro(c.I).UTC(), nil
	case "i":
		return id, c.I, nil
	}
	return id, c.S, nil
}

// SetCursorKey sets the MAC key of cursors, for programs that learn it only after the database is open. Call it before List.
func (d *DB) SetCursorKey(key []byte) { d.cursorKey = key }
