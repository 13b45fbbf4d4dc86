// Package static holds what a browser loads beside the pages: style, scripts, fonts, icons.
//
// Each file is served under a name that carries a digest of its content, so a browser may keep it for a year and a new
// release is seen at once. References between the files (fonts in the style sheet, modules in scripts) are rewritten
// to those names. What compresses is compressed once, when the program starts (a few milliseconds).
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
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

var byName, byURL = build(files)

// URL is the address of a file by its path in this folder, such as "css/app.css". An unknown name gives an address
// that answers 404.
func URL(name string) string {
	if a, ok := byName[name]; ok {
		return a.url
	}
	return Prefix + name
}

// Names lists every file that is served, sorted.
func Names() []string {
	names := make([]string, 0, len(byName))
	for name := range byName {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Handler answers GET and HEAD for the addresses that URL gives, and 404 for anything else.
func Handler() http.Handler { return http.HandlerFunc(serve) }

func serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	a, ok := byURL[r.URL.Path]
	if !ok {
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
