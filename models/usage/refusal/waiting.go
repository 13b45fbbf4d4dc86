package refusal

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// A file of refusals that wait is a line that names its format, and lines of a checksum (CRC-32C, eight hexadecimal digits), a space and a piece as JSON. The
// process that writes it holds a lock on it; one that nobody holds is of a process that is no more, and whoever writes refusals takes it in. Pieces are known
// by request ids and by the id of their batch, so that it does no harm to take one in twice.
const (
	fileHead  = "gatehouse refusals 1\n"
	filePart  = "refusals-"
	fileTail  = ".waiting"
	fileAside = ".aside"
	// MostFile bounds what one process keeps in its file, in bytes.
	MostFile  = 32 << 20
	mostFiles = 64 // that are looked at at once
	lookEvery = 10 * time.Second
	lineStart = 9 // checksum and space
)

var table = crc32.MakeTable(crc32.Castagnoli)

type piece struct {
	Rows   []entry     `json:"rows,omitempty"`
	ID     string      `json:"id,omitempty"`
	Minute int64       `json:"minute,omitempty"`
	Left   []pieceLeft `json:"left,omitempty"`
}

type pieceLeft struct {
	Minute    int64  `json:"minute"`
	App       string `json:"app"`
	Org       string `json:"organization"`
	API       string `json:"api"`
	Publisher string `json:"publisher"`
	Code      string `json:"code"`
	N         int64  `json:"refusals"`
}

// waitingFile is the file of this process.
type waitingFile struct {
	*os.File
	size int64
}

// KeepingIn has what can't be written wait in a file of the folder as well, and takes in what processes left there that are no more. Call it before anything else.
func (r *Recorder) KeepingIn(dir string) *Recorder {
	r.dir = dir
	return r
}

// Close keeps what could not be written for the next process, which Flush comes before. Nothing may be Put any more.
func (r *Recorder) Close() error {
	r.flushing.Lock()
	defer r.flushing.Unlock()
	r.take(true)
	r.keep()
	wait, lost := 0, 0
	for _, b := range r.queue {
		if b.spilled {
			wait += len(b.rows)
		} else {
			lost += len(b.rows)
		}
	}
	if lost > 0 {
		r.log.Warn("refusals could not be written, and can’t be looked up", "refusals", lost)
	}
	if r.file == nil {
		return nil
	}
	r.log.Info("refusals could not be written, and wait in the data folder for the next process", "refusals", wait, "file", r.file.Name())
	err := errors.Join(r.file.Truncate(r.file.size), r.file.Sync(), r.file.Close())
	r.file, r.queue = nil, nil
	return err
}

// keep has the file hold the queue: none when nothing waits. That it fails is told once.
func (r *Recorder) keep() {
	var err error
	switch {
	case r.dir == "":
		return
	case len(r.queue) > 0:
		err = r.spill()
	case r.file != nil:
		err = errors.Join(os.Remove(r.file.Name()), r.file.Close())
		r.file = nil
	}
	if err != nil && r.fileErr == nil {
		r.log.Warn("refusals that wait are not kept in the data folder: they die with the process", "error", err)
	}
	r.fileErr = err
}

var errBound = fmt.Errorf("the file holds %d MiB, which is its bound", MostFile>>20)

// spill appends what is not in the file yet.
func (r *Recorder) spill() error {
	for _, b := range r.queue {
		if b.spilled {
			continue
		}
		lines, err := b.lines()
		if err != nil {
			return err
		}
		if r.file == nil {
			if r.file, err = newFile(r.dir); err != nil {
				return err
			}
		}
		if r.file.size+int64(len(lines)) > MostFile {
			return errBound
		}
		if _, err := r.file.WriteAt(lines, r.file.size); err != nil {
			return err
		}
		r.file.size += int64(len(lines))
		b.spilled = true
	}
	return nil
}

// newFile makes a file and locks it before anything is in it: others leave an empty one alone.
func newFile(dir string) (*waitingFile, error) {
	f, err := os.OpenFile(filepath.Join(dir, filePart+db.NewID().String()+fileTail), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600) //nolint:gosec // the operator's own folder
	if err != nil {
		return nil, err
	}
	if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err == nil { //nolint:gosec // a descriptor fits an int
		_, err = f.WriteString(fileHead)
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(f.Name()), f.Close())
	}
	return &waitingFile{File: f, size: int64(len(fileHead))}, nil
}

func (b *batch) lines() ([]byte, error) {
	var all []piece
	for rows := range slices.Chunk(b.rows, atOnce) {
		all = append(all, piece{Rows: rows})
	}
	if len(b.left) > 0 {
		p := piece{ID: b.id.String(), Minute: b.minute}
		for m, n := range b.left {
			p.Left = append(p.Left, pieceLeft{m.minute, db.ID(m.App).String(), db.ID(m.Org).String(), db.ID(m.API).String(), db.ID(m.Publisher).String(), m.Code, n})
		}
		all = append(all, p)
	}
	var out bytes.Buffer
	for _, p := range all {
		text, err := json.Marshal(p)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&out, "%08x %s\n", crc32.Checksum(text, table), text)
	}
	return out.Bytes(), nil
}

