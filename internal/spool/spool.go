// Package spool keeps what was counted and is not stored yet, so that a process that is killed loses nothing of it.
//
// Counters live in files that are mapped into memory and shared with the kernel: to count is to add to a number in memory, without a
// call of the system, and the number is there whatever becomes of the process. What else must be known of a count is appended once, when
// the first of its kind comes. Against a power cut segments are written to the disk each second (Sync): what was counted within the last second can then be lost.
//
// There are two such files, of a fixed size whose blocks are written when they are made: counting never asks a full disk for room. One is
// live; the other is free, or sealed and on its way to the database. Sealed segments that have to wait longer are copied to files of their own,
// up to a bound; when that is reached, or the disk is full, nothing more is sealed, and once the live segment is full too Add says so.
//
// A folder has places for several processes on one machine. Each holds a lock on its own, and takes over what it finds in places that nobody
// holds: of a process that was killed, whatever its name was.
package spool

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// ErrFull says that no more segments can wait.
var ErrFull = errors.New("spool: the bound of what may wait is reached")

const (
	mostPlaces  = 64
	least, most = 128 << 10, 8 << 20 // bytes of a live segment
	lockName    = "lock"
	batchSuffix = ".batch"
	asideSuffix = ".aside"
)

// Options of Open. All are required but Log.
type Options struct {
	Dir     string // is made when it is not there; the places are folders in it
	Size    int64  // bytes of all files together; two eighths, at most 16 MiB, are taken at once
	Replica string
	Boot    string // names this life of the process: never used before
	Now     func() time.Time
	Log     *slog.Logger // nil: slog's default
}

// Spool is an open place. Its methods are for one goroutine at a time, but those of Segment and Stats.
type Spool struct {
	Options
	dir   string
	lock  *os.File
	seq   int64
	live  *arena
	spare *arena // free or sealed

	mu    sync.Mutex
	queue []*Waiting
	aside int
}

// arena is a segment in a mapped file.
type arena struct {
	Segment
	file *os.File
}

// Waiting is a sealed segment.
type Waiting struct {
	Name
	Opened time.Time
	arena  *arena // nil when it is in a file
	path   string
	size   int64
}

// Open takes a place in o.Dir and what is left there by earlier lives. It fails when all places are held or files can't be made there: that
// there is no room for them is an error that wraps syscall.ENOSPC.
func Open(o Options) (*Spool, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	s := &Spool{Options: o}
	if err := s.take(); err != nil {
		return nil, err
	}
	if err := s.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("spool: %s: %w", s.dir, err), s.lock.Close())
	}
	return s, nil
}

func (s *Spool) open() error {
	if err := s.collect(s.dir); err != nil {
		return err
	}
	var err error
	if s.live, err = openArena(filepath.Join(s.dir, "live-0"), s.arenaSize()); err != nil {
		return err
	}
	if s.spare, err = openArena(filepath.Join(s.dir, "live-1"), s.arenaSize()); err != nil {
		return errors.Join(err, s.live.close())
	}
	if err := s.Adopt(); err != nil {
		return errors.Join(err, s.live.close(), s.spare.close())
	}
	s.begin(s.live)
	return nil
}

func (s *Spool) arenaSize() int { return int(max(least, min(most, s.Size/8))) &^ 4095 }

func (s *Spool) begin(a *arena) {
	s.seq++
	a.begin(Name{s.Replica, s.Boot, s.seq}, s.Now())
}

// take locks the first place that nobody holds.
func (s *Spool) take() error {
	for n := range mostPlaces {
		dir := filepath.Join(s.Dir, strconv.Itoa(n+1))
		lock, err := lockPlace(dir, true)
		if err != nil {
			return err
		}
		if lock != nil {
			s.dir, s.lock = dir, lock
			return nil
		}
	}
	return fmt.Errorf("spool: all %d places in %s are held by other processes: give each host a data folder of its own", mostPlaces, s.Dir)
}

