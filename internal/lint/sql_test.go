package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// queries are the methods of gorm and database/sql that take SQL as text, with where it stands among the arguments.
var queries = map[string]int{
	"Where": 0, "Or": 0, "Not": 0, "Having": 0, "Order": 0, "Group": 0, "Joins": 0, "Raw": 0, "Exec": 0, "Select": 0, "Distinct": 0, "Pluck": 0,
	"Query": 0, "QueryRow": 0, "ExecContext": 1, "QueryContext": 1, "QueryRowContext": 1, "Expr": 0, "Run": 0,
	"First": 1, "Last": 1, "Take": 1, "Find": 1, "Delete": 1,
}

// C11: functions whose SQL is put together from arguments, each of which their callers write out.
var assembled = exceptions{
	"models/audit/log.go eachBatch":               "the query is made in the same file and in about.go, of fixed conditions; every value is an argument",
	"models/db/sqlite.go RollbackTo":              "gorm names savepoints itself",
	"models/db/sqlite.go SavePoint":               "gorm names savepoints itself",
	"models/forum/follow/bytoken.go Solving":      "the condition is forum.Visible, a constant that handlers/stores.go hands down",
	"models/forum/follow/bytoken.go Subscription": "as Solving",
	"models/forum/follow/tell.go reads":           "as Solving",
	"models/key/enforcement/warn.go warn":         "the condition is made in policy/keys.go from fixed conditions; every value is an argument",
	"models/key/policy/change_hits.go hits":       "as warn; the bits of rules are numbers of a fixed table",
	"models/key/policy/look.go named":             "one of two fixed texts for an id, by the dialect",
	"models/usage/quota/quota.go due":             "tables and columns of the two periods are a fixed table; every value is an argument",
	"models/usage/quota/quota.go standings":       "as due; the condition is its callers', two constants",
	"models/usage/batch.go add":                   "its caller, in the same file, has them from a table of fixed statements",
	"models/scim/token.go Enter":                  "the condition is made in the same file, of fixed words and of what package actor says of policies; every value is an argument",
	"models/scim/token.go entered":                "as Enter",
	"models/scim/token.go tokenOf":                "as Enter",
	"models/scim/directory.go Directory":          "as Enter",
	"models/scim/ending.go TellEnding":            "as Enter",
	"models/scim/stopped.go TellStopped":          "as Enter",
	"models/scim/stopped.go tellStopped":          "as Enter",
	"models/scim/ending.go endingOf":              "as Enter",
	"models/scim/ending.go tellEnding":            "as Enter",
	"models/usage/totals.go writeTotals":          "as add",
	"models/usage/refusal/refusal.go LeftOut":     "the condition is made in the same file from fixed conditions; every value is an argument",
	"models/usage/refusal/refusal.go Codes":       "as LeftOut",
	"models/usage/refusal/sweep.go sweepOwners":   "one of two fixed conditions, from holdings in the same file; every value is an argument",
}

func TestSQLIsNotPutTogetherFromText(t *testing.T) {
	constants, calls := constantsByFolder(t), callsByFolder(t)
	broken := map[string]string{}
	for _, s := range sources(t) {
		if s.forTests() || !s.within("models", "handlers", "cmd") {
			continue
		}
		for _, declaration := range s.file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok {
				continue
			}
			fixed := fixedVariables(function, constants[filepath.Dir(s.path)])
			addFixedParameters(fixed, function, calls[filepath.Dir(s.path)], constants[filepath.Dir(s.path)])
			eachQuery(function, func(argument ast.Expr) {
				if puts(argument, fixed) {
					broken[s.path+" "+function.Name.Name] = s.at(argument) + " " + function.Name.Name
				}
			})
		}
	}
	assembled.check(t, broken, "write the statement whole and pass values as arguments; take names of columns from a fixed list")
}

// callsByFolder are the calls of each unexported function, by folder and name.
func callsByFolder(t *testing.T) map[string]map[string][]*ast.CallExpr {
	found := map[string]map[string][]*ast.CallExpr{}
	for _, s := range sources(t) {
		if s.isTest() {
			continue
		}
		folder := filepath.Dir(s.path)
		if found[folder] == nil {
			found[folder] = map[string][]*ast.CallExpr{}
		}
		ast.Inspect(s.file, func(node ast.Node) bool {
			if call, ok := node.(*ast.CallExpr); ok {
				found[folder][called(call)] = append(found[folder][called(call)], call)
			}
			return true
		})
	}
	return found
}

