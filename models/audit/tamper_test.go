package audit_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/audit"
)

// U3, U8: a hundred random tamperings of a log with archived parts, in the database and in its files, a hundred found.
func TestEveryTamperingOfAnArchivedLogIsFound(t *testing.T) {
	eachAttic(t, func(a *attic) {
		a.old(30)
		a.run()
		fill(a.t, a.d, 12)
		a.points.Pace.Events = 1
		run(a.t, a.points)
		outside, err := audit.LastCheckpoint(a.t.Context(), a.d)
		if err != nil {
			a.t.Fatal(err)
		}
		loose(a.t, a.d)
		random := rand.New(rand.NewPCG(7, 8)) //nolint:gosec // what is tampered with, not a secret
		files := a.keepFiles()
		tables := []string{"audit_events", "audit_personal", "audit_head", "audit_checkpoints", "audit_archives"}
		for _, table := range tables {
			a.exec("CREATE TABLE kept_" + table + " AS SELECT * FROM " + table)
		}
		trust := audit.Trust{Keys: a.Signer.Keys(), Archive: a.Folder, Outside: []audit.Checkpoint{outside}}
		if v, err := audit.VerifyWith(a.t.Context(), a.d, trust); err != nil || !v.Sound || v.Archived != 30 || v.Events != 48 {
			a.t.Fatalf("%+v %v", v, err)
		}
		kinds := slices.Concat(databaseTamperings, fileTamperings)
		for i := range 100 {
			kind := kinds[i%len(kinds)]
			kind.do(a, random)

			v, err := audit.VerifyWith(a.t.Context(), a.d, trust)

			if err != nil || v.Sound || v.FirstBad == 0 || v.Why == "" {
				a.t.Fatalf("%d, %s, went unseen: %+v %v", i, kind.what, v, err)
			}
			for _, table := range tables {
				a.exec("DELETE FROM "+table, "INSERT INTO "+table+" SELECT * FROM kept_"+table)
			}
			a.putBack(files)
		}
		if v, err := audit.VerifyWith(a.t.Context(), a.d, trust); err != nil || !v.Sound {
			a.t.Fatalf("the untouched log is not whole: %+v %v", v, err)
		}
	})
}

type tampering struct {
	what string
	do   func(a *attic, random *rand.Rand)
}

func statement(what, sql string) tampering {
	return tampering{what, func(a *attic, random *rand.Rand) {
		if strings.Contains(sql, "%") {
			a.exec(fmt.Sprintf(sql, 31+random.IntN(15)))
			return
		}
		a.exec(sql)
	}}
}

var databaseTamperings = []tampering{
	statement("an event is changed", "UPDATE audit_events SET result = 'refused' WHERE seq = %d"),
	statement("an event is removed", "DELETE FROM audit_events WHERE seq = %d"),
	statement("an event is inserted", "INSERT INTO audit_events SELECT seq + 100, '00000000-0000-7000-8000-000000000001', at, actor_kind, actor_id, act, target_kind, target_id, organization_id, result, request_id, details, personal, previous_hash, hash FROM audit_events WHERE seq = %d"),
	statement("the end is cut off", "DELETE FROM audit_events WHERE seq > %d"),
	{"two events are swapped", func(a *attic, random *rand.Rand) {
		n := 31 + random.IntN(15)
		a.exec("UPDATE audit_events SET seq = 1000 WHERE seq = "+fmt.Sprint(n), fmt.Sprintf("UPDATE audit_events SET seq = %d WHERE seq = %d", n, n+1), fmt.Sprintf("UPDATE audit_events SET seq = %d WHERE seq = 1000", n+1))
	}},
	{"the rest is hashed anew", func(a *attic, random *rand.Rand) { a.rehash(int64(31 + random.IntN(15))) }},
	statement("a personal value is changed", "UPDATE audit_personal SET value = value || 'x' WHERE field = 'actor'"),
	statement("the head is set back", "UPDATE audit_head SET seq = %d - 1"),
	statement("the archive is forgotten", "DELETE FROM audit_archives"),
	statement("a part is forgotten", "DELETE FROM audit_archives WHERE last_seq = 20"),
	statement("the last part is forgotten", "DELETE FROM audit_archives WHERE last_seq = 30"),
	statement("a part is said to end later", "UPDATE audit_archives SET last_seq = %d WHERE last_seq = 30"),
	statement("a part has the hash of another event", "UPDATE audit_archives SET hash = (SELECT hash FROM audit_events WHERE seq = %d) WHERE last_seq = 30"),
	statement("a part has the signature of another", "UPDATE audit_archives SET signature = (SELECT signature FROM kept_audit_archives WHERE last_seq = 10) WHERE last_seq = 20"),
	statement("a part was archived at another time", "UPDATE audit_archives SET at = (SELECT MIN(at) FROM kept_audit_checkpoints) WHERE last_seq = 10"),
	forged("an event is put under an archived number", 7), forged("an event is put under number 0", 0), forged("an event is put below all", -5),
	{"a file is removed and said to be released", func(a *attic, _ *rand.Rand) {
		a.exec("UPDATE audit_archives SET released_at = at WHERE first_seq = 11")
		if err := os.Remove(filepath.Join(a.Folder, "audit-000000000011-000000000020.jsonl")); err != nil {
			a.t.Fatal(err)
		}
	}},
	statement("all is made anew from its first event", "DELETE FROM audit_events"),
}

