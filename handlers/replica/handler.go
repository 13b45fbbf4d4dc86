// Package replica has the page on which staff see which processes run, and how they stand.
package replica

import (
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/replica"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/replica"
)

// Handler answers the page.
type Handler struct {
	*web.Kit
	Replicas *replica.Store
}

// Routes are the area's routes.
func (h *Handler) Routes(r *web.Registrar) {
	r.Get("/admin/replicas", web.Staff(permission.StaffReplicasRead), h.List)
}

// From here on somebody should look: a process polls four times a second, and its clock is set by the network as a rule.
const (
	staleFrom = 2 * time.Second
	skewFrom  = 2 * time.Second
)

// List shows every process, and warns of what is odd.
func (h *Handler) List(c echo.Context) error {
	f, err := h.Replicas.Fleet(web.Ctx(c), web.Actor(c))
	if err != nil {
		return err
	}
	page := views.Page{Frame: h.Frame(c, web.T(c, "Replicas")), Warnings: warnings(c, f)}
	for _, r := range f.Replicas {
		page.Rows = append(page.Rows, row(c, f, r))
	}
	return h.Render(c, views.Replicas(page))
}

func stale(r replica.Replica) bool { return r.Alive && r.FeedAge() >= staleFrom }

func warnings(c echo.Context, f replica.Fleet) []string {
	var out, versions []string
	for _, r := range f.Replicas {
		switch {
		case !r.Alive:
			out = append(out, web.T(c, "%s is silent: it died, or it does not reach the database.", r.Name))
			continue
		case stale(r):
			out = append(out, web.T(c, "%s does not hear of changes. It refuses everything once GATEHOUSE_STALE_MAX has passed.", r.Name))
		}
		if r.Skew().Abs() >= skewFrom {
			out = append(out, web.T(c, "The clock of %s is wrong. Keys end there at another time than elsewhere.", r.Name))
		}
		if r.Redis == replica.Off {
			out = append(out, web.T(c, "%s does not reach Redis. It counts its share of each limit by itself.", r.Name))
		}
		if !slices.Contains(versions, r.Version) {
			versions = append(versions, r.Version)
		}
	}
	if len(versions) > 1 {
		out = append(out, web.T(c, "Processes of different versions run. During an upgrade that is as it should be."))
	}
	return out
}

func row(c echo.Context, f replica.Fleet, r replica.Replica) views.Row {
	ctx := web.Ctx(c)
	out := views.Row{
		Name: r.Name, Version: r.Version, Edge: r.EdgeAddr, Alive: r.Alive, Stale: stale(r),
		Started: components.MomentAt(ctx, f.Now, r.StartedAt), Seen: components.MomentAt(ctx, f.Now, r.SeenAt),
		Behind: web.T(c, "%s ms", text.Number(ctx, r.FeedMS)), Hint: hints[r.Hint].in(c), Redis: works[r.Redis].in(c),
		Keys: text.Number(ctx, r.KeysHeld), Hits: "–", Waiting: text.Number(ctx, r.Spooled), Clock: web.T(c, "right"),
	}
	if r.Lookups > 0 {
		out.Hits = text.Percent(ctx, float64(r.Lookups-r.Reads)/float64(r.Lookups))
	}
	if skew := r.Skew(); skew.Abs() >= skewFrom {
		out.Clock = web.T(c, "%s s ahead", text.Number(ctx, int64(skew/time.Second)))
		if skew < 0 {
			out.Clock = web.T(c, "%s s behind", text.Number(ctx, int64(-skew/time.Second)))
		}
	}
	return out
}

// word is a sentence of the catalogue.
type word string

func (w word) in(c echo.Context) string {
	if w == "" {
		return ""
	}
	return web.T(c, string(w))
}

var hints = map[replica.State]word{
	replica.On: word(text.N("told of changes")), replica.Off: word(text.N("looks for changes by itself")), replica.None: word(text.N("looks for changes by itself")),
}

var works = map[replica.State]word{replica.On: word(text.N("works")), replica.Off: word(text.N("away")), replica.None: word(text.N("not used"))}