func called(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// addFixedParameters adds those parameters of an unexported function for which every caller writes fixed words.
func addFixedParameters(fixed map[string]bool, function *ast.FuncDecl, calls map[string][]*ast.CallExpr, constants map[string]bool) {
	mine := calls[function.Name.Name]
	if function.Name.IsExported() || len(mine) == 0 {
		return
	}
	position := 0
	for _, field := range function.Type.Params.List {
		for _, name := range field.Names {
			all := true
			for _, call := range mine {
				all = all && (position >= len(call.Args) || isConstant(call.Args[position], constants))
			}
			if all {
				fixed[name.Name] = true
			}
			position++
		}
	}
}

// eachQuery visits the arguments of a function's calls that are SQL.
func eachQuery(function *ast.FuncDecl, visit func(ast.Expr)) {
	ast.Inspect(function, func(node ast.Node) bool {
		call, ok := node.(*ast.CallExpr)
		if !ok {
			return true
		}
		selector, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if place, known := queries[selector.Sel.Name]; known && place < len(call.Args) {
			visit(call.Args[place])
		}
		return true
	})
}

// fixedVariables are the constants of the package and those variables of a function that only ever get constant text, such
// as an ending that differs by dialect.
func fixedVariables(function *ast.FuncDecl, constants map[string]bool) map[string]bool {
	fixed, spoilt := maps.Clone(constants), map[string]bool{}
	if fixed == nil {
		fixed = map[string]bool{}
	}
	for _, field := range function.Type.Params.List {
		for _, name := range field.Names {
			spoilt[name.Name] = true
		}
	}
	ast.Inspect(function, func(node ast.Node) bool {
		assignment, ok := node.(*ast.AssignStmt)
		if !ok {
			return true
		}
		for i, left := range assignment.Lhs {
			name, ok := left.(*ast.Ident)
			if !ok {
				continue
			}
			if len(assignment.Rhs) == len(assignment.Lhs) && !spoilt[name.Name] && isConstant(assignment.Rhs[i], fixed) {
				fixed[name.Name] = true
			} else {
				spoilt[name.Name] = true
			}
		}
		return true
	})
	for name := range spoilt {
		delete(fixed, name)
	}
	ast.Inspect(function, func(node ast.Node) bool {
		if assignment, ok := node.(*ast.AssignStmt); ok && madeOfWords(assignment.Rhs[0]) {
			if name, ok := assignment.Lhs[0].(*ast.Ident); ok {
				fixed[name.Name] = true
			}
		}
		return true
	})
	return fixed
}

// wordMakers are functions that make pieces of SQL for others: where() conditions, each given to add() as fixed words,
// lock() the ending that locks rows, from() the tables, Members() whose members those are, Hidden() which apps they don’t reach, Shared() which app of others they do, SharedAll() by which shares. TestConditionsAreFixedWords judges them.
var wordMakers = []string{"where", "lock", "from", "Members", "Hidden", "Shared", "SharedAll", "shared"}

func madeOfWords(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return false
	}
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return slices.Contains(wordMakers, f.Name)
	case *ast.SelectorExpr:
		return slices.Contains(wordMakers, f.Sel.Name)
	}
	return false
}

// condition is the text that is given to add: its first argument, or the second where the first says whether.
func condition(call *ast.CallExpr) ast.Expr {
	for _, argument := range call.Args[:min(2, len(call.Args))] {
		if hasText(argument) {
			if compare, is := argument.(*ast.BinaryExpr); !is || compare.Op == token.ADD {
				return argument
			}
		}
	}
	return nil
}

// C11
func TestConditionsAreFixedWords(t *testing.T) {
	constants := constantsByFolder(t)
	for _, s := range sources(t) {
		if s.forTests() || !s.within("models") {
			continue
		}
		for _, declaration := range s.file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok || !slices.Contains(wordMakers, function.Name.Name) {
				continue
			}
			fixed := fixedVariables(function, constants[filepath.Dir(s.path)])
			ast.Inspect(function.Body, func(node ast.Node) bool {
				switch x := node.(type) {
				case *ast.CallExpr:
					if name, ok := x.Fun.(*ast.Ident); ok && name.Name == "add" && puts(condition(x), fixed) {
						t.Errorf("%s: a condition is fixed words; its values are arguments", s.at(x))
					}
				case *ast.ReturnStmt:
					for _, result := range x.Results {
						if puts(result, fixed) {
							t.Errorf("%s: return fixed words", s.at(x))
						}
					}
				}
				return true
			})
		}
	}
}

// puts says whether an expression joins text, or formats it, out of anything but fixed text.
func puts(e ast.Expr, fixed map[string]bool) bool {
	switch x := e.(type) {
	case *ast.BinaryExpr:
		return x.Op == token.ADD && hasText(x) && !isConstant(x, fixed)
	case *ast.CallExpr:
		selector, ok := x.Fun.(*ast.SelectorExpr)
		return ok && strings.HasPrefix(selector.Sel.Name, "Sprint")
	case *ast.ParenExpr:
		return puts(x.X, fixed)
	}
	return false
}

