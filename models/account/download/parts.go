package download

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// partSize is how many bytes one row holds, before they are sealed.
const partSize = 256 << 10

// writer keeps what is written to it as parts of a download, each in a transaction of its own.
type writer struct {
	ctx      context.Context //nolint:containedctx // it is an io.Writer for the time of one call
	store    *Store
	owner    db.ID
	download db.ID
	run      db.ID
	buffer   []byte
	parts    int
	size     int64
}

// Write implements io.Writer.
func (w *writer) Write(b []byte) (int, error) {
	w.buffer = append(w.buffer, b...)
	w.size += int64(len(b))
	for len(w.buffer) >= partSize {
		if err := w.keep(w.buffer[:partSize]); err != nil {
			return 0, err
		}
		w.buffer = append(w.buffer[:0], w.buffer[partSize:]...)
	}
	return len(b), nil
}

// Close keeps what is left.
func (w *writer) Close() error { return w.keep(w.buffer) }

func (w *writer) keep(b []byte) error {
	sealed := w.store.o.Sealer.Seal(b, record(w.owner, w.download, w.run, w.parts))
	err := w.store.o.DB.Tx(w.ctx, func(tx *db.Tx) error {
		_, err := tx.Run("INSERT INTO download_parts (download_id, run, part, body_sealed) VALUES (?, ?, ?, ?)", w.download, w.run, w.parts, sealed)
		return err
	})
	w.parts++
	return err
}

// record binds a sealed part to whose it is, and to its place (C6).
func record(owner, download, run db.ID, part int) string {
	return owner.String() + "/" + download.String() + "/" + run.String() + "/" + strconv.Itoa(part)
}

// Copy writes the file of a download that Fetch gave. Fault: NotFound when it is gone.
func (s *Store) Copy(ctx context.Context, d Download, w io.Writer) error {
	if d.Run == nil {
		return fault.Missing()
	}
	var written int64
	for part := 0; written < d.Size; part++ {
		var rows []string
		if err := s.o.DB.Read(ctx).Raw("SELECT body_sealed FROM download_parts WHERE download_id = ? AND run = ? AND part = ?", d.ID, *d.Run, part).Scan(&rows).Error; err != nil {
			return err
		}
		if len(rows) == 0 {
			return fault.Missing()
		}
		b, err := s.o.Sealer.Open(rows[0], record(d.UserID, d.ID, *d.Run, part))
		if err != nil {
			return fmt.Errorf("download %s: %w", d.ID, err)
		}
		n, err := w.Write(b)
		written += int64(n)
		if err != nil {
			return err
		}
	}
	return nil
}
