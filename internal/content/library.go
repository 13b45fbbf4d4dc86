package content

import (
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/text"
)

// Options of a Library.
type Options struct {
	Ours   fs.FS             // guides/ and tutorials/ from the binary
	Folder string            // the operator's, laid over ours; empty: none
	Values map[string]string // what {{name}} in a text stands for
	Now    func() time.Time
}

// Library keeps the pages. Its folder is looked at no more than once a second, by whoever reads then, and only files whose size or time changed are
// read again: no restart is needed, and no watcher that a network file system would not feed.
type Library struct {
	ours     map[string]*entry
	folder   string
	values   *strings.Replacer
	now      func() time.Time
	snapshot atomic.Pointer[Snapshot]
	looked   atomic.Int64 // when the folder was last looked at, in Unix nanoseconds
	mu       sync.Mutex   // held by whoever looks
	own      map[string]*entry
}

// entry is one file as it was when it was read.
type entry struct {
	stamp stamp
	file  *file // nil when problem is set
	wrong *mistake
}

type stamp struct {
	size int64
	at   time.Time
}

const (
	lookEvery = time.Second
	maxFiles  = 500
)

// Open reads all pages. What is wrong with a file is a Problem of the snapshot, not an error.
func Open(o Options) *Library {
	var pairs []string
	for name, value := range o.Values {
		pairs = append(pairs, "{{"+name+"}}", value)
	}
	l := &Library{folder: o.Folder, values: strings.NewReplacer(pairs...), now: o.Now}
	l.ours, _ = l.scan(o.Ours, nil)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.looked.Store(l.now().UnixNano())
	l.look(true)
	return l
}

// Snapshot is the pages as they are now. It never changes; take it once for one answer.
func (l *Library) Snapshot() *Snapshot {
	now := l.now().UnixNano()
	if since := now - l.looked.Load(); l.folder != "" && (since >= int64(lookEvery) || since < 0) && l.mu.TryLock() {
		defer l.mu.Unlock()
		l.looked.Store(now)
		l.look(false)
	}
	return l.snapshot.Load()
}

// look makes a new snapshot when the folder is not as it was.
func (l *Library) look(first bool) {
	own, changed, failed := l.own, false, error(nil)
	if l.folder != "" {
		own, changed, failed = l.lookInFolder()
	}
	before := l.snapshot.Load()
	if !first && !changed && (failed != nil) == (before.unread != nil) {
		return
	}
	l.own = own
	s := newSnapshot(l.ours, own, failed)
	l.snapshot.Store(s)
	for _, p := range s.Problems {
		if before == nil || !slices.ContainsFunc(before.Problems, func(q Problem) bool { return q.String() == p.String() }) {
			slog.Warn("page left out", "file", p.File, "line", p.Line, "problem", p.Message.String())
		}
	}
}

func (l *Library) lookInFolder() (own map[string]*entry, changed bool, err error) {
	root, err := os.OpenRoot(l.folder) // follows no link out of the folder
	if err != nil {
		return l.own, false, err
	}
	defer func() { _ = root.Close() }()
	own, err = l.scan(root.FS(), l.own)
	if err != nil {
		return l.own, false, err
	}
	changed = len(own) != len(l.own)
	for name, e := range own {
		changed = changed || l.own[name] != e
	}
	return own, changed, nil
}

var kinds = []string{Guide, Tutorial}

// scan reads the two folders of files; entries of before that did not change are taken over.
func (l *Library) scan(files fs.FS, before map[string]*entry) (map[string]*entry, error) {
	all := map[string]*entry{}
	for _, kind := range kinds {
		folder := kind + "s"
		list, err := fs.ReadDir(files, folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, d := range list {
			if len(all) >= maxFiles {
				break
			}
			name := path.Join(folder, d.Name())
			if slug, language, ok := nameOf(d.Name()); ok {
				if e := l.read(files, name, kind, slug, language, before[name]); e != nil {
					all[name] = e
				}
			}
		}
	}
	return all, nil
}

// nameOf parts the name of a file. Names that are none of ours don't count: README.md, backups of editors, hidden files.
func nameOf(name string) (slug string, language text.Language, ok bool) {
	base, is := strings.CutSuffix(name, ".md")
	if !is {
		return "", "", false
	}
	language = text.English
	if stem, tag, has := strings.Cut(base, "."); has {
		l, known := text.Parse(tag)
		if !known || l == text.English {
			return "", "", false
		}
		base, language = stem, l
	}
	return base, language, slugPattern.MatchString(base) && len(base) <= 60
}

// read gives the entry of a file; nil when there is none that can be read as a plain file.
func (l *Library) read(files fs.FS, name, kind, slug string, language text.Language, before *entry) *entry {
	info, err := fs.Stat(files, name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() {
		return nil
	}
	now := stamp{}
	if err == nil {
		now = stamp{info.Size(), info.ModTime()}
	}
	if before != nil && before.stamp == now {
		return before
	}
	e := &entry{stamp: now}
	var source []byte
	if err == nil && info.Mode().IsRegular() {
		source, err = readAll(files, name)
	} else {
		err = fs.ErrInvalid
	}
	if err != nil {
		e.wrong = &mistake{0, text.M("This is no file within the folder that can be read.")}
		return e
	}
	if e.file, err = parse(kind, slug, language, source, l.values); err != nil {
		if !errors.As(err, &e.wrong) {
			e.wrong = &mistake{0, text.M("The front matter can’t be read: %s", err.Error())}
		}
	}
	return e
}

// readAll reads at most one byte more than a file may have.
func readAll(files fs.FS, name string) ([]byte, error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}

var _ = text.N("This is no file within the folder that can be read.")