func TestTheJudgeOfSQLTellsTextFromInput(t *testing.T) {
	const code = `package x
const columns = "a, b"
func good(g G, dialect string) {
	lock := ""
	if dialect == "postgres" { lock = " FOR UPDATE" }
	g.Raw("SELECT " + columns + " FROM t" + lock).Where("a = ?", dialect).Order("b")
}
func format(g G, in string) { g.Raw(fmt.Sprintf("SELECT %s", in)) }
func join(g G, in string) { g.Where("name = '" + in + "'") }
func inline(g G, in string) { g.First(&x, "name = " + in) }
func later(g G, in string) { q := "x"; q += in; g.Order("a" + q) }`
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "x.go", code, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, declaration := range file.Decls {
		function, ok := declaration.(*ast.FuncDecl)
		if !ok {
			continue
		}
		found := false
		fixed := fixedVariables(function, map[string]bool{"columns": true})
		eachQuery(function, func(argument ast.Expr) { found = found || puts(argument, fixed) })
		if name := function.Name.Name; found == (name == "good") {
			t.Errorf("%s: found %v", name, found)
		}
	}
}

// hasText tells joined text from added numbers.
func hasText(e ast.Expr) bool {
	found := false
	ast.Inspect(e, func(node ast.Node) bool {
		if literal, ok := node.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			found = true
		}
		return true
	})
	return found
}

func isConstant(e ast.Expr, constants map[string]bool) bool {
	switch x := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.Ident:
		return constants[x.Name]
	case *ast.BinaryExpr:
		return isConstant(x.X, constants) && isConstant(x.Y, constants)
	case *ast.ParenExpr:
		return isConstant(x.X, constants)
	}
	return madeOfWords(e) || repeatsWords(e, constants)
}

// repeatsWords knows rows of placeholders: fixed text, several times.
func repeatsWords(e ast.Expr, constants map[string]bool) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return false
	}
	name := ""
	switch f := call.Fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		name = f.Sel.Name
		if of, ok := f.X.(*ast.Ident); ok && of.Name == "db" && name == "Rows" { // placeholders alone, by two numbers
			return true
		}
	}
	return slices.Contains([]string{"rowsText", "Repeat", "TrimSuffix", "TrimPrefix"}, name) && isConstant(call.Args[0], constants)
}

func constantsByFolder(t *testing.T) map[string]map[string]bool {
	found := map[string]map[string]bool{}
	for _, s := range sources(t) {
		folder := filepath.Dir(s.path)
		if found[folder] == nil {
			found[folder] = map[string]bool{}
		}
		ast.Inspect(s.file, func(node ast.Node) bool {
			declaration, ok := node.(*ast.GenDecl)
			if !ok || declaration.Tok != token.CONST {
				return true
			}
			for _, spec := range declaration.Specs {
				for _, name := range spec.(*ast.ValueSpec).Names {
					found[folder][name.Name] = true
				}
			}
			return true
		})
	}
	return found
}

func TestSQLOwnsTheSchema(t *testing.T) {
	for _, s := range sources(t) {
		if s.forTests() || !s.within("models", "handlers", "cmd") {
			continue
		}
		ast.Inspect(s.file, func(node ast.Node) bool {
			selector, ok := node.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			of, _ := selector.X.(*ast.Ident)
			switch {
			case selector.Sel.Name == "AutoMigrate", s.within("models") && selector.Sel.Name == "Save":
				t.Errorf("%s: no %s here: migrations own the schema, and an update names its columns", s.at(selector), selector.Sel.Name)
			case of != nil && of.Name == "gorm" && (selector.Sel.Name == "Model" || selector.Sel.Name == "DeletedAt"):
				t.Errorf("%s: no gorm.%s: name the columns", s.at(selector), selector.Sel.Name)
			}
			return true
		})
	}
}

func TestMigrationsAreInStep(t *testing.T) {
	names := map[string][]string{}
	for _, dialect := range []string{"sqlite", "postgres"} {
		files, err := filepath.Glob(filepath.Join(root(t), "migrations", dialect, "*.sql"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			name := filepath.Base(file)
			names[dialect] = append(names[dialect], name)
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !regexp.MustCompile(`^\d{4}_[a-z0-9_]+\.sql$`).MatchString(name) {
				t.Errorf("%s/%s: migrations are called NNNN_name.sql", dialect, name)
			}
			if !strings.HasPrefix(string(text), "-- ") {
				t.Errorf("%s/%s: the first line says why", dialect, name)
			}
			if strings.Contains(string(text), "+goose Down") {
				t.Errorf("%s/%s: migrations go forward only", dialect, name)
			}
		}
	}
	if sqlite, postgres := strings.Join(names["sqlite"], " "), strings.Join(names["postgres"], " "); sqlite != postgres {
		t.Errorf("the dialects differ:\nsqlite   %s\npostgres %s", sqlite, postgres)
	}
}
