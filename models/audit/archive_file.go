package audit

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// A part's file is an export of it: the line that begins an export, the closing of the part before it, where there is one, the events with the checkpoints
// at their places, and its own closing. Parts in their order, and an export of what is left after them, are one log.

// content is what of the log stands in one file.
type content struct {
	events      []exportEvent
	values      int64 // personal ones
	checkpoints []Checkpoint
}

// write writes the lines of a part's file.
func (c content) write(w io.Writer, closing Closing, before *Closing) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	if err := out.Encode(exportHead{"export", 1, true, closing.At}); err != nil {
		return err
	}
	if before != nil {
		if err := out.Encode(before); err != nil {
			return err
		}
	}
	waiting := c.checkpoints
	for _, e := range c.events {
		if err := out.Encode(e); err != nil {
			return err
		}
		for ; len(waiting) > 0 && waiting[0].Seq == e.Seq; waiting = waiting[1:] {
			if err := out.Encode(waiting[0]); err != nil {
				return err
			}
		}
	}
	return out.Encode(closing)
}

// draft writes the part into a new file of the folder that only its owner reads, has the disk take it, and reads it back.
func (c content) draft(folder string, closing Closing, before *Closing) (path string, err error) {
	f, err := os.CreateTemp(folder, drafts) // 0600
	if err != nil {
		return "", err
	}
	buffered := bufio.NewWriter(f)
	if err = errors.Join(c.write(buffered, closing, before), buffered.Flush(), f.Sync(), f.Close()); err != nil {
		return "", err
	}
	found, err := readPart(f.Name(), closing, before)
	if err == nil && (len(found.events) != len(c.events) || found.values != c.values || len(found.checkpoints) != len(c.checkpoints)) {
		err = errors.New("something is missing")
	}
	if err != nil {
		return "", fmt.Errorf("what was written differs from what was read back: %w", err)
	}
	return f.Name(), nil
}

// drafts are files that are not finished: what a crash leaves of them is removed by the next run.
const drafts = ".audit-*.tmp"

// syncFolder has the disk take what the folder is told to hold.
func syncFolder(folder string) error {
	f, err := os.Open(folder) //nolint:gosec // the operator's own path
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// place gives the draft its name in the folder. Done again, it changes nothing.
func place(draft os.FileInfo, from, folder, name string) error {
	to := filepath.Join(folder, name)
	if there, err := os.Lstat(to); err == nil && os.SameFile(there, draft) {
		return syncFolder(folder)
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return syncFolder(folder)
}

// errPart is why a file is not the part that it should be.
type errPart struct {
	seq int64
	why string
}

func (e errPart) Error() string { return fmt.Sprintf("event %d: %s", e.seq, e.why) }

// readPart reads the file of a part, and fails with errPart unless it is that part to the byte but for personal values that were erased. before is the closing of
// the part before it; nil for the first.
func readPart(path string, want Closing, before *Closing) (content, error) {
	var c content
	f, err := os.Open(path) //nolint:gosec // the operator's own path
	if err != nil {
		return c, err
	}
	defer func() { _ = f.Close() }()
	r := reading{want: want, before: before, next: want.First, into: &c}
	if r.prev, err = hex.DecodeString(want.Previous); err != nil {
		return c, errPart{want.First, "its closing has no hash"}
	}
	lines := bufio.NewReader(f)
	for n := 0; ; n++ {
		line, err := lines.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF) && len(line) == 0 && r.closed:
			return c, nil
		case errors.Is(err, io.EOF):
			return c, errPart{r.next, "the file ends too soon"}
		case err != nil:
			return c, err
		case r.closed:
			return c, errPart{r.next, "the file goes on after its end"}
		}
		if why := r.line(n, line); why != "" {
			return c, errPart{min(r.next, want.Last), why}
		}
	}
}

type reading struct {
	want   Closing
	before *Closing
	next   int64
	prev   []byte
	closed bool
	into   *content
}

