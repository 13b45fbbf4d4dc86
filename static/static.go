// Package static holds what a browser loads beside the pages: style, scripts, fonts, icons.
//
// Each file is served under a name that carries a digest of its content, so a browser may keep it for a year and a new
// release is seen at once. References between the files (fonts in the style sheet, modules in scripts) are rewritten
// to those names. What compresses is compressed once, when the program starts (a few milliseconds).
package static

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

// Prefix is the path under which Handler answers.
const Prefix = "/static/"

//go:embed css/*.css js/*.js fonts/*.woff2 icons/*.svg
var files embed.FS

var mediaTypes = map[string]string{
	".css":   "text/css; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".woff2": "font/woff2",
	".svg":   "image/svg+xml",
}

type asset struct {
	url       string
	mediaType string
	plain     []byte
	gzipped   []byte // nil when it would not be smaller
}

// Set is the files of one version of the program.
type Set struct{ byName, byURL map[string]*asset }

// New makes the set of a folder that is laid out as this one.
func New(fsys fs.FS) *Set {
	byName, byURL := build(fsys)
	return &Set{byName, byURL}
}

// own is the set of this program.
var own = New(files)

// Own is the set of this program, which URL, Names and Handler are about.
func Own() *Set { return own }

// URL is the address of a file by its path in this folder, such as "css/app.css". An unknown name gives an address
// that answers 404.
func URL(name string) string { return own.URL(name) }

// URL is as the function of that name.
func (s *Set) URL(name string) string {
	if a, ok := s.byName[name]; ok {
		return a.url
	}
	return Prefix + name
}

// Names lists every file that is served, sorted.
func Names() []string {
	names := make([]string, 0, len(own.byName))
	for name := range own.byName {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// File is a file as it is kept for replicas of other versions.
type File struct {
	URL     string
	Body    []byte
	Gzipped bool
}

// Files are all of the set, sorted, compressed where that makes them smaller.
func (s *Set) Files() []File {
	all := make([]File, 0, len(s.byURL))
	for _, a := range s.byURL {
		f := File{a.url, a.plain, false}
		if a.gzipped != nil {
			f.Body, f.Gzipped = a.gzipped, true
		}
		all = append(all, f)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].URL < all[j].URL })
	return all
}

// Others finds the files of other versions, while an upgrade rolls; false when none has it.
type Others func(ctx context.Context, url string) (File, bool, error)

// Handler answers GET and HEAD for the addresses that URL gives, and 404 for anything else.
func Handler() http.Handler { return own.Handler(nil) }

// Handler is as the function of that name, and asks others for what has the form of an address of ours and is none of this set; others may be nil.
func (s *Set) Handler(others Others) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, others) })
}

func (s *Set) serve(w http.ResponseWriter, r *http.Request, others Others) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	a, err := s.find(r.Context(), r.URL.Path, others)
	if err != nil {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "not at hand, ask again", http.StatusServiceUnavailable)
		return
	}
	if a == nil {
		http.NotFound(w, r)
		return
	}
	head := w.Header()
	head.Set("Content-Type", a.mediaType)
	head.Set("Cache-Control", "public, max-age=31536000, immutable")
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	body := a.plain
	if a.gzipped != nil {
		head.Add("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header.Get("Accept-Encoding")) {
			head.Set("Content-Encoding", "gzip")
			body = a.gzipped
		}
	}
	head.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // a reader who left is no fault of ours
	}
}

// foreign is the form of the addresses of other versions' files.
var foreign = regexp.MustCompile(`^/static/[a-z0-9/_-]{1,100}\.[0-9a-f]{12}(\.(?:css|js|woff2|svg))$`)

// find returns the file at an address, nil for none. What it is served as comes from its name alone.
func (s *Set) find(ctx context.Context, url string, others Others) (*asset, error) {
	if a, ok := s.byURL[url]; ok || others == nil {
		return a, nil
	}
	form := foreign.FindStringSubmatch(url)
	if form == nil {
		return nil, nil
	}
	f, ok, err := others(ctx, url)
	if err != nil || !ok {
		return nil, err
	}
	a := &asset{url: url, mediaType: mediaTypes[form[1]], plain: f.Body}
	if f.Gzipped {
		a.gzipped = f.Body
		a.plain, err = expand(f.Body)
	}
	return a, err
}

// mostExpanded bounds what a compressed file becomes.
const mostExpanded = 4 << 20

func expand(body []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	plain, err := io.ReadAll(io.LimitReader(r, mostExpanded))
	if err != nil {
		return nil, err
	}
	return plain, r.Close()
}

// acceptsGzip reads Accept-Encoding (RFC 9110, 12.5.3) as far as gzip goes: named, and not with q=0.
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		_, q, weighted := strings.Cut(strings.ReplaceAll(params, " ", ""), "q=")
		weight, err := strconv.ParseFloat(q, 64)
		return !weighted || err == nil && weight > 0
	}
	return false
}

// build names and compresses every file. Files that others refer to come first: fonts and icons, modules, then the
// style sheet and app.js.
func build(fsys fs.FS) (names, urls map[string]*asset) {
	names, urls = map[string]*asset{}, map[string]*asset{}
	for _, pattern := range []string{"fonts/*", "icons/*", "js/*", "js/app.js", "css/*"} {
		paths, _ := fs.Glob(fsys, pattern) // the patterns are constant and well-formed
		for _, name := range paths {
			mediaType, served := mediaTypes[path.Ext(name)]
			body, err := fs.ReadFile(fsys, name)
			if err != nil || !served || name == "js/app.js" && pattern != name {
				continue
			}
			a := newAsset(name, mediaType, rewrite(name, body, names))
			names[name], urls[a.url] = a, a
		}
	}
	return names, urls
}

func newAsset(name, mediaType string, body []byte) *asset {
	sum := sha256.Sum256(body)
	ext := path.Ext(name)
	a := &asset{
		url:       Prefix + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext,
		mediaType: mediaType,
		plain:     body,
	}
	if ext != ".woff2" {
		if small := compress(body); len(small) < len(body) {
			a.gzipped = small
		}
	}
	return a
}

func compress(body []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is valid
	_, _ = w.Write(body)                                  // a buffer takes all
	_ = w.Close()
	return b.Bytes()
}

// reference finds url("../fonts/x.woff2") in style sheets and "./x.js" in modules.
var reference = regexp.MustCompile(`"(\.{1,2}/[a-z0-9/_-]+\.(?:woff2|js|svg))"`)

func rewrite(name string, body []byte, known map[string]*asset) []byte {
	if ext := path.Ext(name); ext != ".css" && ext != ".js" {
		return body
	}
	return reference.ReplaceAllFunc(body, func(quoted []byte) []byte {
		target := path.Join(path.Dir(name), strings.Trim(string(quoted), `"`))
		if a, ok := known[target]; ok {
			return []byte(`"` + a.url + `"`)
		}
		return quoted
	})
}
