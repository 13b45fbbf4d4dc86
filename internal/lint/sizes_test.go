package lint

import (
	"go/ast"
	"strings"
	"testing"
)

const fileMax, functionMax = 500, 60

func TestFilesAndFunctionsCanBeReadAtOnce(t *testing.T) {
	for _, s := range sources(t) {
		if s.isTest() {
			continue
		}
		if lines := strings.Count(s.text, "\n"); lines > fileMax {
			t.Errorf("%s has %d lines, more than %d: cut it where the nouns part", s.path, lines, fileMax)
		}
		for _, declaration := range s.file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if lines := s.set.Position(function.End()).Line - s.line(function) + 1; lines > functionMax {
				t.Errorf("%s: %s has %d lines, more than %d", s.at(function), function.Name.Name, lines, functionMax)
			}
		}
	}
}

func TestTemplatesScriptsAndStylesCanBeReadAtOnce(t *testing.T) {
	walk(t, []string{".templ", ".js", ".css"}, func(path, text string) {
		if strings.Contains(path, "/vendor/") || strings.Contains(path, ".min.") {
			return
		}
		if lines := strings.Count(text, "\n"); lines > fileMax {
			t.Errorf("%s has %d lines, more than %d", path, lines, fileMax)
		}
	})
}

func TestNoDrawerForEverything(t *testing.T) {
	for _, s := range sources(t) {
		for _, name := range []string{"utils", "util", "helpers", "common", "misc", "types.go"} {
			for part := range strings.SplitSeq(s.path, "/") {
				if part == name || part == name+".go" {
					t.Errorf("%s: name it after the noun that it is about", s.path)
				}
			}
		}
	}
}