// line takes one line and says what is wrong with it. Each must be as it was written, to the byte: what a reader of JSON passes over, such as a name that comes
// twice, is a change too.
func (r *reading) line(n int, line []byte) string {
	var kind struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(line, &kind); err != nil {
		return "a line of the file can’t be read"
	}
	switch {
	case n == 0:
		return r.same(line, exportHead{"export", 1, true, r.want.At})
	case n == 1 && r.before != nil:
		return r.same(line, r.before)
	case kind.Type == closingType:
		r.closed = true
		if r.next != r.want.Last+1 {
			return "events are missing at the end of the file"
		}
		if hex.EncodeToString(r.prev) != r.want.Hash {
			return "the events of the file differ from what was signed when they were archived"
		}
		return r.same(line, r.want)
	case kind.Type == checkpointType:
		return r.checkpoint(line)
	}
	return r.event(line)
}

func (r *reading) same(line []byte, want any) string {
	var again bytes.Buffer
	out := json.NewEncoder(&again)
	out.SetEscapeHTML(false)
	if err := out.Encode(want); err != nil || !bytes.Equal(again.Bytes(), line) {
		return "a line of the file is not as it was written"
	}
	return ""
}

func (r *reading) checkpoint(line []byte) string {
	var c Checkpoint
	if err := json.Unmarshal(line, &c); err != nil {
		return "a checkpoint can’t be read"
	}
	if c.Seq != r.next-1 || c.Hash != hex.EncodeToString(r.prev) {
		return "a checkpoint in the file does not fit the event before it"
	}
	r.into.checkpoints = append(r.into.checkpoints, c)
	return r.same(line, c)
}

func (r *reading) event(line []byte) string {
	var e exportEvent
	if err := json.Unmarshal(line, &e); err != nil {
		return "an event can’t be read"
	}
	row, err := e.row()
	if err != nil {
		return "an event can’t be read"
	}
	if why := fits(row, r.next, r.prev); why != "" {
		return why
	}
	if why := e.whoFits(); why != "" {
		return why
	}
	if why := r.same(line, e); why != "" {
		return why
	}
	r.next, r.prev = row.Seq+1, row.Hash
	r.into.events = append(r.into.events, e)
	r.into.values += int64(len(e.Who))
	return ""
}

// row is the event as it was stored.
func (e exportEvent) row() (Row, error) {
	at, err := time.Parse(time.RFC3339Nano, e.At)
	previous, err2 := hex.DecodeString(e.PreviousHash)
	hash, err3 := hex.DecodeString(e.Hash)
	r := Row{
		Seq: e.Seq, At: at, ActorKind: e.ActorKind, Act: e.Act, TargetKind: e.TargetKind, Result: e.Result, RequestID: e.RequestID,
		Details: e.Details, Personal: e.Personal, PreviousHash: previous, Hash: hash,
	}
	errs := []error{err, err2, err3}
	var actorID, targetID, organizationID db.ID
	for _, id := range []struct {
		text string
		into *db.ID
	}{{e.ID, &r.ID}, {e.ActorID, &actorID}, {e.TargetID, &targetID}, {e.OrganizationID, &organizationID}} {
		errs = append(errs, id.into.Scan(id.text))
	}
	r.ActorID, r.TargetID, r.OrganizationID = actorID.Ref(), targetID.Ref(), organizationID.Ref()
	return r, errors.Join(errs...)
}

// whoFits compares the personal values that are still there with their digests in the chain.
func (e exportEvent) whoFits() string {
	var digests map[string]string
	if err := json.Unmarshal([]byte(e.Personal), &digests); err != nil {
		return "its digests can’t be read"
	}
	for field, v := range e.Who {
		salt, err := base64.StdEncoding.DecodeString(v.Salt)
		if err != nil || digests[field] != PersonalDigest(salt, v.Value) {
			return "a personal field differs from its digest"
		}
	}
	return ""
}