func forged(what string, seq int) tampering {
	return statement(what, fmt.Sprintf("INSERT INTO audit_events SELECT %d, '00000000-0000-7000-8000-000000000002', at, actor_kind, actor_id, act, target_kind, target_id, organization_id, result, request_id, details, personal, previous_hash, hash FROM audit_events WHERE seq = 35", seq))
}

// rehash changes an event, and makes all hashes from it on anew, and the head row.
func (a *attic) rehash(from int64) {
	a.t.Helper()
	var rows []audit.Row
	if err := a.d.Read(a.t.Context()).Raw("SELECT * FROM audit_events WHERE seq >= ? ORDER BY seq", from).Scan(&rows).Error; err != nil {
		a.t.Fatal(err)
	}
	prev := rows[0].PreviousHash
	literal := func(b []byte) string {
		if a.d.Dialect == "postgres" {
			return `'\x` + hex.EncodeToString(b) + "'"
		}
		return "X'" + hex.EncodeToString(b) + "'"
	}
	for i, r := range rows {
		if r.PreviousHash = prev; i == 0 {
			r.Act = "key.paused"
		}
		prev = r.Sum()
		a.exec(fmt.Sprintf("UPDATE audit_events SET act = '%s', previous_hash = %s, hash = %s WHERE seq = %d", r.Act, literal(r.PreviousHash), literal(prev), r.Seq))
	}
	a.exec("UPDATE audit_head SET hash = " + literal(prev))
}

func (a *attic) keepFiles() map[string][]byte {
	a.t.Helper()
	kept := map[string][]byte{}
	for _, name := range a.files() {
		b, err := os.ReadFile(filepath.Join(a.Folder, name))
		if err != nil {
			a.t.Fatal(err)
		}
		kept[name] = b
	}
	return kept
}

func (a *attic) putBack(files map[string][]byte) {
	a.t.Helper()
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(a.Folder, name), b, 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
}

// lines has one of the files changed line by line; n is that of an event.
func lines(what string, change func(lines []string, n int) []string) tampering {
	return tampering{what, func(a *attic, random *rand.Rand) {
		path := filepath.Join(a.Folder, a.files()[random.IntN(3)])
		b, err := os.ReadFile(path)
		if err != nil {
			a.t.Fatal(err)
		}
		all := slices.Collect(strings.Lines(string(b))) // each with its end
		var events []int
		for i, l := range all {
			if strings.HasPrefix(l, `{"type":"event"`) {
				events = append(events, i)
			}
		}
		n := events[random.IntN(len(events)-1)] // not the last: what is swapped is followed by another
		after := strings.Join(change(slices.Clone(all), n), "")
		if after == string(b) {
			a.t.Fatal(what + " changed nothing")
		}
		if err := os.WriteFile(path, []byte(after), 0o600); err != nil {
			a.t.Fatal(err)
		}
	}}
}

