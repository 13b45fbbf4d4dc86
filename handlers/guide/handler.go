// Package guide has the pages of guides and tutorials.
package guide

import (
	"sync"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/guide"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Handler serves guides and tutorials.
type Handler struct {
	*web.Kit
	Guides *guide.Store
	Forum  *forum.Store
	Signer *secret.Signer // of the cookie by which a browser votes once

	mu     sync.Mutex
	sheets map[string]*sheet // pages for people who are not signed in
}

// Routes lists the area's routes but those of search.
func (h *Handler) Routes(r *web.Registrar) {
	r.Get("/guides", web.Public(), h.GuideShelf)
	r.Get("/guides/:slug", web.Public(), h.Guide)
	r.Post("/guides/:slug/helpful", web.Public(), h.RateGuide)
	r.Get("/tutorials", web.Public(), h.TutorialShelf)
	r.Get("/tutorials/:slug", web.Public(), h.Tutorial)
	r.Post("/tutorials/:slug/helpful", web.Public(), h.RateTutorial)
	r.Post("/tutorials/:slug/check", web.SignedIn(), h.Check)
	r.Post("/tutorials/:slug/steps", web.SignedIn(), h.Mark)
	r.Get("/llms.txt", web.Public(), h.Llms)
	r.Get("/support/pages", web.Staff(permission.StaffQuestionsRead), h.Complaints)
	r.Get("/support/pages.csv", web.Staff(permission.StaffQuestionsRead), h.ComplaintsCSV)
}
