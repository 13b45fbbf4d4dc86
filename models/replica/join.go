package replica

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// lookEvery is how often a process looks whether another joined: a newcomer waits for that.
const lookEvery = time.Second

// joinPatience is how long a newcomer waits to be known. Who lives beats within it, with a second to spare; who does not died without a word, or can't reach
// the database.
const joinPatience = BeatEvery + time.Second

// First beats until all others know of this process, for joinPatience at most: while they divide limits by a smaller number, this one must let nothing
// through. A process that is alone waits for nobody. What fails Run tries again and tells.
func (h *Heart) First(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, joinPatience)
	defer cancel()
	tick := time.NewTicker(lookEvery / 10)
	defer tick.Stop()
	for {
		beat, cancel := context.WithTimeout(ctx, beatTimeout)
		err := h.Beat(beat) // again and again, since two who join at once wait for each other
		heard := false
		if err == nil {
			heard, err = h.Heard(beat)
		}
		cancel()
		if heard || err != nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Heard reports whether all who live have beaten since this process joined: each divides limits by a number that counts it. Who ended on this machine is not
// waited for.
func (h *Heart) Heard(ctx context.Context) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.joined.IsZero() {
		return false, nil
	}
	now, err := h.DatabaseClock(ctx)
	if err != nil {
		return false, err
	}
	others, err := h.others(ctx, now)
	if err != nil {
		return false, err
	}
	for _, o := range others {
		if !o.SeenAt.After(h.joined) && !ended(h.Name, o.Name) {
			return false, nil
		}
	}
	return true, nil
}

// somebodyJoined reports whether more processes live than this one knows of.
func (h *Heart) somebodyJoined(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, beatTimeout)
	defer cancel()
	h.mu.Lock()
	defer h.mu.Unlock()
	now, err := h.DatabaseClock(ctx)
	if err != nil {
		return false
	}
	others, err := h.others(ctx, now)
	return err == nil && int64(len(others)+1) > h.peers.Load()
}

// ended reports whether the process of a name has ended, as far as one of the same machine can tell: it went by this name before, or its number is no
// process's. It is asked for whom to wait, not whom to count: two machines of one name would count themselves as one.
func ended(own, name string) bool {
	if name == own {
		return true
	}
	here, _, _ := cutLast(own)
	there, number, ok := cutLast(name)
	pid, err := strconv.Atoi(number)
	return ok && here == there && err == nil && pid > 0 && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

func cutLast(name string) (host, number string, ok bool) {
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		return name, "", false
	}
	return name[:i], name[i+1:], true
}

// serve locks the file that says that a process serves the database, once. Who can have it alone is the only one: all rows of others are of processes that were
// killed. On a disk that does not take the file nothing is known, and they count until they are too old.
func (h *Heart) serve(ctx context.Context) error {
	if h.Serving == "" || h.serving != nil {
		return nil
	}
	f, err := os.OpenFile(h.Serving, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil //nolint:nilerr // it is only how to know sooner
	}
	fd := int(f.Fd()) //nolint:gosec // a descriptor fits an int
	var rows []db.ID
	if syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB) == nil {
		err = h.DB.Read(ctx).Raw("SELECT boot_id FROM replicas WHERE boot_id <> ?", h.boot).Scan(&rows).Error
	}
	// Before the row of this process is there: who takes the lock alone meanwhile has read the rows by then.
	if err != nil || syscall.Flock(fd, syscall.LOCK_SH) != nil {
		return errors.Join(err, f.Close())
	}
	h.serving, h.ended = f, rows
	return nil
}
