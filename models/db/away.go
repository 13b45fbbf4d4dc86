package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// awayClasses are PostgreSQL's classes of errors that say nothing of the statement: the connection, want of room or connections, the server going down or
// starting, its disk.
var awayClasses = []string{"08", "53", "57", "58"}

// Away reports whether err says that the database could not do its work now: it can't be reached, hangs, starts, is out of connections or of room, or is held by
// another. Who asked did nothing wrong and may ask again (503). Of a commit it does not say whether it was done.
func Away(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		var unconnected *pgconn.ConnectError
		return errors.As(err, &unconnected) || pg.Code == "25006" || slices.ContainsFunc(awayClasses, func(class string) bool { return strings.HasPrefix(pg.Code, class) })
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() & 0xff { // the primary code; what is above says more of it
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN:
			return true
		}
		return false
	}
	var network net.Error
	var unconnected *pgconn.ConnectError
	if errors.As(err, &network) || errors.As(err, &unconnected) {
		return true
	}
	for _, known := range []error{driver.ErrBadConn, sql.ErrConnDone, context.DeadlineExceeded, io.ErrUnexpectedEOF, net.ErrClosed} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}
