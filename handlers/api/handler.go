// Package api is the management API under /v1: apps, keys, access, usage, policies and leaks, for programs. The document of internal/openapi is its contract:
// routes, parameters and bodies are taken from there, so that there is no operation which it does not describe.
//
// A call carries a key of this portal and is judged as any gateway has calls judged: by the key, the API's route rules and the plan. Cookies are never read. What
// the key may reach is decided by the stores, to which it is a member of its organization (actor.Members).
package api

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/openapi"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/idempotency"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/leak"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
	"github.com/gatehouse-dev/gatehouse/models/key/rotation"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/org/activity"
	"github.com/gatehouse-dev/gatehouse/models/usage"
	refusals "github.com/gatehouse-dev/gatehouse/models/usage/refusal"
	views "github.com/gatehouse-dev/gatehouse/views/usage"
)

// DocumentPath is where the document is served.
const DocumentPath = "/v1/openapi.json"

// Stores are what the operations act on.
type Stores struct {
	Orgs        *org.Store
	Catalog     *catalog.Store
	Key         *key.Store
	Rotation    *rotation.Store
	Policies    *policy.Store
	Leaks       *leak.Store
	Usage       *usage.Store
	Refusals    *refusals.Store
	Activity    *activity.Store
	Idempotency *idempotency.Store

	// Told says of a refusal what its page in the console says.
	Told func(ctx context.Context, r *refusals.Refusal, behind refusals.Behind) views.Verdict
}

// Call is a call that is to be judged: the id of its answer, its path, and the scope that it needs.
type Call struct{ RequestID, Path, Scope string }

// Caller is who may make a call, and from where.
type Caller struct {
	Facts   *keyring.Facts
	Address netip.Addr
}

// Admit judges a call. A call that is refused has its answer when ok is false.
type Admit func(w http.ResponseWriter, r *http.Request, call Call) (caller Caller, ok bool)

// Handler serves the operations.
type Handler struct {
	*web.Kit
	Stores
	admit Admit
	doc   *openapi.Document
}

// New reads the document. It fails when that can't be read.
func New(k *web.Kit, admit Admit, s Stores) (*Handler, error) {
	doc, err := openapi.Portal()
	return &Handler{Kit: k, Stores: s, admit: admit, doc: doc}, err
}

// operation is what one operation does with a call that was admitted and read.
type operation func(*call) (answer, error)

// operations are the acts of the operations that are served here, by their operationId.
func (h *Handler) operations() map[string]operation {
	return map[string]operation{
		"listApps": h.listApps, "getApp": h.getApp, "createApp": h.createApp, "changeApp": h.changeApp, "deleteApp": h.deleteApp,
		"listKeys": h.listKeys, "getKey": h.getKey, "createKey": h.createKey, "changeKey": h.changeKey,
		"rotateKey": h.rotateKey, "retireKey": h.retireKey, "extendOverlap": h.extendOverlap, "undoRotation": h.undoRotation,
		"pauseKey": h.pauseKey, "resumeKey": h.resumeKey, "revokeKey": h.revokeKey, "takeScope": h.takeScope, "giveScope": h.giveScope,
		"listAccess": h.listAccess, "getAccess": h.getAccess, "requestAccess": h.requestAccess, "withdrawAccess": h.withdrawAccess,
		"getUsage": h.getUsage, "getUsageBy": h.getUsageBy, "getRefusal": h.getRefusal, "listPolicies": h.listPolicies, "listLeaks": h.listLeaks,
		"listEvents": h.listEvents,
	}
}

// Routes registers every operation of the document that is served here. It fails when document and code differ: such a program must not run.
func (h *Handler) Routes(r *web.Registrar) error {
	acts := h.operations()
	for i := range h.doc.Operations {
		o := &h.doc.Operations[i]
		act, ok := acts[o.ID]
		if ok == (o.ServedBy != "") {
			return fmt.Errorf("api: operation %s is in the document or in the code alone", o.ID)
		}
		delete(acts, o.ID)
		if ok {
			r.Programs(o.Method, echoPath(o.Path), h.serve(o, act))
		}
	}
	for id := range acts {
		return fmt.Errorf("api: operation %s is not in the document", id)
	}
	r.Programs(http.MethodGet, DocumentPath, h.document)
	r.Get("/apis/:slug/reference", web.Public(), h.Reference)
	return nil
}

// echoPath writes a template as the router has it.
func echoPath(template string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(template)
}

// document answers with the document, to anybody.
func (h *Handler) document(c echo.Context) error {
	header := c.Response().Header()
	header.Set("ETag", h.doc.ETag)
	header.Set("Cache-Control", "public, max-age=300")
	header.Set("X-Content-Type-Options", "nosniff")
	if c.Request().Header.Get("If-None-Match") == h.doc.ETag {
		return c.NoContent(http.StatusNotModified)
	}
	return c.Blob(http.StatusOK, "application/json", h.doc.JSON)
}
