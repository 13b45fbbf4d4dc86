package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
)

// What of a connection's statements is kept prepared.
const (
	mostPrepared    = 256
	longestPrepared = 32 << 10 // bytes of text
)

// rawConn is what a connection of the SQLite driver can do that database/sql makes use of.
type rawConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type rawStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// preparingConnector opens connections that keep what they prepared, also from one transaction to the next: database/sql closes the statements of a
// transaction with it, and SQLite would parse and plan each text anew.
type preparingConnector struct {
	dsn    string
	driver driver.Driver
}

// openPreparing is sql.Open of SQLite with such connections.
func openPreparing(dsn string) (*sql.DB, error) {
	plain, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(preparingConnector{dsn, plain.Driver()}), plain.Close()
}

func (c preparingConnector) Driver() driver.Driver { return c.driver }

func (c preparingConnector) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.driver.Open(c.dsn)
	if err != nil {
		return nil, err
	}
	raw, ok := conn.(rawConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("db: a connection of %T can't be used", conn), conn.Close())
	}
	return &preparingConn{rawConn: raw, prepared: map[string]*preparedStmt{}}, nil
}

// preparingConn is used by one goroutine at a time, as database/sql sees to. It has no ExecContext and QueryContext of its own, so that all goes through
// PrepareContext.
type preparingConn struct {
	rawConn
	prepared map[string]*preparedStmt
}

// PrepareContext implements driver.ConnPrepareContext.
func (c *preparingConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	p := c.prepared[query]
	if p != nil && !p.used {
		p.used = true
		return p, nil
	}
	s, err := c.rawConn.PrepareContext(ctx, query)
	raw, ok := s.(rawStmt)
	if err != nil || !ok || p != nil || len(query) > longestPrepared || len(c.prepared) >= mostPrepared && !c.forgetOne() {
		return s, err
	}
	p = &preparedStmt{rawStmt: raw, used: true}
	c.prepared[query] = p
	return p, nil
}

// forgetOne makes room for another: texts that run often soon have theirs again.
func (c *preparingConn) forgetOne() bool {
	for query, p := range c.prepared {
		if !p.used && p.rawStmt.Close() == nil {
			delete(c.prepared, query)
			return true
		}
	}
	return false
}

// Close implements driver.Conn.
func (c *preparingConn) Close() error {
	var failed []error
	for _, p := range c.prepared {
		failed = append(failed, p.rawStmt.Close())
	}
	clear(c.prepared)
	return errors.Join(append(failed, c.rawConn.Close())...)
}

// preparedStmt is a statement that outlives its Close.
type preparedStmt struct {
	rawStmt
	used bool
}

// Close implements driver.Stmt.
func (p *preparedStmt) Close() error {
	p.used = false
	return nil
}
