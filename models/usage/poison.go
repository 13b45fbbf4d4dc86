package usage

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
)

// poisoned reports whether the batch itself is what the database refuses, so that it must not hold up the ones after it (REL-20): a row that
// breaks a rule of the schema, or a value that is none.
func poisoned(err error) bool {
	if errors.Is(err, gorm.ErrForeignKeyViolated) || errors.Is(err, gorm.ErrCheckConstraintViolated) || errors.Is(err, gorm.ErrDuplicatedKey) || errors.Is(err, gorm.ErrInvalidData) {
		return true
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return strings.HasPrefix(pg.Code, "22") || strings.HasPrefix(pg.Code, "23")
	}
	return strings.Contains(err.Error(), "constraint failed")
}

// refused notes that the pending batch was refused, and sets it aside once that has happened often enough. The error is nil when it was.
func (f *Flusher) refused(err error) error {
	p := f.pending
	if p.tries++; p.tries < mostTries {
		return err
	}
	f.putAside(p, err)
	f.pending = nil
	return nil
}

// putAside takes a batch out of the way. In a spool it stays, in a file whose name ends in .aside; otherwise it is lost.
func (f *Flusher) putAside(p *pending, cause error) {
	n := calls(p.Batch)
	f.Log.Error("a batch of usage can't be stored and is set aside", "calls", n, "replica", p.Replica, "boot", p.Boot, "batch", p.Seq, "error", cause)
	if p.sealed != nil {
		err := f.Spool.Aside(p.sealed)
		if err == nil {
			return
		}
		f.Log.Error("what is set aside can't be kept and is lost", "calls", n, "error", errors.Join(err, f.Spool.Done(p.sealed)))
	}
	f.told.tell(func(t *told) { t.lost, t.dropped = t.lost+1, t.dropped+n })
}

func calls(b keyring.Batch) int64 {
	var n int64
	for _, c := range b.Counts {
		n += c
	}
	return n
}
