// Verify-audit verifies an export of Gatehouse's audit log (JSON lines), without Gatehouse and without its database. It is one file over Go's standard
// library, to be read before it is trusted:
//
//	go build -o verify-audit main.go
//	./verify-audit -key KEY audit.jsonl
//	./verify-audit -key KEY audit-archive/audit-*.jsonl audit.jsonl
//
// KEY is what "gatehouse audit key" prints; ask for it by another way than the export's. The oldest events may be in files of the archive: name those before the export,
// in their order. With -checkpoints FILE the log is also compared with checkpoints that were
// kept elsewhere. It ends with 0 when every event from the first to the last is as it was, 1 when one is not, 2 when it could not look,
// and 3 when what it holds is right but is not all: a choice of events, of which nobody can tell whether one is missing, or a log whose oldest events were
// archived, in files that were not named.
package main

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// line is any line of an export; type says which of its fields are filled.
type line struct {
	Type      string `json:"type"`
	Version   int    `json:"version"`
	Whole     bool   `json:"whole"`
	Seq       uint64 `json:"seq"`
	ID        string `json:"id"`
	At        string `json:"at"`
	ActorKind string `json:"actor_kind"`
	ActorID   string `json:"actor_id"`
	Act       string `json:"act"`
	Kind      string `json:"target_kind"`
	Target    string `json:"target_id"`
	Org       string `json:"organization_id"`
	Result    string `json:"result"`
	Request   string `json:"request_id"`
	Details   string `json:"details"`
	Personal  string `json:"personal"`
	Previous  string `json:"previous_hash"`
	Hash      string `json:"hash"`
	Who       map[string]struct {
		Salt  []byte `json:"salt"`
		Value string `json:"value"`
	} `json:"who"`
	Key       string `json:"key"`
	Signature string `json:"signature"`
	First     uint64 `json:"first"` // of an archived part, and Last
	Last      uint64 `json:"last"`
}

// sum is the hash of an event: SHA-256 over its number, the previous hash, and each field behind its length in eight bytes.
func (l line) sum(previous []byte) []byte {
	h := sha256.New()
	number := binary.BigEndian.AppendUint64(nil, l.Seq)
	h.Write(number)
	for _, field := range []string{
		string(previous), l.ID, l.At, l.ActorKind, l.ActorID, l.Act, l.Kind, l.Target, l.Org, l.Result, l.Request, l.Details, l.Personal,
	} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(field))))
		h.Write([]byte(field))
	}
	return h.Sum(nil)
}

// personal compares the personal values that are still there with their digests in the chain.
func (l line) personal() error {
	var digests map[string]string
	if err := json.Unmarshal([]byte(l.Personal), &digests); err != nil {
		return err
	}
	for field, p := range l.Who {
		sum := sha256.Sum256(append(p.Salt, p.Value...))
		if digests[field] != base64.RawStdEncoding.EncodeToString(sum[:]) {
			return fmt.Errorf("the personal field %q differs from its digest", field)
		}
	}
	return nil
}

// signed checks the signature of a checkpoint, of an export's end, or of the closing of an archived part; keys are those that are trusted, none for any.
func (l line) signed(keys []string) error {
	key, err := base64.StdEncoding.DecodeString(l.Key)
	signature, err2 := base64.StdEncoding.DecodeString(l.Signature)
	text := fmt.Sprintf("gatehouse audit %s 1\n%d\n%s\n%s\n", l.Type, l.Seq, l.Hash, l.At)
	if l.Type == "archive" {
		text = fmt.Sprintf("gatehouse audit archive 1\n%d\n%d\n%s\n%s\n%s\n", l.First, l.Last, l.Previous, l.Hash, l.At)
	}
	if err != nil || err2 != nil || len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, []byte(text), signature) {
		return errors.New("its signature is wrong")
	}
	for _, k := range keys {
		if k == l.Key {
			return nil
		}
	}
	if len(keys) > 0 {
		return errors.New("it is signed with another key, " + l.Key)
	}
	return nil
}

// report is what was found.
type report struct {
	events uint64
	whole  bool   // no choice of events
	from   uint64 // the first event that was there, where the ones before it are archived
	head   string
	key    string // of the last signature, and its time
	at     string
	signed uint64 // the last event that a signature covers
}

