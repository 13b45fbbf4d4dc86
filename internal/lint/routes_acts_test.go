package lint

import (
	"go/ast"
	"go/token"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// routesWithoutAct are the mutating routes whose success is no act of anybody's, each with its reason.
var routesWithoutAct = map[string]string{
	"POST /console/account/confirm/passkey/options": "a challenge, which is nothing before its answer, which is the act",
	"POST /login/factor/passkey/options":            "as above",
	"POST /passkeys/options":                        "as above",
	"POST /support/questions/:id/answering":         "notes for ten minutes who has a form open",
}

// handlerFunc is a function of a package of handlers: what it calls in that package, and which methods of stores.
type handlerFunc struct {
	own    []string
	stores []string // package.Method, as storeMethods has them
}

// handlerPackage is what is known of one folder of handlers.
type handlerPackage struct {
	fields map[string]string // of its structs, that hold stores: name to package of models
	funcs  map[string]*handlerFunc
	routes map[string][]string // by "POST /path": the functions that serve it
}

// U1: every route that changes something, pages and the API alike, leads to an act that is recorded.
func TestEveryMutatingRouteRecordsAnAct(t *testing.T) {
	methods, _ := storeMethods(t)
	packages := handlerPackages(t)
	seen, used := 0, map[string]bool{}
	for _, dir := range slices.Sorted(maps.Keys(packages)) {
		p := packages[dir]
		for _, route := range slices.Sorted(maps.Keys(p.routes)) {
			seen++
			if _, excused := routesWithoutAct[route]; excused {
				used[route] = true
				continue
			}
			if !slices.ContainsFunc(p.reached(p.routes[route]), func(m string) bool { return reaches(methods, m, records) }) {
				t.Errorf("%s: %s leads to no act that is recorded", dir, route)
			}
		}
	}
	if seen < 200 {
		t.Errorf("only %d routes were found", seen)
	}
	for route, reason := range routesWithoutAct {
		if !used[route] || reason == "" {
			t.Errorf("%s is excused and does not exist, or has no reason", route)
		}
	}
}

// reached are the methods of stores that functions of the package come to.
func (p *handlerPackage) reached(names []string) (out []string) {
	seen := map[string]bool{}
	var walk func(name string)
	walk = func(name string) {
		f := p.funcs[name]
		if f == nil || seen[name] {
			return
		}
		seen[name] = true
		out = append(out, f.stores...)
		for _, n := range f.own {
			walk(n)
		}
	}
	for _, n := range names {
		walk(n)
	}
	return out
}

func handlerPackages(t *testing.T) map[string]*handlerPackage {
	t.Helper()
	out := map[string]*handlerPackage{}
	var mine []source
	for _, s := range sources(t) {
		if s.isTest() || !s.within("handlers") {
			continue
		}
		mine = append(mine, s)
		dir := path.Dir(s.path)
		if out[dir] == nil {
			out[dir] = &handlerPackage{map[string]string{}, map[string]*handlerFunc{}, map[string][]string{}}
		}
		out[dir].readFields(s)
	}
	all := map[string]string{}
	for _, p := range out {
		maps.Copy(all, p.fields)
	}
	for _, p := range out { // a handler that stands within another has its stores
		for name, of := range all {
			if p.fields[name] == "" {
				p.fields[name] = of
			}
		}
	}
	for _, s := range mine {
		p := out[path.Dir(s.path)]
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
				p.readFunc(f)
			}
		}
	}
	return out
}

// readFields notes which fields of structs hold what of models.
func (p *handlerPackage) readFields(s source) {
	imports := map[string]string{}
	for _, i := range s.file.Imports {
		full, _ := strconv.Unquote(i.Path.Value)
		if _, ok := strings.CutPrefix(full, "github.com/gatehouse-dev/gatehouse/models/"); !ok {
			continue
		}
		name := path.Base(full)
		if i.Name != nil {
			imports[i.Name.Name] = name
		} else {
			imports[name] = name
		}
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		f, ok := n.(*ast.Field)
		if !ok {
			return true
		}
		typ := f.Type
		if star, ok := typ.(*ast.StarExpr); ok {
			typ = star.X
		}
		if sel, ok := typ.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && imports[x.Name] != "" {
				for _, name := range f.Names {
					p.fields[name.Name] = imports[x.Name]
				}
			}
		}
		return true
	})
}

// registering are the methods of the registrar that take mutating routes.
var registering = []string{"Post", "PostText", "PostFile", "PostSmall"}

func (p *handlerPackage) readFunc(f *ast.FuncDecl) {
	h := p.funcs[f.Name.Name]
	if h == nil {
		h = &handlerFunc{}
		p.funcs[f.Name.Name] = h // of two methods of one name: what both do
	}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			p.readRoute(n)
		case *ast.KeyValueExpr: // operations of the API, by their name
			if key, ok := n.Key.(*ast.BasicLit); ok && f.Name.Name == "operations" && key.Kind == token.STRING {
				if name, _ := strconv.Unquote(key.Value); !strings.HasPrefix(name, "get") && !strings.HasPrefix(name, "list") {
					p.routes["API "+name] = names(n.Value)
				}
			}
		case *ast.SelectorExpr:
			h.own = append(h.own, n.Sel.Name)
			if x, ok := n.X.(*ast.SelectorExpr); ok && p.fields[x.Sel.Name] != "" {
				h.stores = append(h.stores, p.fields[x.Sel.Name]+"."+n.Sel.Name)
			}
			if x, ok := n.X.(*ast.Ident); ok && p.fields[x.Name] != "" {
				h.stores = append(h.stores, p.fields[x.Name]+"."+n.Sel.Name)
			}
		case *ast.Ident:
			h.own = append(h.own, n.Name)
		}
		return true
	})
}

func (p *handlerPackage) readRoute(call *ast.CallExpr) {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !slices.Contains(registering, sel.Sel.Name) || len(call.Args) != 3 {
		return
	}
	where := ""
	ast.Inspect(call.Args[0], func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			text, _ := strconv.Unquote(lit.Value)
			where += text
		}
		return true
	})
	p.routes["POST "+where] = append(p.routes["POST "+where], names(call.Args[2])...)
}

// names are all that an expression names.
func names(e ast.Expr) (out []string) {
	ast.Inspect(e, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			out = append(out, id.Name)
		}
		return true
	})
	return out
}