func replaced(from, to string) func(l []string, n int) []string {
	return func(l []string, n int) []string { l[n] = strings.Replace(l[n], from, to, 1); return l }
}

var fileTamperings = []tampering{
	lines("an archived event is changed", replaced("key.revoked", "key.resumed")),
	lines("an archived personal value is changed", replaced("mira@", "mara@")),
	lines("an archived event has a name twice", replaced(`"act":`, `"act":"key.paused","act":`)),
	lines("an archived event has a space more", replaced(`","at":`, `", "at":`)),
	lines("an archived event is removed", func(l []string, n int) []string { return slices.Delete(l, n, n+1) }),
	lines("an archived event is there twice", func(l []string, n int) []string { return slices.Insert(l, n, l[n]) }),
	lines("two archived events are swapped", func(l []string, n int) []string {
		l[n], l[n+1] = l[n+1], l[n]
		return l
	}),
	lines("a file is cut off", func(l []string, n int) []string { return l[:n] }),
	lines("a file is cut off within a line", func(l []string, n int) []string { return append(l[:n:n], l[n][:40]) }),
	lines("a file goes on", func(l []string, n int) []string { return append(l, l[n]) }),
	lines("a file has no closing", func(l []string, _ int) []string { return l[:len(l)-1] }),
	lines("a file begins otherwise", func(l []string, _ int) []string { l[0] = strings.Replace(l[0], "true", "false", 1); return l }),
	lines("a file's events are hashed anew", rehashed),
	{"two files are swapped", func(a *attic, random *rand.Rand) {
		files, n := a.keepFiles(), random.IntN(3)
		one, other := a.files()[n], a.files()[(n+1)%3]
		a.putBack(map[string][]byte{one: files[other], other: files[one]})
	}},
	{"a file is removed", func(a *attic, random *rand.Rand) {
		if err := os.Remove(filepath.Join(a.Folder, a.files()[random.IntN(3)])); err != nil {
			a.t.Fatal(err)
		}
	}},
}

// rehashed changes an event and makes all hashes from it on anew. What is signed it can't make.
func rehashed(l []string, n int) []string {
	prev := ""
	for i := n; i < len(l); i++ {
		var e map[string]any
		if json.Unmarshal([]byte(l[i]), &e) != nil || e["type"] != "event" {
			continue
		}
		if prev == "" {
			prev, e["act"] = e["previous_hash"].(string), "key.paused"
		}
		old := e["hash"].(string)
		e["previous_hash"] = prev
		prev = sumOf(e)
		l[i] = strings.Replace(l[i], `"previous_hash":"`+between(l[i], `"previous_hash":"`), `"previous_hash":"`+e["previous_hash"].(string), 1)
		l[i] = strings.Replace(strings.Replace(l[i], old, prev, 1), `"act":"key.revoked"`, `"act":"`+e["act"].(string)+`"`, 1)
	}
	return l
}

func between(s, begin string) string {
	_, rest, _ := strings.Cut(s, begin)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

func sumOf(e map[string]any) string {
	previous, _ := hex.DecodeString(e["previous_hash"].(string))
	var h bytes.Buffer
	number := func(n uint64) {
		h.Write([]byte{byte(n >> 56), byte(n >> 48), byte(n >> 40), byte(n >> 32), byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
	} //nolint:gosec // its bytes
	number(uint64(e["seq"].(float64)))
	fields := []string{string(previous)}
	for _, name := range []string{"id", "at", "actor_kind", "actor_id", "act", "target_kind", "target_id", "organization_id", "result", "request_id", "details", "personal"} {
		fields = append(fields, e[name].(string))
	}
	for _, f := range fields {
		number(uint64(len(f)))
		h.WriteString(f)
	}
	sum := sha256.Sum256(h.Bytes())
	return hex.EncodeToString(sum[:])
}