// lockPlace locks a place, made before if create is set. The file is nil when another process holds it or there is none.
func lockPlace(dir string, create bool) (*os.File, error) {
	if create {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("spool: %w", err)
		}
	}
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the operator's own folder
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil //nolint:nilnil // no such place
	}
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) //nolint:gosec // a descriptor fits an int
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, f.Close()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("spool: lock %s: %w", dir, err), f.Close())
	}
	return f, nil
}

// Adopt takes over what processes left that are no more.
func (s *Spool) Adopt() error {
	places, err := os.ReadDir(s.Dir)
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	for _, place := range places {
		dir := filepath.Join(s.Dir, place.Name())
		if dir == s.dir || !place.IsDir() {
			continue
		}
		lock, err := lockPlace(dir, false)
		if lock == nil || err != nil {
			if err != nil {
				s.Log.Warn("a place of the spool can't be looked into", "error", err)
			}
			continue
		}
		err = s.collect(dir)
		if err := errors.Join(err, lock.Close()); err != nil {
			return err
		}
	}
	return nil
}

// collect queues what a place holds that this process has locked, and moves it to its own.
func (s *Spool) collect(dir string) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range files {
		path := filepath.Join(dir, f.Name())
		switch {
		case strings.HasSuffix(f.Name(), ".part"): // its segment is still there
			err = os.Remove(path)
		case strings.HasSuffix(f.Name(), asideSuffix):
			s.aside++
			if dir != s.dir {
				err = os.Rename(path, filepath.Join(s.dir, f.Name()))
			}
		case strings.HasSuffix(f.Name(), batchSuffix), strings.HasPrefix(f.Name(), "live-"):
			err = s.enqueueFile(path)
		}
		if err != nil {
			return err
		}
	}
	// Within one life in its order: whoever stores them relies on it. Among lives none matters.
	slices.SortStableFunc(s.queue, func(a, b *Waiting) int { return cmp.Or(cmp.Compare(a.Boot, b.Boot), cmp.Compare(a.Seq, b.Seq)) })
	return nil
}

// enqueueFile queues a file, a live segment of a process that is no more among them; what can't be read is put aside.
func (s *Spool) enqueueFile(path string) error {
	segment, size, err := readHeader(path)
	if err != nil {
		return err
	}
	name, opened, err := segment.opened()
	used := segment.word(atUsed).Load()
	live := !strings.HasSuffix(path, batchSuffix)
	switch {
	case live && (err != nil || used <= headerSize): // nothing was ever counted in it
		if filepath.Dir(path) == s.dir {
			return nil
		}
		return os.Remove(path)
	case err != nil || used <= headerSize || used > uint64(size): //nolint:gosec // a size is not negative
		s.Log.Error("a file of the usage spool can't be read and is set aside", "file", path, "error", cmp.Or(err, errForeign))
		s.aside++
		return os.Rename(path, filepath.Join(s.dir, strings.TrimSuffix(filepath.Base(path), batchSuffix)+"-"+s.Boot+asideSuffix))
	}
	to := filepath.Join(s.dir, fileName(name))
	if err := errors.Join(os.Truncate(path, int64(used)), os.Rename(path, to)); err != nil { //nolint:gosec // not more than size
		return err
	}
	s.queue = slices.DeleteFunc(s.queue, func(w *Waiting) bool { return w.Name == name })        // killed between copying a segment and freeing it
	s.queue = append(s.queue, &Waiting{Name: name, Opened: opened, path: to, size: int64(used)}) //nolint:gosec // as above
	return nil
}

func fileName(n Name) string {
	return filepath.Base(fmt.Sprintf("%s-%d%s", n.Boot, n.Seq, batchSuffix))
}

func readHeader(path string) (*Segment, int64, error) {
	f, err := os.Open(path) //nolint:gosec // the operator's own folder
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	head := make([]byte, headerSize)
	if _, err := io.ReadFull(f, head); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, 0, err
	}
	return &Segment{mem: head}, info.Size(), nil
}
