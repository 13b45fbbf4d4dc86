package api

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/openapi"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// accessPrefix begins the ids of access.
const accessPrefix = "acc"

type access struct {
	ID             string     `json:"id"`
	AppID          string     `json:"app_id"`
	API            string     `json:"api"`
	Plan           string     `json:"plan"`
	State          string     `json:"state"`
	Purpose        string     `json:"purpose"`
	Reason         string     `json:"reason"`
	Scopes         []string   `json:"scopes"`
	DecidedAt      *time.Time `json:"decided_at"`
	SuspendedUntil *time.Time `json:"suspended_until"`
	CreatedAt      time.Time  `json:"created_at"`
	UpdatedAt      time.Time  `json:"updated_at"`
}

func (h *Handler) access(r catalog.AccessRow) access {
	out := access{
		ID: r.ID.Show(accessPrefix), AppID: r.AppID.Show("app"), API: r.APISlug, Plan: r.PlanName, State: r.StateAt(h.Now()), Purpose: r.Purpose, Reason: r.Reason,
		Scopes: []string{}, DecidedAt: utc(r.DecidedAt), SuspendedUntil: utc(r.SuspendedUntil), CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
	for _, s := range r.Scopes {
		out.Scopes = append(out.Scopes, s.Name)
	}
	return out
}

func (h *Handler) listAccess(c *call) (answer, error) {
	app, err := c.id("app", "app")
	if err != nil {
		return answer{}, err
	}
	p, err := h.Catalog.Access(web.Ctx(c), c.actor, catalog.AccessFilter{AppID: app, State: c.params["state"]}, c.page())
	return pageOf(p, h.access), err
}

func (h *Handler) getAccess(c *call) (answer, error) {
	id, err := c.id(accessPrefix, "access")
	if err != nil {
		return answer{}, err
	}
	return h.oneAccess(c, id)
}

func (h *Handler) oneAccess(c *call, id db.ID) (answer, error) {
	r, err := h.Catalog.OneAccess(web.Ctx(c), c.actor, id)
	return answer{body: h.access(r), etag: etag(r.UpdatedAt)}, err
}

type newAccess struct {
	AppID   string   `json:"app_id"`
	API     string   `json:"api"`
	Plan    string   `json:"plan"`
	Scopes  []string `json:"scopes"`
	Purpose string   `json:"purpose"`
	Agree   bool     `json:"agree_to_terms"`
}

// request finds what is named. Names that the API does not have are told by where they stand.
func (in newAccess) request(d catalog.Detail) (catalog.RequestInput, error) {
	out := catalog.RequestInput{Purpose: in.Purpose, AgreesTerms: in.Agree}
	var wrong []openapi.Violation
	var err error
	if out.AppID, err = db.ParseID("app", in.AppID); err != nil {
		wrong = append(wrong, openapi.Violation{Pointer: "/app_id", Detail: "This is no id of an app."})
	}
	if i := slices.IndexFunc(d.Plans, func(p catalog.Plan) bool { return p.Name == in.Plan }); i >= 0 {
		out.PlanID = d.Plans[i].ID
	} else {
		wrong = append(wrong, openapi.Violation{Pointer: "/plan", Detail: "The API has no plan of this name."})
	}
	for at, name := range in.Scopes {
		i := slices.IndexFunc(d.Scopes, func(s catalog.Scope) bool { return s.Name == name })
		if i < 0 {
			wrong = append(wrong, openapi.Violation{Pointer: "/scopes/" + strconv.Itoa(at), Detail: "The API has no scope of this name."})
			continue
		}
		out.ScopeIDs = append(out.ScopeIDs, d.Scopes[i].ID)
	}
	if len(wrong) > 0 {
		return out, &refusal{status: http.StatusUnprocessableEntity, code: codeInvalid, detail: "Some of the body names what there is not.", errors: wrong}
	}
	return out, nil
}

func (h *Handler) requestAccess(c *call) (answer, error) {
	var in newAccess
	if err := c.body(&in); err != nil {
		return answer{}, err
	}
	d, err := h.Catalog.BySlug(web.Ctx(c), c.actor, in.API)
	if err != nil {
		return answer{}, err
	}
	r, err := in.request(d)
	if err != nil {
		return answer{}, err
	}
	x, err := h.Catalog.Request(web.Ctx(c), c.actor, in.API, r)
	if err != nil {
		return answer{}, err
	}
	return done(h.oneAccess(c, x.ID))
}

func (h *Handler) withdrawAccess(c *call) (answer, error) {
	id, err := c.id(accessPrefix, "access")
	if err == nil {
		err = h.Catalog.Withdraw(web.Ctx(c), c.actor, id)
	}
	if err != nil {
		return answer{}, err
	}
	return done(h.oneAccess(c, id))
}

func badMoment(pointer string) error {
	return &refusal{status: http.StatusUnprocessableEntity, code: codeInvalid, detail: "Some of the body is not as documented.", errors: []openapi.Violation{{Pointer: pointer, Detail: "This is no moment of RFC 3339."}}}
}
