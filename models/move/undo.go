package move

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/setting"
)

// ErrNotMoved says that there is no move to take back.
var ErrNotMoved = errors.New("move: this database was not moved")

// ErrUnseen says that the new database could not be looked into, so that nobody knows whether servers run on it.
var ErrUnseen = errors.New("move: the new database can’t be looked into")

// Back is how a move is taken back.
type Back struct {
	To    string // postgres://… of the new database, for its password; "": as it was moved to, with what libpq's environment adds
	Blind bool   // do not look into the new database: it is gone for good, or no server runs on it
}

// Undone is a move that was taken back.
type Undone struct {
	Mark
	Gone  bool // there is no such database any more
	Since      // unknown when Gone or Blind
}

// Since is what was done in the new database since the move and is not in the old one.
type Since struct {
	Revoked   int64 // keys that were revoked, and work again here
	Passwords int64 // people whose password was changed: the one that they had works again here
	Suspended int64 // people, organizations, apps and keys that were suspended, and are not here
}

// sinceQuery counts a Since; its argument is when the move was.
const sinceQuery = `SELECT (SELECT COUNT(*) FROM keys WHERE revoked_at > $1), (SELECT COUNT(*) FROM users WHERE password_changed_at > $1),
	(SELECT COUNT(*) FROM users WHERE suspended_at > $1) + (SELECT COUNT(*) FROM organizations WHERE suspended_at > $1)
	+ (SELECT COUNT(*) FROM apps WHERE suspended_at > $1) + (SELECT COUNT(*) FROM keys WHERE suspended_at > $1)`

// ErrServed says that servers run on the new database.
type ErrServed struct{ Names []string }

// Error names them.
func (e *ErrServed) Error() string {
	return "move: servers run on the new database: " + strings.Join(e.Names, ", ")
}

// Undo lets the database that was moved be served again, as it was then, and marks the new one so that no server starts on it: of two that are served, each would not hear
// of what is revoked in the other. What happened in the new one since is not in this one, above all revocations. Nobody is signed in afterwards: a session that was ended in the
// new one would be there again. Fails, and changes nothing, with ErrNotMoved, with *ErrServed
// while a server of the new one lives, and with ErrUnseen when that can't be seen; Blind does not look.
func Undo(ctx context.Context, d *db.DB, b Back) (Undone, error) {
	gone, moved, err := Departed(ctx, d)
	u := Undone{Mark: gone}
	if err != nil {
		return u, err
	}
	if !moved {
		return u, ErrNotMoved
	}
	if !b.Blind {
		if err := u.leave(ctx, d, cmp.Or(b.To, gone.Via, "postgres://"+gone.To)); err != nil {
			return u, err
		}
	}
	hold, err := d.Hold(ctx)
	if err != nil {
		return u, err
	}
	for _, statement := range []string{"DELETE FROM provider_sessions", "DELETE FROM sessions", "DELETE FROM settings WHERE name = '" + movedName + "'"} {
		if err := hold.Exec(ctx, statement); err != nil {
			return u, errors.Join(err, hold.Release())
		}
	}
	return u, hold.Unmove(ctx)
}

// leave marks the new database as one that is not served any more, unless it is.
func (u *Undone) leave(ctx context.Context, d *db.DB, address string) error {
	to, err := connect(ctx, address)
	if missing(err) {
		u.Gone = true
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnseen, err)
	}
	defer func() { _ = to.Close(context.WithoutCancel(ctx)) }()
	if err := sameHouse(ctx, d, to); err != nil {
		return err
	}
	left := u.Mark
	left.Back = d.Now()
	value, err := json.Marshal(left)
	if err != nil {
		return err
	}
	// The mark comes first: a server that starts meanwhile sees it, and one that started before is seen.
	_, err = to.Exec(ctx, "INSERT INTO settings (name, value, updated_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET value = excluded.value", ArrivalName, string(value), left.Back)
	if missing(err) {
		u.Gone = true
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnseen, err)
	}
	names, err := living(ctx, to)
	if err == nil && len(names) > 0 {
		err = &ErrServed{names}
	}
	if err == nil {
		err = to.QueryRow(ctx, sinceQuery, u.At).Scan(&u.Revoked, &u.Passwords, &u.Suspended)
	}
	if err != nil {
		_, bad := to.Exec(context.WithoutCancel(ctx), "DELETE FROM settings WHERE name = $1", ArrivalName)
		return errors.Join(err, bad)
	}
	return nil
}

// living names the servers that said that they live, by the database's own clock; see models/replica.
func living(ctx context.Context, to *pgx.Conn) ([]string, error) {
	rows, err := to.Query(ctx, "SELECT name FROM replicas WHERE seen_at > clock_timestamp() - interval '15 seconds' ORDER BY name")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// sameHouse fails unless the database at the address is of this installation: both know what their root secret makes of a fixed text, from their first start on.
func sameHouse(ctx context.Context, d *db.DB, to *pgx.Conn) error {
	const name = "secret_canary"
	var here, there string
	known, err := setting.Get(ctx, d, name, &here)
	if err != nil {
		return err
	}
	if !known {
		return fmt.Errorf("%w: this installation never started, so that none can be told to be its own", ErrUnseen)
	}
	var value string
	err = to.QueryRow(ctx, "SELECT value FROM settings WHERE name = $1", name).Scan(&value)
	if missing(err) {
		return nil // there is no installation
	}
	if err == nil {
		err = json.Unmarshal([]byte(value), &there)
	}
	if err == nil && here != there {
		err = errors.New("it holds another installation")
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnseen, err)
	}
	return nil
}

// missing reports whether err says that the database or its tables are not there.
func missing(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "3D000" || pg.Code == "42P01")
}

// connect opens a target, and says plainly what keeps it from that.
func connect(ctx context.Context, address string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err == nil {
		return conn, nil
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch {
		case pg.Code == "3D000":
			return nil, fmt.Errorf("there is no database %q at %s. Make it first, empty: CREATE DATABASE %s (%w)", config.Database, config.Host, pgx.Identifier{config.Database}.Sanitize(), pg)
		case strings.HasPrefix(pg.Code, "28"):
			return nil, fmt.Errorf("%s does not let %q in. Its password may stand in the address, in PGPASSWORD or in ~/.pgpass (%w)", config.Host, config.User, pg)
		}
		return nil, fmt.Errorf("%s: %w", config.Host, pg)
	}
	return nil, err
}

// withoutPassword is an address as it may be kept; "" for one that is no URL.
func withoutPassword(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	q := u.Query()
	for _, secret := range []string{"password", "sslpassword"} {
		q.Del(secret)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// Left reports when this copy was left again, by a move that was taken back; false for one that is only not finished.
func (m Mark) Left() (time.Time, bool) { return m.Back, !m.Back.IsZero() }
