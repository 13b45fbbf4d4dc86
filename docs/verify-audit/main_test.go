package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

const events = 40

// exported is a log of some events, one of a person who was erased, and its export.
func exported(t *testing.T, d *db.DB, s *audit.Signer, f audit.Filter) string {
	t.Helper()
	erased := db.NewID()
	for i := range events {
		err := d.Tx(t.Context(), func(tx *db.Tx) error {
			who := actor.Actor{Kind: actor.User, UserID: db.NewID(), Name: "Mira “M” <b> \\ Ö", RequestID: "req_1"}
			if i == 7 {
				who.UserID = erased
			}
			audit.Record(tx, who, audit.Event{Act: audit.KeyRevoked, TargetKind: "key", TargetID: db.NewID(), Details: map[string]string{"reason": "<seen> & \"told\"", "n": fmt.Sprint(i)}, Personal: map[string]string{"email": "mira@example.com"}})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Tx(t.Context(), func(tx *db.Tx) error { return audit.ErasePerson(tx, erased) }); err != nil {
		t.Fatal(err)
	}
	if err := (&audit.Checkpoints{DB: d, Signer: s, Pace: audit.Pace{Events: 1}}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if n, err := audit.Export(t.Context(), d, f, s, &out); err != nil || n == 0 {
		t.Fatal(n, err)
	}
	return out.String()
}

func signer() *audit.Signer { return audit.NewSigner([][]byte{bytes.Repeat([]byte{7}, 32)}) }

// U4: whoever holds the export and the key needs nothing else of the portal.
func TestExportVerifiesOffline(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		s := signer()
		file := filepath.Join(t.TempDir(), "audit.jsonl")
		if err := os.WriteFile(file, []byte(exported(t, d, s, audit.Filter{})), 0o600); err != nil {
			t.Fatal(err)
		}
		var trusted, unsure, other bytes.Buffer

		codes := []int{
			run([]string{"-key", s.Keys()[0], file}, &trusted), run([]string{file}, &unsure), run([]string{"-key", "b3RoZXI=", file}, &other), run(nil, &other), run([]string{file + "x"}, &other),
			run([]string{"-checkpoints", file + "x", file}, &other), run([]string{"-checkpoints", filepath.Dir(file), file}, &other), run([]string{filepath.Dir(file)}, &other),
		}

		if fmt.Sprint(codes) != "[0 0 1 2 2 2 2 2]" || !strings.Contains(trusted.String(), "The log is whole: 40 events") || !strings.Contains(unsure.String(), s.Keys()[0]) {
			t.Error(codes, trusted.String(), unsure.String(), other.String())
		}
	})
}

// A choice is never taken for the whole.
func TestAChoiceOfEventsIsSaidToBeOne(t *testing.T) {
	d := dbtest.SQLite(t, dbtest.NewClock())
	file := filepath.Join(t.TempDir(), "some.jsonl")
	if err := os.WriteFile(file, []byte(exported(t, d, signer(), audit.Filter{Act: "key."})), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer

	code := run([]string{file}, &out)

	if code != 3 || !strings.Contains(out.String(), "They are a choice") {
		t.Error(code, out.String())
	}
}

// U3: a hundred random tamperings of the file, a hundred found, each by a verifier that shares no line with what wrote it.
func TestEveryTamperingOfAnExportIsFound(t *testing.T) {
	d := dbtest.SQLite(t, dbtest.NewClock())
	s := signer()
	text := exported(t, d, s, audit.Filter{})
	random := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // which line, not a secret
	kinds := []func(lines []string, n int) []string{
		func(l []string, n int) []string {
			l[n] = strings.Replace(l[n], "key.revoked", "key.paused", 1)
			return l
		},
		func(l []string, n int) []string { l[n] = strings.Replace(l[n], "told", "sold", 1); return l },
		func(l []string, n int) []string { l[n] = strings.Replace(l[n], "mira@", "mara@", 1); return l },
		func(l []string, n int) []string { l[n] = strings.Replace(l[n], `"req_1"`, `"req_2"`, 1); return l },
		func(l []string, n int) []string { return append(l[:n:n], l[n+1:]...) },
		func(l []string, n int) []string { return l[:n] },
		func(l []string, n int) []string { l[n], l[n+1] = l[n+1], l[n]; return l },
		func(l []string, n int) []string { return append(l[:n:n], append([]string{l[n]}, l[n:]...)...) },
		func(l []string, n int) []string { l[n] = strings.Replace(l[n], `"hash":"`, `"hash":"0`, 1); return l },
		func(l []string, n int) []string { l[n] = l[n][:len(l[n])/2]; return l },
	}
	if _, err := verify(s.Keys(), nil, strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}

	for i := range 100 {
		n := 1 + random.IntN(events-1)
		if n == 8 {
			n++ // of its personal values nothing is left to tamper with
		}
		lines := strings.Split(strings.TrimSpace(text), "\n")
		tampered := strings.Join(kinds[i%len(kinds)](lines, n), "\n")

		if tampered == strings.TrimSpace(text) {
			t.Fatal("nothing was tampered with", i%len(kinds))
		}
		if _, err := verify(s.Keys(), nil, strings.NewReader(tampered)); err == nil {
			t.Errorf("tampering %d at line %d went unseen", i%len(kinds), n+1)
		}
	}
}

// U3, U4: who cuts an export to its beginning needs no key for that; what is left is never said to be whole.
func TestAnExportThatWasCutToItsBeginningIsNotWhole(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		s := signer()
		f, outside := archived(t, d, clock, s)
		cut := func(from string, lines int) string {
			text, err := os.ReadFile(from)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "cut.jsonl")
			if err := os.WriteFile(path, []byte(strings.Join(strings.SplitAfter(string(text), "\n")[:lines], "")), 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
		for what, files := range map[string][]string{
			"its first line":                          {cut(f[2], 1)},
			"its first line, behind the archive":      {f[0], f[1], cut(f[2], 1)},
			"the closing that opens it":               {cut(f[2], 2)},
			"the closing, behind the archive":         {f[0], f[1], cut(f[2], 2)},
			"a part of the archive to its first line": {cut(f[0], 1)},
			"a part of the archive to what opens it":  {f[0], cut(f[1], 2), f[2]},
		} {
			var out bytes.Buffer

			code := run(append([]string{"-key", s.Keys()[0]}, files...), &out)

			if code != 1 || !strings.Contains(out.String(), "it holds no event: what comes is missing") {
				t.Error(what, code, out.String())
			}
		}
		var out bytes.Buffer
		if code := run(append([]string{"-key", s.Keys()[0], "-checkpoints", outside}, f...), &out); code != 0 || !strings.Contains(out.String(), `It ends where it was signed at "2027-`) {
			t.Error(code, out.String())
		}
	})
}

// U3, U4: an export that was cut behind a checkpoint in it, which everybody who has it can do, is not said to be whole.
func TestAnExportThatWasCutBehindACheckpointIsNotWhole(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		s := signer()
		exported(t, d, s, audit.Filter{})
		text := exported(t, d, s, audit.Filter{})
		cuts := strings.Split(text, `{"type":"checkpoint"`)
		if _, err := verify(s.Keys(), nil, strings.NewReader(text)); err != nil || len(cuts) != 3 {
			t.Fatal(err, len(cuts))
		}
		for _, rest := range cuts[1:] {
			before, _, _ := strings.Cut(text, rest)
			point, after, _ := strings.Cut(rest, "\n")
			forged := strings.Replace(before+point, `{"type":"checkpoint"`+point, `{"type":"end"`+point, 1)

			_, cut := verify(s.Keys(), nil, strings.NewReader(before+point))
			_, called := verify(s.Keys(), nil, strings.NewReader(forged))

			if cut == nil || called == nil || after == "" {
				t.Error(cut, called)
			}
		}
		if _, err := verify(s.Keys(), nil, strings.NewReader(text+text[strings.Index(text, "\n")+1:])); err == nil {
			t.Error("what follows the end went unseen")
		}
	})
}

// A log that its owner made anew, with a key of their own, differs from the checkpoints that others kept.
func TestALogMadeAnewDiffersFromKeptCheckpoints(t *testing.T) {
	clock := dbtest.NewClock()
	s, forger := signer(), audit.NewSigner([][]byte{bytes.Repeat([]byte{8}, 32)})
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	genuine, forged := write("genuine", exported(t, dbtest.SQLite(t, clock), s, audit.Filter{})), write("forged", exported(t, dbtest.SQLite(t, clock), forger, audit.Filter{}))
	var out bytes.Buffer

	codes := []int{
		run([]string{"-key", s.Keys()[0], "-checkpoints", genuine, genuine}, &out), run([]string{"-checkpoints", genuine, forged}, &out),
		run([]string{"-key", s.Keys()[0], "-checkpoints", forged, genuine}, &out),
	}

	if fmt.Sprint(codes) != "[0 1 1]" {
		t.Error(codes, out.String())
	}
}
