package lint

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/gatehouse-dev/gatehouse"

// A source is one Go file that somebody wrote.
type source struct {
	path string // from the repository's root, with slashes
	text string
	file *ast.File
	set  *token.FileSet
}

func (s source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

// within says whether the file is in one of these folders, or is one of these files.
func (s source) within(places ...string) bool {
	for _, place := range places {
		if s.path == place || strings.HasPrefix(s.path, strings.TrimSuffix(place, "/")+"/") {
			return true
		}
	}
	return false
}

func (s source) line(node ast.Node) int { return s.set.Position(node.Pos()).Line }

func (s source) at(node ast.Node) string { return fmt.Sprintf("%s:%d", s.path, s.line(node)) }

// excused says whether the line of a node gives a reason for what it does: //nolint:forbidigo // the reason.
func (s source) excused(node ast.Node) bool {
	line := strings.Split(s.text, "\n")[s.line(node)-1]
	_, reason, marked := strings.Cut(line, "//nolint:forbidigo // ")
	return marked && strings.TrimSpace(reason) != ""
}

// imports says under which name the file knows a package, "" when it doesn't.
func (s source) imports(path string) string {
	for _, spec := range s.file.Imports {
		if strings.Trim(spec.Path.Value, `"`) != path {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path[strings.LastIndexByte(path, '/')+1:]
	}
	return ""
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		t.Fatalf("the root of the repository is not at %s", dir)
	}
	return dir
}

var rooms = []string{"cmd", "handlers", "views", "models", "static", "migrations", "internal", "client"}

// walk reads every file with one of these endings in the rooms of the house.
func walk(t *testing.T, endings []string, visit func(path, text string)) {
	t.Helper()
	top := root(t)
	for _, room := range rooms {
		err := filepath.WalkDir(filepath.Join(top, room), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				if os.IsNotExist(err) {
					return nil
				}
				return err
			}
			for _, ending := range endings {
				if strings.HasSuffix(path, ending) {
					text, err := os.ReadFile(path)
					if err != nil {
						return err
					}
					relative, err := filepath.Rel(top, path)
					visit(filepath.ToSlash(relative), string(text))
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

var (
	readOnce sync.Once
	all      []source
)

// sources are all Go files but the generated ones.
func sources(t *testing.T) []source {
	t.Helper()
	readOnce.Do(func() {
		walk(t, []string{".go"}, func(path, text string) {
			if strings.HasSuffix(path, "_templ.go") || strings.Contains(text, "// Code generated ") {
				return
			}
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, path, text, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, source{path, text, file, set})
		})
	})
	return all
}

// calls visits each call of a function of a package, or of a method when pkg is empty.
func (s source) calls(pkg string, visit func(name string, call *ast.CallExpr)) {
	known := s.imports(pkg)
	if pkg != "" && known == "" {
		return
	}
	ast.Inspect(s.file, func(node ast.Node) bool {
		call, ok := node.(*ast.CallExpr)
		if !ok {
			return true
		}
		selector, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		of, isName := selector.X.(*ast.Ident)
		if pkg == "" || isName && of.Name == known {
			visit(selector.Sel.Name, call)
		}
		return true
	})
}

// exceptions is a list of places that may break a rule, each with its reason.
type exceptions map[string]string

// check reports the places that broke the rule and are no exception, and the exceptions that are none.
func (e exceptions) check(t *testing.T, broken map[string]string, instead string) {
	t.Helper()
	for place, where := range broken {
		if e[place] == "" {
			t.Errorf("%s: %s", where, instead)
		}
	}
	for place := range e {
		if broken[place] == "" {
			t.Errorf("%s is an exception that nothing needs: take it off the list", place)
		}
	}
}
