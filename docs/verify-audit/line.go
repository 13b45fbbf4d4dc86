package main

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
