// Verify-audit verifies an export of Gatehouse's audit log (JSON lines), without Gatehouse and without its database. It is one file over Go's standard
// library, to be read before it is trusted:
//
//	go run main.go -key KEY audit.jsonl
//
// KEY is what "gatehouse audit key" prints; ask for it by another way than the export's. With -checkpoints FILE the log is also compared with checkpoints that were
// kept elsewhere. It ends with 0 when every event from the first to the last is as it was, 1 when one is not, 2 when it could not look,
// and 3 when what it holds is right but is a choice of events, of which nobody can tell whether one is missing.
package main

import (
	"bufio"
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

// signed checks the signature of a checkpoint; keys are those that are trusted, none for any.
func (l line) signed(keys []string) error {
	key, err := base64.StdEncoding.DecodeString(l.Key)
	signature, err2 := base64.StdEncoding.DecodeString(l.Signature)
	text := fmt.Sprintf("gatehouse audit checkpoint 1\n%d\n%s\n%s\n", l.Seq, l.Hash, l.At)
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
	whole  bool
	head   string
	key    string // of the last checkpoint
	signed uint64 // the last event that a signature covers
}

// read calls fn for each line. A torn one is an error, or passed over.
func read(r io.Reader, passTorn bool, fn func(line) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for n := 1; lines.Scan(); n++ {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
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

// verify reads an export. outside are checkpoints by their event.
func verify(r io.Reader, keys []string, outside map[uint64][]line) (report, error) {
	var rep report
	var last line
	begun := false
	err := read(r, false, func(l line) error {
		if !begun {
			begun, rep.whole = true, l.Whole
			if l.Type != "export" || l.Version != 1 {
				return errors.New("this is no export of version 1")
			}
			return nil
		}
		switch l.Type {
		case "event":
			if err := follows(l, last, rep.whole); err != nil {
				return fmt.Errorf("event %d: %w", l.Seq, err)
			}
			for _, c := range outside[l.Seq] {
				if c.Hash != l.Hash {
					return fmt.Errorf("event %d, or one before it, was made anew since the checkpoint of %s", l.Seq, c.At)
				}
				rep.signed = max(rep.signed, l.Seq)
			}
			last = l
			rep.events++
		case "checkpoint":
			if l.Seq != last.Seq || l.Hash != last.Hash {
				return fmt.Errorf("the checkpoint at event %d does not fit the event before it", l.Seq)
			}
			if err := l.signed(keys); err != nil {
				return fmt.Errorf("the checkpoint at event %d: %w", l.Seq, err)
			}
			rep.signed, rep.key = max(rep.signed, l.Seq), l.Key
		default:
			return fmt.Errorf("nothing known of lines of type %q", l.Type)
		}
		return nil
	})
	rep.head = last.Hash
	if err == nil && rep.whole {
		err = ended(rep, last, outside)
	}
	return rep, err
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
func ended(rep report, last line, outside map[uint64][]line) error {
	if rep.events > 0 && rep.signed != last.Seq {
		return fmt.Errorf("no checkpoint closes it: the end is missing after event %d", last.Seq)
	}
	for seq, c := range outside {
		if seq > last.Seq {
			return fmt.Errorf("the checkpoint of %s tells of %d events, the export holds %d", c[0].At, seq, last.Seq)
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
		if l.Type != "checkpoint" {
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
	if err := flags.Parse(args); err != nil || flags.NArg() != 1 {
		fmt.Fprintln(out, "usage: verify-audit [-key KEY] [-checkpoints FILE] audit.jsonl")
		return 2
	}
	f, err := os.Open(flags.Arg(0))
	if err != nil {
		fmt.Fprintln(out, err)
		return 2
	}
	defer func() { _ = f.Close() }()
	outside, err := kept(*checkpoints, keys)
	if err != nil {
		fmt.Fprintln(out, "The checkpoints are not right:", err)
		return 1
	}
	rep, err := verify(f, keys, outside)
	switch {
	case err != nil:
		fmt.Fprintln(out, "The log is not whole:", err)
		return 1
	case !rep.whole:
		fmt.Fprintf(out, "These %d events are as they were. They are a choice: whether one is missing can't be told.\n", rep.events)
		return 3
	}
	fmt.Fprintf(out, "The log is whole: %d events, head %s.\n", rep.events, rep.head)
	if len(keys) == 0 && rep.key != "" {
		fmt.Fprintf(out, "It is signed with %s. Compare that with what \"gatehouse audit key\" prints.\n", rep.key)
	}
	return 0
}
