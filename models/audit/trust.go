package audit

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Trust is what a log is compared with beside itself.
type Trust struct {
	Keys    []string     // public keys of this installation; empty: signatures are not looked at, and the checkpoints in the database not read
	Outside []Checkpoint // that were kept elsewhere
	Archive string       // folder of the archived parts; empty: their files are not read, and of them it is trusted that they were archived
}

// mark is what is signed of an event.
type mark struct {
	Checkpoint
	file string // of the archive, whose closing it is; "" for a checkpoint
}

func (m mark) name() string {
	if m.file != "" {
		return "what " + m.file + " ends with"
	}
	return "the checkpoint of " + m.At
}

// marks are the checkpoints by their event, and the closings in the archive's folder: what the database tells of it, who owns the database makes it forget.
type marks struct {
	bySeq  map[int64][]mark
	passed int
	last   int64

	released map[string]bool // files of which an event says so
	away     []Archived      // released parts whose files are not there, the oldest first
}

// note keeps what an event tells of files.
func (m *marks) note(r Row) {
	var details struct {
		File string `json:"file"`
	}
	if r.Act != string(LogReleased) || r.ActorKind != string(actor.Operator) || json.Unmarshal([]byte(r.Details), &details) != nil {
		return
	}
	if m.released == nil {
		m.released = map[string]bool{}
	}
	m.released[details.File] = true
}

// unread counts the events of files that are away. An event must tell of each that it was released, since nobody signs the row that does: one that was read, or one that
// is itself away in a later file.
func (m *marks) unread() (n, first int64, why string) {
	later := false
	for _, p := range slices.Backward(m.away) {
		if !m.released[p.Name()] && !later {
			return 0, p.First, "its archived part " + p.Name() + " is not there, and no event tells that an operator released it"
		}
		later = true
		n += p.Last - p.First + 1
	}
	return n, 0, ""
}

// reach is the last event that a checkpoint from outside tells of, where signatures are looked at. In a log that is whole each of them fits.
func (t Trust) reach() (last int64) {
	if len(t.Keys) == 0 {
		return 0
	}
	for _, c := range t.Outside {
		last = max(last, c.Seq)
	}
	return last
}

// marks reads the checkpoints in the database, and checks the signatures of all.
func (t Trust) marks(ctx context.Context, d *db.DB) (*marks, error) {
	m := &marks{bySeq: map[int64][]mark{}}
	if len(t.Keys) == 0 {
		return m, nil
	}
	if err := t.closings(m); err != nil {
		return nil, err
	}
	var rows []checkpointRow
	if err := d.Read(ctx).Raw("SELECT seq, hash, at, public_key, signature FROM audit_checkpoints ORDER BY seq").Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("audit: checkpoints: %w", err)
	}
	all := slices.Clone(t.Outside)
	for _, r := range rows {
		all = append(all, r.checkpoint())
	}
	for _, c := range all {
		if err := c.Check(t.Keys); err != nil {
			c.Hash = "" // fits no event, so the verdict names its place
		}
		m.bySeq[c.Seq] = append(m.bySeq[c.Seq], mark{Checkpoint: c})
	}
	return m, nil
}

// closings adds what the files of the archive end with, whether the database knows of them or not: a file that a crash left, of events that are still in the
// database, fits these.
func (t Trust) closings(m *marks) error {
	if t.Archive == "" {
		return nil
	}
	paths, err := partFiles(t.Archive)
	if err != nil {
		return fmt.Errorf("audit: archive: %w", err)
	}
	for _, path := range paths {
		c, ok := closingOf(path)
		if !ok {
			continue
		}
		if c.Check(t.Keys) != nil {
			c.Hash = ""
		}
		m.bySeq[c.Last] = append(m.bySeq[c.Last], mark{Checkpoint{Seq: c.Last, Hash: c.Hash, At: c.At}, filepath.Base(path)})
	}
	return nil
}

// fits says what is wrong with an event that a checkpoint tells of; "" when nothing is.
func (m *marks) fits(seq int64, hash []byte) string {
	for _, c := range m.bySeq[seq] {
		switch {
		case c.Hash == "":
			return c.name() + " is not signed by a key of this installation"
		case c.Hash != hex.EncodeToString(hash):
			return "it differs from " + c.name() + ": this event or one before it was made anew since"
		case c.file != "":
			continue
		}
		m.passed++
		m.last = seq
	}
	return ""
}

// beyond is a mark of an event that the log does not have.
func (m *marks) beyond(last int64) (mark, bool) {
	for _, seq := range slices.Sorted(maps.Keys(m.bySeq)) {
		if seq > last || seq < 1 {
			return m.bySeq[seq][0], true
		}
	}
	return mark{}, false
}

// ReadCheckpoints reads checkpoints as they were written down: a line of JSON each, as is the end of an export. What is none is passed over: events of
// an export, and a line that was torn when it was written, after which the same checkpoint was written again.
func ReadCheckpoints(r io.Reader) ([]Checkpoint, error) {
	var out []Checkpoint
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c Checkpoint
		if err := json.Unmarshal(lines.Bytes(), &c); err == nil && (c.Type == checkpointType || c.Type == endType) {
			out = append(out, c)
		}
	}
	return out, lines.Err()
}
