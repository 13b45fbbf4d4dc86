package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// archived is a log in three files: two parts of the archive, and the export of what is left; and a checkpoint that was kept elsewhere.
func archived(t *testing.T, d *db.DB, clock *dbtest.Clock, s *audit.Signer) (files []string, outside string) {
	t.Helper()
	dir := t.TempDir()
	a := &audit.Archives{DB: d, Signer: s, Folder: dir, Keep: 90 * 24 * time.Hour}
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for range 2 {
		exported(t, d, s, audit.Filter{})
		clock.Advance(91 * 24 * time.Hour)
		exported(t, d, s, audit.Filter{})
		if err := a.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	live := exported(t, d, s, audit.Filter{})
	last, err := audit.LastCheckpoint(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	line, err := json.Marshal(last)
	if err != nil {
		t.Fatal(err)
	}
	files, err = filepath.Glob(filepath.Join(dir, "audit-*.jsonl"))
	if err != nil || len(files) != 2 {
		t.Fatal(files, err)
	}
	return append(files, write("live.jsonl", live)), write("outside", string(line)+"\n")
}

// U4, U8: the files of the archive and an export are one log. Without the files it is said which events are not there, and a choice of the files is no log.
func TestArchiveAndExportVerifyAsOneLog(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		s := signer()
		f, outside := archived(t, d, clock, s)
		try := func(args ...string) string {
			var out bytes.Buffer
			return fmt.Sprint(run(append([]string{"-key", s.Keys()[0], "-checkpoints", outside}, args...), &out), " ", out.String())
		}

		all, live, late := try(f...), try(f[2]), try(f[1], f[2])

		if !strings.HasPrefix(all, "0 The log is whole: 2") || !strings.HasPrefix(live, "3 The log is whole from event ") || !strings.HasPrefix(late, "3 The log is whole from event ") {
			t.Error(all, live, late)
		}
		for what, got := range map[string]string{"a gap": try(f[0], f[2]), "the wrong order": try(f[1], f[0], f[2]), "no end": try(f[0], f[1]), "one twice": try(f[0], f[0], f[1], f[2])} {
			if !strings.HasPrefix(got, "1 ") {
				t.Error(what, got)
			}
		}
	})
}

// U3: a hundred random tamperings of archive, export and kept checkpoints, a hundred found.
func TestEveryTamperingOfAnArchiveIsFound(t *testing.T) {
	clock := dbtest.NewClock()
	s, forger := signer(), audit.NewSigner([][]byte{bytes.Repeat([]byte{8}, 32)})
	f, outsidePath := archived(t, dbtest.SQLite(t, clock), clock, s)
	var texts []string
	for _, path := range f {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(b))
	}
	outside, err := kept(outsidePath, s.Keys())
	if err != nil {
		t.Fatal(err)
	}
	judge := func(texts []string) error {
		var files []io.Reader
		for _, text := range texts {
			files = append(files, strings.NewReader(text))
		}
		rep, err := verify(s.Keys(), outside, files...)
		if err == nil && (rep.from > 0 || !rep.whole) {
			err = fmt.Errorf("it is not all: it begins at %d", rep.from)
		}
		return err
	}
	if err := judge(texts); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(9, 10)) //nolint:gosec // what is tampered with, not a secret
	for i := range 100 {
		which, kind := random.IntN(3), tamperings[i%len(tamperings)]
		lines := strings.SplitAfter(strings.TrimSuffix(texts[which], "\n"), "\n")
		var events []int
		for n, l := range lines {
			if strings.HasPrefix(l, `{"type":"event"`) && strings.Contains(l, `"who"`) && strings.Contains(l, "key.revoked") {
				events = append(events, n)
			}
		}
		tampered := slices.Clone(texts)
		tampered[which] = strings.Join(kind.do(slices.Clone(lines), events[random.IntN(len(events)-1)], forger), "")

		if tampered[which] == texts[which] {
			t.Fatal(kind.what, "changed nothing")
		}
		if err := judge(tampered); err == nil {
			t.Errorf("%d: %s in file %d went unseen", i, kind.what, which)
		}
		swapped := slices.Clone(texts)
		swapped[which], swapped[(which+1)%3] = swapped[(which+1)%3], swapped[which]
		if judge(swapped) == nil || judge(slices.Delete(slices.Clone(texts), which, which+1)) == nil {
			t.Error("files swapped, or one left out, went unseen", which)
		}
	}
}

