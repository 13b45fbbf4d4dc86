package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
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
	Target string // another one is given all events from the first
	Send   func(context.Context, []Streamed) error
}

type streamPosition struct {
	Target string    `json:"target"` // its hash: it can hold a password
	Seq    int64     `json:"seq"`
	At     time.Time `json:"at"` // of the last hand-over
}

func (s *Stream) hashed() string {
	sum := sha256.Sum256([]byte(s.Target))
	return hex.EncodeToString(sum[:8])
}

// Run hands on what is new, batch by batch, until there is nothing left or ctx ends. What fails is tried again by the next run, from the same event on.
func (s *Stream) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		from, err := s.position(ctx)
		if err != nil {
			return fmt.Errorf("audit: stream: %w", err)
		}
		batch, last, err := s.next(ctx, from)
		if err != nil || len(batch) == 0 {
			return err
		}
		if err := s.Send(ctx, batch); err != nil {
			return fmt.Errorf("audit: the collector did not take events %d to %d, which wait: %w", from+1, last, err)
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

func (s *Stream) position(ctx context.Context) (int64, error) {
	var stored []string
	if err := s.DB.Read(ctx).Raw("SELECT value FROM settings WHERE name = ?", streamName).Scan(&stored).Error; err != nil {
		return 0, err
	}
	var p streamPosition
	if len(stored) == 0 || json.Unmarshal([]byte(stored[0]), &p) != nil || p.Target != s.hashed() {
		return 0, nil //nolint:nilerr // a position that can’t be read is none: the log is sent from its first event
	}
	return p.Seq, nil
}

func (s *Stream) next(ctx context.Context, from int64) ([]Streamed, int64, error) {
	var rows []Row
	if err := s.DB.Read(ctx).Raw("SELECT * FROM audit_events WHERE seq > ? ORDER BY seq LIMIT ?", from, StreamBatch).Scan(&rows).Error; err != nil || len(rows) == 0 {
		return nil, from, err
	}
	personal, err := personalOf(ctx, s.DB, rows)
	if err != nil {
		return nil, from, err
	}
	out := make([]Streamed, len(rows))
	for i, r := range rows {
		var line bytes.Buffer
		to := json.NewEncoder(&line)
		to.SetEscapeHTML(false)
		if err := to.Encode(exported(r, personal[r.ID])); err != nil {
			return nil, from, err
		}
		out[i] = Streamed{r.Act, r.Result == Refused, r.At, bytes.TrimSpace(line.Bytes())}
	}
	return out, rows[len(rows)-1].Seq, nil
}

func (s *Stream) keep(ctx context.Context, seq int64) error {
	return s.DB.Tx(ctx, func(tx *db.Tx) error {
		text, err := json.Marshal(streamPosition{s.hashed(), seq, tx.Now.UTC().Truncate(time.Second)})
		if err != nil {
			return err
		}
		_, err = tx.Run("INSERT INTO settings (name, value, updated_at) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at", streamName, string(text), tx.Now)
		return err
	})
}

// Taken is the last event that the collector has taken; 0 when it has taken none.
func (s *Stream) Taken(ctx context.Context) (int64, error) { return s.position(ctx) }

// Behind is for how long the first event that was not handed on has waited, and how many do; zero when none does.
func (s *Stream) Behind(ctx context.Context) (time.Duration, int64, error) {
	from, err := s.position(ctx)
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
