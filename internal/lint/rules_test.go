package lint

import (
	"go/ast"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// testing says whether the file is for tests and tools, where some rules for the running server don't hold.
func (s source) forTests() bool {
	return s.isTest() || s.within("internal/testenv", "internal/tools", "models/db/dbtest", "models/account/factor/factortest", "handlers/webtest", "cmd/bench")
}

// clockReaders may ask the machine for the time.
var clockReaders = exceptions{
	"models/db/clock.go":       "it is the clock",
	"handlers/web/server.go":   "how long a request took, for the log",
	"internal/keyring/poll.go": "the clock of a ring that is given none",
}

func TestTimeComesFromTheClock(t *testing.T) {
	broken := map[string]string{}
	for _, s := range sources(t) {
		if s.forTests() || s.within("cmd") {
			continue
		}
		s.calls("time", func(name string, call *ast.CallExpr) {
			if (name == "Now" || name == "Since" || name == "Until") && !s.excused(call) {
				broken[s.path] = s.at(call)
			}
		})
	}
	clockReaders.check(t, broken, "take the time from the clock that is passed in")
}

// C5
var chance = exceptions{
	"internal/keyring/ring.go":  "spreads look-ups in time; nothing secret",
	"handlers/edge/exchange.go": "ids of requests, which need to differ and not to be unguessable",
}

func TestRandomnessIsCryptographic(t *testing.T) {
	broken := map[string]string{}
	for _, s := range sources(t) {
		if s.forTests() {
			continue
		}
		for _, spec := range s.file.Imports {
			if strings.HasPrefix(spec.Path.Value, `"math/rand`) {
				broken[s.path] = s.at(spec)
			}
		}
	}
	chance.check(t, broken, "use crypto/rand")
}

func TestNothingSleepsOrSkips(t *testing.T) {
	for _, s := range sources(t) {
		s.calls("time", func(name string, call *ast.CallExpr) {
			if name == "Sleep" {
				t.Errorf("%s: wait for a condition, not for a time", s.at(call))
			}
		})
		if !s.isTest() {
			continue
		}
		s.calls("", func(name string, call *ast.CallExpr) {
			if name == "Skip" || name == "Skipf" || name == "SkipNow" {
				t.Errorf("%s: a test that skips proves nothing: make what it needs, or fail", s.at(call))
			}
		})
	}
}

func TestNothingPanicsInARequest(t *testing.T) {
	for _, s := range sources(t) {
		if s.forTests() || !s.within("handlers", "models", "views") {
			continue
		}
		ast.Inspect(s.file, func(node ast.Node) bool {
			if call, ok := node.(*ast.CallExpr); ok {
				if name, ok := call.Fun.(*ast.Ident); ok && name.Name == "panic" && !s.excused(call) {
					t.Errorf("%s: return an error", s.at(call))
				}
			}
			return true
		})
	}
}

// C10: these three have GO-2026-6839, or lead around our own checks.
func TestRefusedMiddlewaresAreNotUsed(t *testing.T) {
	refused := regexp.MustCompile(`^(Proxy|Decompress|BodyDump|Timeout|AddTrailingSlash|CORS|MethodOverride)(With.*)?$`)
	for _, s := range sources(t) {
		s.calls("github.com/labstack/echo/v4/middleware", func(name string, call *ast.CallExpr) {
			if refused.MatchString(name) {
				t.Errorf("%s: echo's middleware.%s is not to be used here", s.at(call), name)
			}
		})
	}
}

// W5
var unescaped = exceptions{
	"views/account/factor.templ": "the otpauth: address of an authenticator app, a scheme that templ refuses; the store makes it, its parts escaped (TestSigningInAsksForTheCodeOfAnApp)",
}

func TestOutputIsEscaped(t *testing.T) {
	form := regexp.MustCompile(`templ\.(Raw|SafeURL|JSONScript|SafeCSS|JSUnsafeFuncCall|SafeScript)\b|@templ\.Raw`)
	broken := map[string]string{}
	walk(t, []string{".templ", ".go"}, func(path, text string) {
		if strings.HasSuffix(path, "_templ.go") || strings.HasPrefix(path, "internal/lint/") {
			return
		}
		if place := form.FindStringIndex(text); place != nil {
			broken[path] = path + " at " + text[place[0]:place[1]]
		}
	})
	unescaped.check(t, broken, "let templ escape it, or add the file to the list with its reason and a test")
}

func TestPagesCarryNoInlineStyleOrScript(t *testing.T) {
	form := regexp.MustCompile(`\s(style|on[a-z]+)=["{]`)
	walk(t, []string{".templ"}, func(path, text string) {
		for number, line := range strings.Split(text, "\n") {
			if found := form.FindString(line); found != "" {
				t.Errorf("%s:%d: %s: the content security policy forbids it; use a class or a script file", path, number+1, strings.TrimSpace(found))
			}
		}
	})
}

func TestNothingIsLeftForLater(t *testing.T) {
	form := regexp.MustCompile(`\b(TODO|FIXME|XXX)\b`)
	walk(t, []string{".go", ".templ", ".sql", ".css", ".js"}, func(path, text string) {
		if strings.HasPrefix(path, "internal/lint/") || strings.HasSuffix(path, "_templ.go") {
			return
		}
		for number, line := range strings.Split(text, "\n") {
			if form.MatchString(line) {
				t.Errorf("%s:%d: do it, or write an issue", path, number+1)
			}
		}
	})
}

// C12
func TestSecretsAreComparedInConstantTime(t *testing.T) {
	secretName := regexp.MustCompile(`(?i)(secret|password|digest|signature|pepper)$`)
	isSecret := func(e ast.Expr) bool {
		switch x := e.(type) {
		case *ast.CallExpr:
			selector, ok := x.Fun.(*ast.SelectorExpr)
			return ok && selector.Sel.Name == "Reveal"
		case *ast.Ident:
			return secretName.MatchString(x.Name)
		case *ast.SelectorExpr:
			return secretName.MatchString(x.Sel.Name)
		}
		return false
	}
	isFixed := func(e ast.Expr) bool {
		if name, ok := e.(*ast.Ident); ok && (name.Name == "nil" || name.Name == "true" || name.Name == "false") {
			return true
		}
		_, ok := e.(*ast.BasicLit)
		return ok
	}
	for _, s := range sources(t) {
		if s.forTests() {
			continue
		}
		ast.Inspect(s.file, func(node ast.Node) bool {
			compare, ok := node.(*ast.BinaryExpr)
			if ok && slices.Contains([]string{"==", "!="}, compare.Op.String()) && !isFixed(compare.X) && !isFixed(compare.Y) && (isSecret(compare.X) || isSecret(compare.Y)) {
				t.Errorf("%s: compare secrets with secret.Equal or crypto/subtle", s.at(compare))
			}
			return true
		})
	}
}
