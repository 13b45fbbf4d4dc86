// Package leak answers for leaked keys: the page and the API that take them from anybody, GitHub's signed reports, the rule file for scanners, the
// incident's page of a key's people, and staff's list and policy.
package leak

import (
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/githubleak"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	leaks "github.com/gatehouse-dev/gatehouse/models/key/leak"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Handler answers the routes about leaked keys.
type Handler struct {
	*web.Kit
	Keys   *keys.Store
	Leaks  *leaks.Store
	GitHub *githubleak.Keys
	Brand  string // how every key begins
}

// Paths of what anybody may open.
const (
	foundPath = "/found-a-key"
	rulesPath = foundPath + "/gitleaks.toml"
	hookPath  = foundPath + "/pre-commit.yaml"
	apiPath   = "/v1/leaks"
	hubPath   = apiPath + "/github"
	adminPath = "/admin/leaks"
	minePath  = "/console/incidents"
)

// Routes are the routes about leaked keys.
func (h *Handler) Routes(r *web.Registrar) {
	r.Get(foundPath, web.Public(), h.Found)
	r.PostText(foundPath, web.Public(), h.HandIn)
	r.Get(rulesPath, web.Public(), h.Rules)
	r.Get(hookPath, web.Public(), h.Hook)
	r.Programs("POST", apiPath, h.Report)
	r.Programs("POST", hubPath, h.FromGitHub)

	r.Get(minePath, web.SignedIn(), h.Mine)
	r.Get("/console/keys/:key/incident", web.SignedIn(), h.Incident)
	r.Post("/console/keys/:key/incident/resume", web.SignedIn(), h.Resume)
	r.Post("/console/keys/:key/incident/close", web.SignedIn(), h.Close)

	read, manage := web.Staff(permission.StaffLeaksRead), web.Staff(permission.StaffLeaksManage)
	r.Get(adminPath, read, h.All)
	r.Get(adminPath+"/policy", read, h.Policy)
	r.Post(adminPath+"/policy", manage, h.SetPolicy)
	r.Get(adminPath+"/:incident", read, h.StaffIncident)
	r.Post(adminPath+"/:incident/close", manage, h.StaffClose)
}
