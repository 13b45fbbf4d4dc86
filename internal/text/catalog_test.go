package text_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/text"
)

// source is what the program's own Go files (tests apart, generated templates included) say.
type source struct {
	keys     map[string]string // sentence → where it is used as a message
	literals map[string]bool   // every string literal
}

// makers are the functions whose argument at the index is a key. Methods (fault.Problems; the sentence after a done act)
// are known by name alone, so for them only what has a space counts as a sentence.
var (
	makers = map[string]int{
		"text.T": 1, "text.N": 0, "text.M": 0, "web.T": 1,
		"fault.New": 1, "fault.Wrap": 2, "fault.Later": 1, "fault.BadField": 1, "outbox.L": 0,
	}
	methods = map[string]int{"Add": 1, "Check": 2, "Done": 2, "Warn": 2, "Mailed": 1, "DoneMailed": 2}
	keyed   = map[string]bool{"text.Message": true, "fault.Problem": true, "fault.Error": true}
)

func TestEverySentenceIsGermanToo(t *testing.T) {
	src := readSource(t)
	german := readCatalog(t, "de")

	for key, where := range src.keys {
		if _, ok := german[key]; !ok {
			t.Errorf("%s: %q has no German entry", where, key)
		}
	}
}

func TestNoEntryIsUnused(t *testing.T) {
	src := readSource(t)

	for _, lang := range []string{"de", "en"} {
		for key, file := range readCatalog(t, lang) {
			if !src.literals[key] {
				t.Errorf("%s: %q is used nowhere", file, key)
			}
		}
	}
}

func TestEntriesKeepTheVerbsOfTheirKeys(t *testing.T) {
	verb := regexp.MustCompile(`%(\[\d+\])?[-+# 0-9.]*[a-zA-Z]`)
	verbs := func(s string) []string {
		all := verb.FindAllString(strings.ReplaceAll(s, "%%", ""), -1)
		slices.Sort(all)
		return slices.Compact(all)
	}

	for _, lang := range []string{"de", "en"} {
		for _, e := range rawEntries(t, lang) {
			for _, form := range e.texts {
				missing := slices.ContainsFunc(verbs(form), func(v string) bool { return !slices.Contains(verbs(e.key), v) })
				if missing || e.plain && len(verbs(form)) != len(verbs(e.key)) {
					t.Errorf("%s: %q has other verbs than %q", e.file, form, e.key)
				}
			}
		}
	}
}

func TestCataloguesLoadWithoutContradiction(t *testing.T) {
	if err := text.CheckCatalogues(); err != nil {
		t.Error(err)
	}
}

type rawEntry struct {
	file, key string
	texts     []string
	plain     bool
}

func rawEntries(t *testing.T, lang string) []rawEntry {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("catalog", lang, "*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no catalogue of %s: %v", lang, err)
	}
	var all []rawEntry
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		var area map[string]any
		if err := json.Unmarshal(data, &area); err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		for key, v := range area {
			e := rawEntry{file: p, key: key}
			switch v := v.(type) {
			case string:
				e.texts, e.plain = []string{v}, true
			case map[string]any:
				for _, form := range v {
					if s, ok := form.(string); ok {
						e.texts = append(e.texts, s)
					}
				}
			}
			all = append(all, e)
		}
	}
	return all
}

func readCatalog(t *testing.T, lang string) map[string]string {
	t.Helper()
	keys := map[string]string{}
	for _, e := range rawEntries(t, lang) {
		keys[e.key] = e.file
	}
	return keys
}

func readSource(t *testing.T) source {
	t.Helper()
	src := source{keys: map[string]string{}, literals: map[string]bool{}}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && p != root || d.Name() == "testdata" || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
			return nil
		}
		return src.readFile(p)
	})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func (s source) readFile(path string) error {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if v, err := strconv.Unquote(lit.Value); err == nil {
				s.literals[v] = true
			}
		}
		if key, ok := messageKey(n, file.Name.Name); ok && key != "" {
			s.keys[key] = fmt.Sprint(set.Position(n.Pos()))
			s.literals[key] = true
		}
		return true
	})
	return nil
}

// messageKey returns the literal key of a call to one of makers, or of a composite of keyed.
func messageKey(n ast.Node, pkg string) (string, bool) {
	switch n := n.(type) {
	case *ast.CallExpr:
		name := nameIn(n.Fun, pkg)
		at, known := makers[name]
		_, method, _ := strings.Cut(name, ".")
		if !known {
			at, known = methods[method]
		}
		if !known || len(n.Args) <= at {
			return "", false
		}
		key, ok := literal(n.Args[at])
		if _, function := makers[name]; !function && !strings.Contains(key, " ") {
			return "", false
		}
		return key, ok
	case *ast.CompositeLit:
		if !keyed[nameIn(n.Type, pkg)] {
			return "", false
		}
		for _, element := range n.Elts {
			pair, ok := element.(*ast.KeyValueExpr)
			if !ok {
				continue
			}
			if id, ok := pair.Key.(*ast.Ident); ok && id.Name == "Key" {
				return literal(pair.Value)
			}
		}
	}
	return "", false
}

// nameIn is "package.Name" of a selector, or of a plain name within its own package.
func nameIn(e ast.Expr, pkg string) string {
	switch e := e.(type) {
	case *ast.SelectorExpr:
		if id, ok := e.X.(*ast.Ident); ok {
			return id.Name + "." + e.Sel.Name
		}
	case *ast.Ident:
		return pkg + "." + e.Name
	}
	return ""
}

// literal reads a string literal, or several joined by +.
func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		v, err := strconv.Unquote(e.Value)
		return v, err == nil
	case *ast.BinaryExpr:
		left, okLeft := literal(e.X)
		right, okRight := literal(e.Y)
		return left + right, okLeft && okRight
	case *ast.ParenExpr:
		return literal(e.X)
	}
	return "", false
}
