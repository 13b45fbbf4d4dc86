package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Live is the segment that is to be counted in now.
func (s *Spool) Live() *Segment { return &s.live.Segment }

// Seal ends the live segment and begins another, which it returns. Count in that one from now on; the sealed one waits at the end of the
// queue, and must not be written to once Seal is called again. When it fails the live segment stays what it is.
func (s *Spool) Seal() (*Segment, error) {
	if sealed := s.sealed(); sealed != nil {
		if err := s.copyOut(sealed); err != nil {
			return nil, err
		}
	}
	name, opened, err := s.live.opened()
	if err != nil {
		return nil, err
	}
	s.begin(s.spare)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, &Waiting{Name: name, Opened: opened, arena: s.live, size: int64(s.live.Used())})
	s.live, s.spare = s.spare, s.live
	return &s.live.Segment, nil
}

// sealed is what waits in the spare arena.
func (s *Spool) sealed() *Waiting {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.queue {
		if w.arena != nil {
			return w
		}
	}
	return nil
}

// copyOut moves a sealed segment into a file of its own.
func (s *Spool) copyOut(w *Waiting) error {
	used := w.arena.Used()
	if s.Stats().Bytes+int64(used) > s.Size-int64(len(s.live.mem)) {
		return ErrFull
	}
	path := filepath.Join(s.dir, fileName(w.Name))
	if err := writeFile(path, w.arena.mem[:used]); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w.arena.free()
	w.arena, w.path, w.size = nil, path, int64(used)
	return nil
}

// writeFile writes a file that is there whole or not at all.
func writeFile(path string, data []byte) error {
	draft := path + ".part"
	f, err := os.OpenFile(draft, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // the operator's own folder
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(draft, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(draft))
	}
	return nil
}

// Head is the first segment of the queue; nil when none waits. Those of one life of a process come in their order.
func (s *Spool) Head() *Waiting {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		return nil
	}
	return s.queue[0]
}

// Read calls fn with each record of a segment that waits. It reports how many bytes were torn.
func (s *Spool) Read(w *Waiting, fn func(Record)) (torn int, err error) {
	if w.arena != nil {
		return w.arena.Each(fn), nil
	}
	mem, err := os.ReadFile(w.path)
	if err != nil {
		return 0, fmt.Errorf("spool: %w", err)
	}
	segment := &Segment{mem: mem}
	if _, _, err := segment.opened(); err != nil {
		return 0, err
	}
	return segment.Each(fn), nil
}

// Done forgets a segment whose contents are stored.
func (s *Spool) Done(w *Waiting) error { return s.leave(w, func() error { return os.Remove(w.path) }) }

// Aside takes a segment out of the queue whose contents can't be stored, and keeps it in a file whose name ends in .aside.
func (s *Spool) Aside(w *Waiting) error {
	if w.arena != nil {
		if err := s.copyOut(w); err != nil {
			return err
		}
	}
	err := s.leave(w, func() error { return os.Rename(w.path, strings.TrimSuffix(w.path, batchSuffix)+asideSuffix) })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.aside++
	return err
}

func (s *Spool) leave(w *Waiting, file func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = slices.DeleteFunc(s.queue, func(other *Waiting) bool { return other == w })
	if w.arena != nil {
		w.arena.free()
		return nil
	}
	if err := file(); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("spool: %w", err)
	}
	return nil
}

// Sync has the live segment, and the one that was sealed last, written to the disk.
func (s *Spool) Sync() error {
	err := s.live.file.Sync()
	if s.sealed() != nil {
		err = errors.Join(err, s.spare.file.Sync())
	}
	return err
}

// Stats is what a spool holds.
type Stats struct {
	Bytes   int64     // of the segments that wait
	Waiting int       // segments that wait
	Aside   int       // segments that could not be stored
	Oldest  time.Time // when the oldest that waits was begun; zero when none does
}

// Stats may be called at any time, by anybody.
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := Stats{Waiting: len(s.queue), Aside: s.aside}
	for _, w := range s.queue {
		out.Bytes += w.size
		if out.Oldest.IsZero() || w.Opened.Before(out.Oldest) {
			out.Oldest = w.Opened
		}
	}
	return out
}

// Close gives the place back. Nobody may count in a segment any more; what is in them waits for the next process.
func (s *Spool) Close() error {
	return errors.Join(s.live.close(), s.spare.close(), s.lock.Close())
}

// openArena maps a file of size bytes, made before when there is none of that size. Each block of it is written, so that no later write asks for room.
func openArena(path string, size int) (*arena, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the operator's own folder
	if err != nil {
		return nil, err
	}
	a := &arena{file: f}
	if err = fill(f, size); err == nil {
		a.mem, err = syscall.Mmap(int(f.Fd()), 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED) //nolint:gosec // a descriptor fits an int
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(path))
	}
	a.free()
	return a, nil
}

func fill(f *os.File, size int) error {
	info, err := f.Stat()
	if err != nil || info.Size() == int64(size) && !sparse(info) {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = io.CopyN(f, zeros{}, int64(size))
	return err
}

// sparse reports whether a file has holes, as one may that was restored: writing there would ask for room.
func sparse(info os.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && s.Blocks*512 < info.Size() // st_blocks counts 512 bytes whatever the disk does, says stat(2)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func (a *arena) close() error { return errors.Join(syscall.Munmap(a.mem), a.file.Close()) }
