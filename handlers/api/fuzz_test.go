package api_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/openapi"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// mutations is how many calls are made from the document (L2).
const mutations = 6000

// mutator makes calls out of operations, most of them wrong in one way or another.
type mutator struct {
	*rand.Rand
	mine, theirs map[string]string // ids by their prefix
}

var hostile = []any{
	nil, true, false, 0, -1, 1e30, json.Number("99999999999999999999999"), 1.5, "", " ", "x", strings.Repeat("y", 5000), "\x00", "'; DROP TABLE keys; --", "%s%n", "../../etc", "\u202e",
	[]any{},
	map[string]any{},
	[]any{nil},
	map[string]any{"a": map[string]any{}},
	"𝔘𝔫𝔦", "2026-02-31", "9999-99-99", "app_00000000000000000000000000",
}

func (m *mutator) chance(in int) bool { return m.IntN(in) == 0 }

// id is one of mine, one of theirs, or none.
func (m *mutator) id(pattern string) string {
	prefix, _, _ := strings.Cut(strings.TrimPrefix(pattern, "^"), "_")
	switch m.IntN(4) {
	case 0:
		return m.theirs[prefix]
	case 1:
		return db.NewID().Show(prefix)
	}
	return m.mine[prefix]
}

// value fits the schema, unless chance has it otherwise.
func (m *mutator) value(s *openapi.Schema) any {
	switch {
	case m.chance(12):
		return hostile[m.IntN(len(hostile))]
	case len(s.Alternatives) > 0:
		return m.value(s.Alternatives[m.IntN(len(s.Alternatives))])
	case len(s.Enum) > 0:
		return s.Enum[m.IntN(len(s.Enum))]
	case s.Items != nil:
		out := []any{}
		for range m.IntN(4) {
			out = append(out, m.value(s.Items))
		}
		return out
	case len(s.Properties) > 0:
		out := map[string]any{}
		for _, p := range s.Properties {
			if s.Needs(p.Name) && !m.chance(20) || m.chance(2) {
				out[p.Name] = m.value(p.Schema)
			}
		}
		if m.chance(15) {
			out[[]string{"organization_id", "role", "staff_role", "state", "created_by", "key_id", "__proto__"}[m.IntN(7)]] = m.theirs["org"]
		}
		return out
	case s.Pattern != nil && strings.Contains(s.Pattern.String(), "_["):
		return m.id(s.Pattern.String())
	case s.Example != nil:
		return s.Example
	case s.Additional != nil:
		return map[string]any{"team": m.value(s.Additional)}
	case len(s.Types) == 0:
		return nil
	}
	return map[string]any{"integer": m.IntN(100), "boolean": m.chance(2), "string": "text", "object": map[string]any{}}[s.Types[0]]
}

// body is JSON of the value, sometimes broken.
func (m *mutator) body(s *openapi.Schema) string {
	b, err := json.Marshal(m.value(s))
	if err != nil {
		return "{"
	}
	text := string(b)
	switch m.IntN(40) {
	case 0:
		return text[:m.IntN(len(text)+1)]
	case 1:
		return text + text
	case 2:
		return strings.Repeat("[", 5000)
	case 3:
		return strings.Replace(text, `"`, "\"\xff", 1)
	case 4:
		return strings.Replace(text, "{", `{"name":"a","name":"b",`, 1)
	case 5:
		return `{"name":"` + strings.Repeat("z", 1<<20) + `"}`
	}
	return text
}

func (m *mutator) text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return string(b)
}

