package web

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// Route is one line of the route table.
type Route struct {
	Method string
	Path   string
	Access Access
	Body   int64 // most bytes of a request body (L1)
}

// Mutates reports whether the method may change something.
func (r Route) Mutates() bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions
}

// Body limits by kind of route (L1).
const (
	FormBody = 64 << 10
	FileBody = FormBody + 5<<20
	// TextBody holds a post of 30,000 characters beside a form: a browser sends up to twelve bytes for each, three for each byte of UTF-8.
	TextBody = FormBody + 12*30_000
	AuthBody = 16 << 10
	APIBody  = 1 << 20
)

// Registrar is the only way in which a route comes to be. It panics at start on a route without access, a second one of the same
// method and path, or a mutating route open to cookies without the same-origin check: such a program must not run.
type Registrar struct {
	kit    *Kit
	echo   *echo.Echo
	routes []Route
}

// NewRegistrar registers on e.
func NewRegistrar(k *Kit, e *echo.Echo) *Registrar { return &Registrar{kit: k, echo: e} }

// Routes is the route table.
func (r *Registrar) Routes() []Route { return r.routes }

// Get registers a page that changes nothing, for GET and HEAD.
func (r *Registrar) Get(path string, a Access, h echo.HandlerFunc) {
	r.add(Route{http.MethodGet, path, a, 0}, h)
	r.echo.Add(http.MethodHead, path, r.wrap(Route{http.MethodHead, path, a, 0}, h))
}

// Post registers the act of a form: cookie, same-origin check, access, and at most FormBody bytes.
func (r *Registrar) Post(path string, a Access, h echo.HandlerFunc) {
	r.add(Route{http.MethodPost, path, a, FormBody}, h)
}

// PostText is Post for forms in which people write a post: at most TextBody bytes.
func (r *Registrar) PostText(path string, a Access, h echo.HandlerFunc) {
	r.add(Route{http.MethodPost, path, a, TextBody}, h)
}

// PostFile is Post for forms with a file (multipart/form-data): at most FileBody bytes.
func (r *Registrar) PostFile(path string, a Access, h echo.HandlerFunc) {
	r.add(Route{http.MethodPost, path, a, FileBody}, h)
}

// PostSmall is Post for forms of signing in and the like: at most AuthBody bytes.
func (r *Registrar) PostSmall(path string, a Access, h echo.HandlerFunc) {
	r.add(Route{http.MethodPost, path, a, AuthBody}, h)
}

// Programs registers a route for programs. It ignores cookies, and whoever calls proves it in the handler.
func (r *Registrar) Programs(method, path string, h echo.HandlerFunc) {
	r.add(Route{method, path, Token(), APIBody}, h)
}

func (r *Registrar) add(route Route, h echo.HandlerFunc) {
	if route.Access.level == undeclared || !strings.HasPrefix(route.Path, "/") || h == nil {
		panic(fmt.Sprintf("route %s %s has no access, path or handler", route.Method, route.Path)) //nolint:forbidigo // at start only
	}
	for _, other := range r.routes {
		if other.Method == route.Method && other.Path == route.Path {
			panic(fmt.Sprintf("route %s %s is there twice", route.Method, route.Path)) //nolint:forbidigo // at start only
		}
	}
	r.routes = append(r.routes, route)
	r.echo.Add(route.Method, route.Path, r.wrap(route, h))
}

func (r *Registrar) wrap(route Route, h echo.HandlerFunc) echo.HandlerFunc {
	if route.Access.level == token {
		return limitBody(route.Body, h)
	}
	h = r.kit.guard(route.Access, h)
	if route.Mutates() {
		h = sameOrigin(r.kit.BaseURL, limitBody(route.Body, h))
	}
	return r.kit.withState(h)
}

func limitBody(n int64, next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Request().Body = http.MaxBytesReader(c.Response().Writer, c.Request().Body, n)
		return next(c)
	}
}
