package db

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/telemetry"
)

// beganKey is where a statement that is traced keeps when it began.
const beganKey = "gatehouse:began"

// Trace has t record each statement whose context is traced, as a part of what that traces: by its verb and its first table, never with what it asks for
// or finds. Call it once, before the database is used; a statement of a context that is not traced costs a look into it.
func (d *DB) Trace(t *telemetry.Traces) error {
	system := "sqlite"
	if d.Dialect == Postgres {
		system = "postgresql"
	}
	begin := func(g *gorm.DB) {
		if telemetry.Traced(g.Statement.Context) {
			g.InstanceSet(beganKey, d.machine())
		}
	}
	end := func(g *gorm.DB) {
		began, ok := g.InstanceGet(beganKey)
		if !ok {
			return
		}
		at, _ := began.(time.Time)
		verb, table := named(g.Statement.SQL.String())
		failed := g.Error != nil && !errors.Is(g.Error, gorm.ErrRecordNotFound) && !errors.Is(g.Error, context.Canceled)
		t.RecordPart(g.Statement.Context, telemetry.Span{
			Name: strings.TrimSpace(verb + " " + table), Start: at, End: d.machine(), Failed: failed,
			Attributes: []telemetry.Attribute{{Key: "db.system.name", Text: system}, {Key: "db.operation.name", Text: verb}, {Key: "db.collection.name", Text: table}},
		})
	}
	err := watch(d.reader, begin, end)
	if d.writer.Callback() != d.reader.Callback() {
		err = errors.Join(err, watch(d.writer, begin, end))
	}
	return err
}

func watch(g *gorm.DB, begin, end func(*gorm.DB)) error {
	const before, after = "gatehouse:trace_begin", "gatehouse:trace_end"
	c := g.Callback()
	return errors.Join(
		c.Query().Before("*").Register(before, begin), c.Query().After("*").Register(after, end),
		c.Row().Before("*").Register(before, begin), c.Row().After("*").Register(after, end),
		c.Raw().Before("*").Register(before, begin), c.Raw().After("*").Register(after, end),
		c.Create().Before("*").Register(before, begin), c.Create().After("*").Register(after, end),
		c.Update().Before("*").Register(before, begin), c.Update().After("*").Register(after, end),
		c.Delete().Before("*").Register(before, begin), c.Delete().After("*").Register(after, end),
	)
}

// What of a statement is told: its verb, and the name after the first of these words. Values are arguments, so that none stands in a statement.
var (
	verbs = regexp.MustCompile(`(?i)^\s*(select|insert|update|delete|with|pragma|set|lock)\b`)
	table = regexp.MustCompile(`(?i)\b(?:from|into|update)\s+["\x60]?([a-z_][a-z0-9_]{0,62})\b`)
)

// longestLooked is how much of a statement is searched for its table.
const longestLooked = 8 << 10

// named is the verb of a statement and its first table; "" for a statement without one.
func named(statement string) (verb, first string) {
	statement = statement[:min(len(statement), longestLooked)]
	verb = "SQL"
	if m := verbs.FindStringSubmatch(statement); m != nil {
		verb = strings.ToUpper(m[1])
	}
	if m := table.FindStringSubmatch(statement); m != nil {
		first = strings.ToLower(m[1])
	}
	return verb, first
}
