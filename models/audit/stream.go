package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// streamName is the setting that holds how far the log was handed on.
const streamName = "audit.stream"

// StreamBatch is how many events are handed on at once.
const StreamBatch = 200

// Streamed is an event as it is handed on: Line is its line of an export.
type Streamed struct {
	Act     string
	Refused bool
	At      time.Time
	Line    []byte
}

// Stream hands the log on to a collector, in order and from its first event on that is not archived. The log itself is what waits while the collector is away: nothing is
// kept twice, and nothing is lost. An event can come twice, and is known by its number and id.
type Stream struct {
	DB     *db.DB
	Signer *Signer
	Target string // another one is given all events from the first
	Send   func(context.Context, []Streamed) error
}

// streamPosition is signed, else who owns the database would hold events back from the collector by moving it on.
type streamPosition struct {
	Target string     `json:"target"` // its hash: it can hold a password
	Last   Checkpoint `json:"last"`   // the last event that was handed on
}

// streamType keeps a position from being taken for a checkpoint, and that of one target for another's.
const streamType = "stream "

func (s *Stream) hashed() string {
	sum := sha256.Sum256([]byte(s.Target))
	return hex.EncodeToString(sum[:8])
}

// Run hands on what is new, batch by batch, until there is nothing left or ctx ends. What fails is tried again by the next run, from the same event on.
func (s *Stream) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		from, noted, err := s.position(ctx)
		if err != nil {
			return fmt.Errorf("audit: stream: %w", err)
		}
		batch, last, err := s.next(ctx, from)
		if err != nil || len(batch) == 0 {
			return err
		}
		if err := s.Send(ctx, batch); err != nil {
			return fmt.Errorf("audit: the collector did not take events %d to %d, which wait: %w", from+1, last.Seq, err)
		}
		if noted && from == 0 {
			slog.Error("how far the collector has the audit log was not noted by us, or the log is another one, so the collector is given all of it again")
		}
		if err := s.keep(ctx, last); err != nil {
			return fmt.Errorf("audit: stream: %w", err)
		}
		if len(batch) < StreamBatch {
			return nil
		}
	}
	return nil
}

// position is how far the log was handed on: 0 where that is not known by a signature of ours, or is not of this log. Noted says that something was.
func (s *Stream) position(ctx context.Context) (seq int64, noted bool, err error) {
	var stored []string
	if err := s.DB.Read(ctx).Raw("SELECT value FROM settings WHERE name = ?", streamName).Scan(&stored).Error; err != nil {
		return 0, false, err
	}
	var p streamPosition
	if len(stored) == 0 || json.Unmarshal([]byte(stored[0]), &p) != nil || p.Target != s.hashed() {
		return 0, false, nil //nolint:nilerr // a position that can’t be read is none: the log is sent from its first event
	}
	if p.Last.Type != streamType+p.Target || p.Last.Check(s.Signer.Keys()) != nil {
		return 0, true, nil //nolint:nilerr // what we did not sign is no position
	}
	fits, err := s.fits(ctx, p.Last)
	if err != nil || !fits {
		return 0, true, err
	}
	return p.Last.Seq, true, nil
}

// fits reports whether the log still has the event, or archived it.
func (s *Stream) fits(ctx context.Context, last Checkpoint) (bool, error) {
	var found []struct{ Hash []byte }
	if err := s.DB.Read(ctx).Raw("SELECT hash FROM audit_events WHERE seq = ?", last.Seq).Scan(&found).Error; err != nil {
		return false, err
	}
	if len(found) > 0 {
		return hex.EncodeToString(found[0].Hash) == last.Hash, nil
	}
	known, err := extentOf(ctx, s.DB)
	return last.Seq <= known.Archived, err
}

func (s *Stream) next(ctx context.Context, from int64) (out []Streamed, last Row, err error) {
	var rows []Row
	if err := s.DB.Read(ctx).Raw("SELECT * FROM audit_events WHERE seq > ? ORDER BY seq LIMIT ?", from, StreamBatch).Scan(&rows).Error; err != nil || len(rows) == 0 {
		return nil, last, err
	}
	personal, err := personalOf(ctx, s.DB, rows)
	if err != nil {
		return nil, last, err
	}
	out = make([]Streamed, len(rows))
	for i, r := range rows {
		var line bytes.Buffer
		to := json.NewEncoder(&line)
		to.SetEscapeHTML(false)
		if err := to.Encode(exported(r, personal[r.ID])); err != nil {
			return nil, last, err
		}
		out[i] = Streamed{r.Act, r.Result == Refused, r.At, bytes.TrimSpace(line.Bytes())}
	}
	return out, rows[len(rows)-1], nil
}

func (s *Stream) keep(ctx context.Context, last Row) error {
	return s.DB.Tx(ctx, func(tx *db.Tx) error {
		target := s.hashed()
		text, err := json.Marshal(streamPosition{target, s.Signer.sign(streamType+target, last.Seq, last.Hash, tx.Now)})
		if err != nil {
			return err
		}
		_, err = tx.Run("INSERT INTO settings (name, value, updated_at) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at", streamName, string(text), tx.Now)
		return err
	})
}

// Taken is the last event that the collector has taken; 0 when it has taken none.
func (s *Stream) Taken(ctx context.Context) (int64, error) {
	seq, _, err := s.position(ctx)
	return seq, err
}

// Behind is for how long the first event that was not handed on has waited, and how many do; zero when none does.
func (s *Stream) Behind(ctx context.Context) (time.Duration, int64, error) {
	from, _, err := s.position(ctx)
	if err != nil {
		return 0, 0, err
	}
	var rows []struct {
		Seq int64
		At  time.Time
	}
	if err := s.DB.Read(ctx).Raw("SELECT seq, at FROM audit_events WHERE seq > ? ORDER BY seq LIMIT 1", from).Scan(&rows).Error; err != nil || len(rows) == 0 {
		return 0, 0, err
	}
	var head int64
	err = s.DB.Read(ctx).Raw("SELECT seq FROM audit_head WHERE id = 1").Scan(&head).Error
	return s.DB.Now().Sub(rows[0].At), head - rows[0].Seq + 1, err
}