// takeIn writes what processes left that are no more, now and then. What the database does not take now stays.
func (r *Recorder) takeIn(ctx context.Context) {
	now := r.db.Now()
	if r.dir == "" || !r.looked.IsZero() && now.Sub(r.looked) < lookEvery {
		return
	}
	r.looked = now
	paths, err := filepath.Glob(filepath.Join(escaped(r.dir), filePart+"*"+fileTail))
	if err != nil {
		r.log.Warn("refusals that wait can’t be looked for", "error", err)
		return
	}
	told := map[string]string{}
	for _, path := range paths[:min(len(paths), mostFiles)] {
		err := r.takeInFile(ctx, path)
		if err == nil {
			continue
		}
		if told[path] = err.Error(); told[path] != r.told[path] {
			r.log.Warn("refusals that wait are not taken in", "file", path, "error", err)
		}
	}
	r.told = told
}

// escaped is a folder's name as Glob takes it.
func escaped(dir string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(dir)
}

func (r *Recorder) takeInFile(ctx context.Context, path string) error {
	f, err := os.Open(path) //nolint:gosec // the operator's own folder
	if errors.Is(err, os.ErrNotExist) {
		return nil // another process was quicker
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()                                  // it was only read
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) //nolint:gosec // a descriptor fits an int
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil // its process lives
	}
	if err != nil {
		return err
	}
	queue, whole, err := readFile(f)
	if err != nil || queue == nil && whole { // another version of the program knows what it is, or its process is about to lock it
		return err
	}
	if !whole {
		r.log.Warn("the end of a file of refusals is torn, as after a power cut", "file", path)
	}
	rows := 0
	for len(queue) > 0 {
		part := together(queue)
		if err := writeAll(ctx, r.db, part); err != nil {
			return r.notTaken(ctx, path, err)
		}
		for _, b := range part {
			rows += len(b.rows)
		}
		queue = queue[len(part):]
	}
	r.log.LogAttrs(ctx, slog.LevelInfo, "refusals that waited are taken in", slog.Int("refusals", rows), slog.String("file", path))
	return os.Remove(path)
}

// notTaken puts a file aside that the database will never take, so that it is not tried for ever.
func (r *Recorder) notTaken(ctx context.Context, path string, err error) error {
	if errors.Is(err, db.ErrReadOnly) {
		return nil // it waits for a process on the new database
	}
	if ctx.Err() != nil || db.Away(err) || db.Full(err) {
		return err
	}
	return errors.Join(err, os.Rename(path, strings.TrimSuffix(path, fileTail)+fileAside))
}

// readFile reads the pieces of a file up to the first that is torn; whole says that none is. There are none, and no error, of an empty file.
func readFile(f io.Reader) (queue []*batch, whole bool, err error) {
	in := bufio.NewReader(io.LimitReader(f, MostFile))
	head, err := in.ReadString('\n')
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return nil, false, err
	case head == "":
		return nil, true, nil
	case head != fileHead && strings.HasSuffix(head, "\n"):
		return nil, true, errors.New("it is of another version of this program")
	}
	queue = []*batch{}
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return queue, len(line) == 0 && head == fileHead, nil
		}
		if err != nil {
			return nil, false, err
		}
		b, ok := batchOf(bytes.TrimSuffix(line, []byte("\n")))
		if !ok {
			return queue, false, nil
		}
		queue = append(queue, b)
	}
}

func batchOf(line []byte) (*batch, bool) {
	if len(line) < lineStart {
		return nil, false
	}
	sum, err := strconv.ParseUint(string(line[:lineStart-1]), 16, 32)
	if err != nil || uint32(sum) != crc32.Checksum(line[lineStart:], table) {
		return nil, false
	}
	var p piece
	if json.Unmarshal(line[lineStart:], &p) != nil {
		return nil, false
	}
	b := &batch{minute: p.Minute, rows: p.Rows}
	if len(p.Left) == 0 {
		return b, true
	}
	b.left = map[missed]int64{}
	bad := b.id.Scan(p.ID)
	for _, l := range p.Left {
		var app, org, api, publisher db.ID
		bad = errors.Join(bad, app.Scan(l.App), org.Scan(l.Org), api.Scan(l.API), publisher.Scan(l.Publisher))
		b.left[missed{l.Minute, Subject{[16]byte(app), [16]byte(org), [16]byte(api), [16]byte(publisher), l.Code}}] = l.N
	}
	return b, bad == nil
}
