// Package scim answers the directories of organizations by SCIM 2.0 (RFC 7643, RFC 7644) under /scim/v2, and serves the page on which owners let one in.
//
// A call carries a token of its organization; cookies are never read. What comes in is taken as Entra ID and Okta write it, also where that is not quite the standard:
// attributes in whatever letters, "active": "False", and attributes that are not kept here, which are left aside.
package scim

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/openapi"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/scim"
)

// Handler answers both.
type Handler struct {
	*web.Kit
	Store *scim.Store
	Orgs  *org.Store

	limiter ratelimit.Limiter
}

// New makes the handler.
func New(k *web.Kit, s *scim.Store, o *org.Store) *Handler {
	return &Handler{Kit: k, Store: s, Orgs: o, limiter: ratelimit.NewLocal(callers)}
}

// How many calls there may be. Entra ID sends up to 25 a second.
const callers = 1 << 12 // buckets that are kept

const (
	byAddress uint8 = iota + 1
	byToken
)

var (
	paceOfAddress = ratelimit.Limit{Requests: 50, Period: time.Second, Burst: 200}
	paceOfToken   = ratelimit.Limit{Requests: 25, Period: time.Second, Burst: 100}
)

// Routes lists the routes.
func (h *Handler) Routes(r *web.Registrar) {
	h.pages(r)
	for _, route := range []struct {
		method, path string
		act          func(*call) (answer, error)
	}{
		{http.MethodGet, "ServiceProviderConfig", h.config},
		{http.MethodGet, "ResourceTypes", h.types},
		{http.MethodGet, "ResourceTypes/:id", h.oneType},
		{http.MethodGet, "Schemas", h.schemas},
		{http.MethodGet, "Schemas/:id", h.schema},
		{http.MethodGet, "Users", h.users},
		{http.MethodPost, "Users", h.addUser},
		{http.MethodGet, "Users/:id", h.user},
		{http.MethodPut, "Users/:id", h.putUser},
		{http.MethodPatch, "Users/:id", h.patchUser},
		{http.MethodDelete, "Users/:id", h.deleteUser},
		{http.MethodGet, "Groups", h.groups},
		{http.MethodPost, "Groups", h.addGroup},
		{http.MethodGet, "Groups/:id", h.group},
		{http.MethodPut, "Groups/:id", h.putGroup},
		{http.MethodPatch, "Groups/:id", h.patchGroup},
		{http.MethodDelete, "Groups/:id", h.deleteGroup},
		{http.MethodPost, "Bulk", h.none},
		{http.MethodGet, "Me", h.none},
	} {
		r.Programs(route.method, web.ScimRoot+route.path, h.serve(route.act))
	}
}

// call is a call of a directory whose token works.
type call struct {
	echo.Context
	actor actor.Actor
}

// answer is what a call is answered.
type answer struct {
	status   int // 0: 200
	body     any // nil: none
	version  string
	location string
}

// refusal is a call that can't be taken as it is.
type refusal struct {
	status   int
	scimType string
	detail   string
}

func (r *refusal) Error() string { return r.scimType + ": " + r.detail }

func bad(scimType, detail string) error { return &refusal{http.StatusBadRequest, scimType, detail} }

// stale is of a call whose If-Match is not of what there is.
func stale() error {
	return &refusal{http.StatusPreconditionFailed, "", "It was changed meanwhile, or If-Match names no version of it. Read it again."}
}

// none answers what is not offered, as ServiceProviderConfig says.
func (h *Handler) none(*call) (answer, error) {
	return answer{}, &refusal{http.StatusNotImplemented, "", "This is not offered here: send one call for each user and group."}
}

// serve lets the directory in, has the call answered, and says what is wrong in the form of the standard.
func (h *Handler) serve(act func(*call) (answer, error)) echo.HandlerFunc {
	return func(e echo.Context) error {
		c := &call{Context: e, actor: actor.Actor{Kind: actor.Anonymous, RequestID: web.RequestID(e)}}
		c.actor.Address, _ = netip.ParseAddr(e.RealIP()) // the zero address when it is none
		err := h.enter(c)
		var a answer
		if err == nil {
			a, err = act(c)
		}
		if err != nil {
			return h.refuse(c, err)
		}
		header := e.Response().Header()
		header.Set("Cache-Control", "no-store")
		header.Set("X-Content-Type-Options", "nosniff")
		if a.location != "" {
			header.Set("Location", a.location)
		}
		if a.version != "" {
			header.Set("ETag", a.version)
		}
		if a.status == 0 {
			a.status = http.StatusOK
		}
		if a.body == nil {
			return e.NoContent(a.status)
		}
		header.Set("Content-Type", mediaType)
		return writeJSON(e.Response(), a.status, a.body)
	}
}