type tampering struct {
	what string
	do   func(l []string, n int, forger *audit.Signer) []string
}

func replaced(what, from, to string) tampering {
	return tampering{what, func(l []string, n int, _ *audit.Signer) []string { l[n] = strings.Replace(l[n], from, to, 1); return l }}
}

var tamperings = []tampering{
	replaced("a change", "key.revoked", "key.resumed"),
	replaced("a changed personal value", "mira@", "mara@"),
	replaced("a name that comes twice", `"act":`, `"act":"key.paused","act":`),
	replaced("a name in capitals that comes before", `"act":`, `"ACT":"key.paused","act":`),
	replaced("a name that nobody knows", `"act":`, `"note":"x","act":`),
	{"a removed event", func(l []string, n int, _ *audit.Signer) []string { return slices.Delete(l, n, n+1) }},
	{"an event that is there twice", func(l []string, n int, _ *audit.Signer) []string { return slices.Insert(l, n, l[n]) }},
	{"an event that is swapped with the next line", func(l []string, n int, _ *audit.Signer) []string {
		l[n], l[n+1] = l[n+1], l[n]
		return l
	}},
	{"a cut", func(l []string, n int, _ *audit.Signer) []string { return l[:n] }},
	{"a cut within a line", func(l []string, n int, _ *audit.Signer) []string { return append(l[:n:n], l[n][:40]) }},
	{"a removed end", func(l []string, _ int, _ *audit.Signer) []string { return l[:len(l)-2] }},
	{"hashes made anew", func(l []string, n int, _ *audit.Signer) []string { return rehashed(l, n) }},
	{"hashes made anew, and a forged end", func(l []string, n int, forger *audit.Signer) []string {
		l = rehashed(l, n)
		var last line
		_ = json.Unmarshal([]byte(lastEvent(l)), &last)
		hash, _ := hex.DecodeString(last.Hash)
		end, _ := json.Marshal(forger.Sign(int64(last.Seq), hash, time.Unix(1800000000, 0))) //nolint:gosec // a small number
		return append(l[:len(l)-1], string(end)+"\n")
	}},
	{"a signature of something else", func(l []string, _ int, forger *audit.Signer) []string {
		var end line
		_ = json.Unmarshal([]byte(l[len(l)-1]), &end)
		l[len(l)-1] = strings.Replace(l[len(l)-1], end.Signature, forger.Sign(1, nil, time.Unix(1800000000, 0)).Signature, 1)
		return l
	}},
}

func lastEvent(l []string) string {
	for _, text := range slices.Backward(l) {
		if strings.HasPrefix(text, `{"type":"event"`) {
			return text
		}
	}
	return ""
}

// rehashed changes an event, and makes all hashes from it on anew.
func rehashed(lines []string, n int) []string {
	prev := ""
	for i := n; i < len(lines); i++ {
		var e line
		if json.Unmarshal([]byte(lines[i]), &e) != nil || e.Type != "event" {
			continue
		}
		old := e
		if prev == "" {
			prev, e.Act = e.Previous, "key.resumed"
		}
		e.Previous = prev
		before, _ := hex.DecodeString(prev)
		prev = hex.EncodeToString(e.sum(before))
		lines[i] = strings.NewReplacer(`"act":"`+old.Act+`"`, `"act":"`+e.Act+`"`, `"previous_hash":"`+old.Previous, `"previous_hash":"`+e.Previous, `"hash":"`+old.Hash, `"hash":"`+prev).Replace(lines[i])
	}
	return lines
}

// A checkpoint that was kept elsewhere is changed, or another's signature stands under it.
func TestAChangedKeptCheckpointIsFound(t *testing.T) {
	clock := dbtest.NewClock()
	s := signer()
	f, outside := archived(t, dbtest.SQLite(t, clock), clock, s)
	b, err := os.ReadFile(outside)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{{`"seq":`, `"seq":9`}, {`"hash":"`, `"hash":"` + strings.Repeat("0", 2*sha256.Size)}, {`"at":"20`, `"at":"19`}} {
		if err := os.WriteFile(outside, bytes.Replace(b, []byte(change[0]), []byte(change[1]), 1), 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer

		code := run(append([]string{"-key", s.Keys()[0], "-checkpoints", outside}, f...), &out)

		if code != 1 {
			t.Error(change, code, out.String())
		}
	}
}
