// Package change is the feed by which every process learns what verification must forget. A mutation writes its rows in
// its own transaction; other processes poll the table.
package change

import (
	"context"
	"slices"
	"strings"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Kinds of change: the noun whose facts are different now.
const (
	Key          = "key"
	KeyCreated   = "key_created"
	App          = "app"
	Organization = "organization"
	User         = "user"
	Access       = "access" // subject: the app whose access it is
	API          = "api"    // its scopes, versions, rules and plans too
	Import       = "import" // of keys made elsewhere: its form
	Session      = "session"
	Setting      = "setting"
)

// feedLock is the PostgreSQL advisory lock under which rows are numbered.
const feedLock = 0x67_61_74_65 // "gate"

// Channel is the one on which PostgreSQL tells, at the commit, that there are new rows: only that, so that nobody is tempted to believe it.
const Channel = "gatehouse_changes"

// Record notes that a noun changed. The row is written last in the transaction, under a lock, so that sequence numbers become
// visible in their own order and a reader that goes by them can't skip one.
func Record(tx *db.Tx, kind string, id db.ID) { RecordMany(tx, kind, []db.ID{id}) }

// RecordMany is Record of several nouns of a kind, in a few statements whatever their number.
func RecordMany(tx *db.Tx, kind string, ids []db.ID) {
	if len(ids) > 0 {
		tx.BeforeCommit(db.StageChange, func() error { return write(tx, kind, ids) })
	}
}

// rowsAtOnce is how many changes one statement writes.
const rowsAtOnce = 500

func write(tx *db.Tx, kind string, ids []db.ID) error {
	if tx.Home.Dialect == db.Postgres {
		// The hint goes out when this commits, and never when it rolls back.
		if err := tx.Exec("SELECT pg_advisory_xact_lock(?), pg_notify(?, '')", feedLock, Channel).Error; err != nil {
			return err
		}
	}
	for part := range slices.Chunk(ids, rowsAtOnce) {
		var args []any
		for _, id := range part {
			args = append(args, kind, id, tx.Now)
		}
		var written []db.Change
		err := tx.Raw("INSERT INTO changes (kind, subject_id, at) VALUES "+strings.TrimSuffix(strings.Repeat("(?, ?, ?), ", len(part)), ", ")+
			" RETURNING seq, kind, subject_id", args...).Scan(&written).Error
		if err != nil {
			return err
		}
		for _, c := range written {
			tx.AddChange(c)
		}
	}
	return nil
}

// Since reads the changes after seq, oldest first, at most limit.
func Since(ctx context.Context, d *db.DB, seq int64, limit int) ([]db.Change, error) {
	var out []db.Change
	err := d.Read(ctx).Raw("SELECT seq, kind, subject_id FROM changes WHERE seq > ? ORDER BY seq LIMIT ?", seq, limit).Scan(&out).Error
	return out, err
}

// Last is the newest sequence number; 0 when there is none.
func Last(ctx context.Context, d *db.DB) (int64, error) {
	var seq int64
	err := d.Read(ctx).Raw("SELECT COALESCE(MAX(seq), 0) FROM changes").Scan(&seq).Error
	return seq, err
}