const mediaType = "application/scim+json"

// enter finds the directory that calls. Faults: Unauthenticated, RateLimited.
func (h *Handler) enter(c *call) error {
	if err := h.take(c, byAddress, c.actor.Address.String(), paceOfAddress); err != nil {
		return err
	}
	scheme, token, _ := strings.Cut(c.Request().Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		token = ""
	}
	var err error
	if c.actor, err = h.Store.Enter(web.Ctx(c), strings.TrimSpace(token), c.actor); err != nil {
		return err
	}
	return h.take(c, byToken, c.actor.KeyID.String(), paceOfToken)
}

func (h *Handler) take(c *call, kind uint8, whose string, limit ratelimit.Limit) error {
	r := h.limiter.Take(web.Ctx(c), h.Now(), 1, ratelimit.Ask{Key: ratelimit.KeyOf(kind, whose), Limit: limit}, ratelimit.Ask{})
	if r.Allowed {
		return nil
	}
	return fault.Later(r.RetryAfter, "Those are too many calls at once. Wait a little, then try again.")
}

var statuses = map[fault.Kind]int{
	fault.Invalid: http.StatusBadRequest, fault.Unauthenticated: http.StatusUnauthorized, fault.Forbidden: http.StatusForbidden, fault.NotFound: http.StatusNotFound,
	fault.Conflict: http.StatusConflict, fault.RateLimited: http.StatusTooManyRequests,
}

// refuse answers an error. What is the server's own fault is logged and answered by package web.
func (h *Handler) refuse(c *call, err error) error {
	var r *refusal
	if errors.As(err, &r) {
		return web.WriteScim(c.Response(), r.status, r.scimType, r.detail)
	}
	f := fault.As(err)
	if f == nil || statuses[f.Kind] == 0 {
		return err
	}
	scimType := ""
	switch {
	case errors.Is(err, scim.ErrTaken):
		scimType = "uniqueness"
	case f.Kind == fault.Invalid:
		scimType = "invalidValue"
	case f.Kind == fault.Unauthenticated:
		c.Response().Header().Set("WWW-Authenticate", `Bearer realm="scim"`)
	}
	if f.RetryAfter > 0 {
		c.Response().Header().Set("Retry-After", strconv.Itoa(int((f.RetryAfter+time.Second-1)/time.Second)))
	}
	detail := web.ScimDetail(f)
	if f.Kind == fault.NotFound && c.Param("id") != "" { // the same for what there never was, what is gone, and what is another directory's (Z2)
		detail = "There is nothing with the id of this path: it was removed, or never was in this directory."
	}
	return web.WriteScim(c.Response(), statuses[f.Kind], scimType, detail)
}

// object reads the body, strictly (L1).
func (c *call) object() (map[string]any, error) {
	raw, err := io.ReadAll(c.Request().Body)
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return nil, &refusal{http.StatusRequestEntityTooLarge, "", "A body is at most 1 MiB long."}
	case err != nil:
		return nil, bad("invalidSyntax", "The body did not arrive whole.")
	}
	if media, _, err := mime.ParseMediaType(c.Request().Header.Get("Content-Type")); err != nil || media != mediaType && media != "application/json" {
		return nil, &refusal{http.StatusUnsupportedMediaType, "", "Send the body as " + mediaType + "; its Content-Type is " + came(c.Request().Header.Get("Content-Type")) + "."}
	}
	v, wrong := openapi.Decode(raw)
	if wrong != nil {
		return nil, bad("invalidSyntax", strings.TrimSpace(wrong.Pointer+" "+wrong.Detail))
	}
	o, ok := v.(map[string]any)
	if !ok {
		return nil, bad("invalidSyntax", "The body has to be a JSON object; it is "+came(v)+".")
	}
	return o, nil
}