// No call made from the document ends in a failure of ours (L2), and none reaches the other organization (Z2).
func TestNoMutatedCallFailsOrReachesOthers(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	m := &mutator{Rand: rand.New(rand.NewPCG(7, 11))} //nolint:gosec // the same calls each time
	ids := func(x tenant) map[string]string {
		return map[string]string{"app": x.app.ID.Show("app"), "key": x.key.ID.Show("key"), "acc": x.access.Show("acc"), "org": x.org.Show("org")}
	}
	m.mine, m.theirs = ids(w.mine), ids(w.them)
	before := w.ofOthers()
	statuses := map[int]int{}

	for range mutations {
		o := w.doc.Operations[m.IntN(len(w.doc.Operations))]
		if o.ServedBy != "" {
			continue
		}
		clock.Advance(1e6)
		r := w.mutated(m, o)
		statuses[r.status]++
		if r.status < 300 && strings.Contains(string(r.body), m.theirs["key"]) {
			t.Fatalf("%s answered with a key of others: %s", o.ID, r.body)
		}
		if o.Method != "GET" && r.status < 300 || r.status == 401 {
			w.revive()
		}
	}

	if after := w.ofOthers(); after != before {
		t.Errorf("something of the others changed:\n%s\n%s", before, after)
	}
	if statuses[200]+statuses[201]+statuses[204] < 200 || statuses[422] < 200 {
		t.Errorf("the calls are too much alike: %v", statuses)
	}
	t.Log(statuses)
}

func (w *world) mutated(m *mutator, o openapi.Operation) reply {
	w.Helper()
	path, query, headers := o.Path, []string{}, []string{}
	for _, p := range o.Params {
		v := m.text(m.value(p.Schema))
		switch {
		case p.In == "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", escape(v))
		case p.In == "query" && m.chance(3):
			query = append(query, p.Name+"="+escape(v))
		case p.In == "header" && m.chance(4) && !strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }):
			headers = append(headers, p.Name, v)
		}
	}
	if len(query) > 0 {
		path += "?" + strings.Join(query, "&")
	}
	body := ""
	if o.Body != nil && !m.chance(30) {
		body = m.body(o.Body)
	}
	return w.send(o.Method, path, w.mine.text, body, headers...)
}

// revive undoes what would end the calls: the key that calls, and its app, stay.
func (w *world) revive() {
	w.Helper()
	w.run("UPDATE keys SET revoked_at = NULL, paused_at = NULL, overlap_ends_at = NULL, networks = '', origins = '', rate_requests = NULL WHERE id = ? AND (revoked_at IS NOT NULL OR paused_at IS NOT NULL OR overlap_ends_at IS NOT NULL OR networks <> '' OR origins <> '' OR rate_requests IS NOT NULL)", w.mine.key.ID)
	w.run("UPDATE apps SET deleted_at = NULL WHERE id = ? AND deleted_at IS NOT NULL", w.mine.app.ID)
	w.forget()
}

// ofOthers is all that the other organization has, in one text.
func (w *world) ofOthers() string {
	w.Helper()
	var rows []string
	w.ok(w.db.Read(w.Context()).Raw(`SELECT 'key ' || k.id || k.name || k.updated_at || COALESCE(k.revoked_at, '') || k.networks || k.metadata FROM keys k JOIN apps a ON a.id = k.app_id WHERE a.organization_id = ?
		UNION ALL SELECT 'app ' || a.id || a.name || a.updated_at || COALESCE(a.deleted_at, '') FROM apps a WHERE a.organization_id = ?
		UNION ALL SELECT 'access ' || x.id || x.state || x.updated_at FROM access x JOIN apps a ON a.id = x.app_id WHERE a.organization_id = ? ORDER BY 1`, w.them.org, w.them.org, w.them.org).Scan(&rows).Error)
	return strings.Join(rows, "\n")
}

// escape is url.PathEscape, also of what is no UTF-8.
func escape(s string) string {
	const hex = "0123456789ABCDEF"
	var out strings.Builder
	for i := range len(s) {
		if c := s[i]; c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '-' {
			out.WriteByte(c)
		} else {
			out.WriteString("%" + string(hex[c>>4]) + string(hex[c&15]))
		}
	}
	if out.Len() == 0 {
		return "%20"
	}
	return out.String()
}

// forget has verification read the calling key anew after a change by hand.
func (w *world) forget() {
	w.Helper()
	w.ok(w.db.Tx(w.Context(), func(tx *db.Tx) error {
		change.Record(tx, change.Key, w.mine.key.ID)
		change.Record(tx, change.App, w.mine.app.ID)
		return nil
	}))
}