// read calls fn for each line. A torn one is an error, or passed over.
func read(r io.Reader, passTorn bool, fn func(line) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for n := 1; lines.Scan(); n++ {
		l, err := parse(lines.Bytes())
		if err != nil {
			if passTorn {
				continue
			}
			return fmt.Errorf("line %d is not whole: %w", n, err)
		}
		if err := fn(l); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	return lines.Err()
}

// parse reads one line. A name that comes twice, or that is none of a line's, would be read in one way by people and in another by programs.
func parse(text []byte) (l line, err error) {
	to := json.NewDecoder(bytes.NewReader(text))
	to.DisallowUnknownFields()
	if err := to.Decode(&l); err != nil {
		return l, err
	}
	if _, err := to.Token(); err != io.EOF {
		return l, errors.New("something follows")
	}
	return l, distinct(json.NewDecoder(bytes.NewReader(text)))
}

// distinct fails when a name comes twice in the value that follows, or in one within it. Names that differ by their case alone are the same to some programs.
func distinct(from *json.Decoder) error {
	token, err := from.Token()
	if err != nil {
		return err
	}
	open, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	seen := map[string]bool{}
	for from.More() {
		if open == '{' {
			name, err := from.Token()
			if err != nil {
				return err
			}
			folded := strings.ToLower(fmt.Sprint(name))
			if seen[folded] {
				return fmt.Errorf("it has %q twice", folded)
			}
			seen[folded] = true
		}
		if err := distinct(from); err != nil {
			return err
		}
	}
	_, err = from.Token()
	return err
}

// log is what was read so far, over all files.
type log struct {
	keys    []string
	outside map[uint64][]line // checkpoints that were kept elsewhere, by their event
	rep     report
	last    line // event; where the ones before the first are archived, their closing in its place
	opened  bool // the file: its first line was read
	filled  bool // the file: it holds an event
	closed  bool // the file: its signed end was read
}

// verify reads files that are one log, in their order.
func verify(keys []string, outside map[uint64][]line, files ...io.Reader) (report, error) {
	g := log{keys: keys, outside: outside}
	for i, r := range files {
		g.opened, g.filled, g.closed = false, false, false
		err := read(r, false, g.take)
		switch {
		case err == nil && !g.opened:
			err = errors.New("it is empty")
		case err == nil && g.rep.whole && !g.filled:
			err = errors.New("it holds no event: what comes is missing")
		case err == nil && g.rep.whole && !g.closed:
			err = fmt.Errorf("no signed end closes it: what comes is missing after event %d", g.last.Seq)
		case err == nil && !g.rep.whole && len(files) > 1:
			err = errors.New("a choice of events is no part of a log")
		}
		if err != nil {
			return g.rep, fmt.Errorf("file %d: %w", i+1, err)
		}
	}
	g.rep.head = g.last.Hash
	return g.rep, g.ended()
}

// take takes one line.
func (g *log) take(l line) error {
	if !g.opened {
		g.opened, g.rep.whole = true, l.Whole
		if l.Type != "export" || l.Version != 1 {
			return errors.New("this is no export of version 1")
		}
		return nil
	}
	if g.closed {
		return errors.New("it goes on after its end")
	}
	switch l.Type {
	case "event":
		return g.event(l)
	case "checkpoint", "end":
		if l.Seq != g.last.Seq || l.Hash != g.last.Hash || !g.filled {
			return fmt.Errorf("the %s at event %d does not fit the event before it", l.Type, l.Seq)
		}
		if err := l.signed(g.keys); err != nil {
			return fmt.Errorf("the %s at event %d: %w", l.Type, l.Seq, err)
		}
		g.rep.signed, g.rep.key, g.rep.at, g.closed = max(g.rep.signed, l.Seq), l.Key, l.At, l.Type == "end"
		return nil
	case "archive":
		return g.archived(l)
	}
	return fmt.Errorf("nothing known of lines of type %q", l.Type)
}

func (g *log) event(l line) error {
	if err := follows(l, g.last, g.rep.whole); err != nil {
		return fmt.Errorf("event %d: %w", l.Seq, err)
	}
	for _, c := range g.outside[l.Seq] {
		if c.Hash != l.Hash {
			return fmt.Errorf("event %d, or one before it, was made anew since the checkpoint of %s", l.Seq, c.At)
		}
		g.rep.signed = max(g.rep.signed, l.Seq)
	}
	g.last, g.filled = l, true
	g.rep.events++
	return nil
}

// archived takes the closing of an archived part: at the end of its file, and at the beginning of the next.
func (g *log) archived(l line) error {
	if err := l.signed(g.keys); err != nil {
		return fmt.Errorf("that events %d to %d were archived: %w", l.First, l.Last, err)
	}
	g.rep.key, g.rep.at = l.Key, l.At
	if g.last.Seq == 0 && g.rep.whole { // the first line of all: what is before it is in files that are not here
		for _, c := range g.outside[l.Last] {
			if c.Hash != l.Hash {
				return fmt.Errorf("event %d, or one before it, was made anew since the checkpoint of %s", l.Last, c.At)
			}
		}
		g.last, g.rep.from = line{Seq: l.Last, Hash: l.Hash}, l.Last+1
		return nil
	}
	if l.Last != g.last.Seq || l.Hash != g.last.Hash {
		return fmt.Errorf("events are missing, or two files are mixed up: event %d is followed by what comes after event %d", g.last.Seq, l.Last)
	}
	g.rep.signed, g.closed = max(g.rep.signed, l.Last), g.filled
	return nil
}

// follows checks one event against itself and the one before it.
func follows(l, last line, whole bool) error {
	previous, err := hex.DecodeString(l.Previous)
	if err != nil {
		return err
	}
	if whole || l.Seq == last.Seq+1 {
		before := last.Hash
		if last.Seq == 0 {
			before = strings.Repeat("0", 2*sha256.Size)
		}
		if l.Seq != last.Seq+1 || l.Previous != before {
			return fmt.Errorf("it does not follow event %d", last.Seq)
		}
	} else if l.Seq <= last.Seq {
		return fmt.Errorf("it comes after event %d", last.Seq)
	}
	if hex.EncodeToString(l.sum(previous)) != l.Hash {
		return errors.New("its content differs from its hash")
	}
	return l.personal()
}

// ended checks that nothing is missing at the end.
func (g *log) ended() error {
	if !g.rep.whole {
		return nil
	}
	for seq, c := range g.outside {
		if seq > g.last.Seq {
			return fmt.Errorf("the checkpoint of %s tells of %d events, this is the log of %d", c[0].At, seq, g.last.Seq)
		}
	}
	return nil
}

// kept reads checkpoints that were kept elsewhere.
func kept(path string, keys []string) (map[uint64][]line, error) {
	out := map[uint64][]line{}
	if path == "" {
		return out, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return out, read(f, true, func(l line) error {
		if l.Type != "checkpoint" && l.Type != "end" {
			return nil
		}
		out[l.Seq] = append(out[l.Seq], l)
		return l.signed(keys)
	})
}

func main() { os.Exit(run(os.Args[1:], os.Stdout)) }

func run(args []string, out io.Writer) int {
	flags := flag.NewFlagSet("verify-audit", flag.ContinueOnError)
	var keys []string
	flags.Func("key", "a public key that is trusted; may be given more than once", func(k string) error { keys = append(keys, k); return nil })
	checkpoints := flags.String("checkpoints", "", "file of checkpoints that were kept elsewhere")
	if err := flags.Parse(args); err != nil || flags.NArg() == 0 {
		fmt.Fprintln(out, "usage: verify-audit [-key KEY] [-checkpoints FILE] [ARCHIVED.jsonl…] audit.jsonl")
		return 2
	}
	var files []io.Reader
	for _, path := range flags.Args() {
		f, err := os.Open(path)
		if err != nil {
			fmt.Fprintln(out, err)
			return 2
		}
		defer func() { _ = f.Close() }()
		files = append(files, f)
	}
	outside, err := kept(*checkpoints, keys)
	if err != nil {
		return failure(out, "The checkpoints are not right:", err)
	}
	rep, err := verify(keys, outside, files...)
	if err != nil {
		return failure(out, "The log is not whole:", err)
	}
	return rep.tell(out, keys)
}

// failure says what is wrong and is 1; it is 2 where a file could not be read, which tells nothing about the log.
func failure(out io.Writer, says string, err error) int {
	var file *fs.PathError
	if errors.As(err, &file) {
		fmt.Fprintln(out, "Could not look:", err)
		return 2
	}
	fmt.Fprintln(out, says, err)
	return 1
}

// tell says what was found of a log that is right, as far as it is here.
func (rep report) tell(out io.Writer, keys []string) int {
	if !rep.whole {
		fmt.Fprintf(out, "These %d events are as they were. They are a choice: whether one is missing can't be told.\n", rep.events)
		return 3
	}
	if rep.from > 0 {
		fmt.Fprintf(out, "The log is whole from event %d on: %d events, head %s.\nThe events before it were archived, which is signed. Name the files of the archive too to verify them.\n", rep.from, rep.events, rep.head)
	} else {
		fmt.Fprintf(out, "The log is whole: %d events, head %s.\n", rep.events, rep.head)
	}
	fmt.Fprintf(out, "It ends where it was signed at %q: of what was recorded after that it tells nothing.\n", rep.at)
	if len(keys) == 0 && rep.key != "" {
		fmt.Fprintf(out, "It is signed with %s. Compare that with what \"gatehouse audit key\" prints.\n", rep.key)
	}
	if rep.from > 0 {
		return 3
	}
	return 0
}
