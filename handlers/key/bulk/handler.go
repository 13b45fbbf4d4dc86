// Package bulk answers the pages on which staff act on many keys: what, the preview, how far it is, and what was done.
package bulk

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/bulk"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

const (
	keysPath = "/admin/keys"
	path     = "/admin/keys/bulk"

	oldPath   = "/admin/keys/revocations" // where mass revocations were; those that were carried out are acts on many keys now, by the same ids
	oldPrefix = "rev"
)

// Handler answers the routes.
type Handler struct {
	*web.Kit
	Keys  *keys.Store
	Bulks *bulk.Store
}

// Routes are the routes.
func (h *Handler) Routes(r *web.Registrar) {
	read, manage := web.Staff(permission.StaffKeysRead), web.Staff(permission.StaffKeysManage)
	r.Get(path, read, h.List)
	r.Get(path+"/new", manage, h.New)
	r.Post(path, manage, h.Preview)
	r.Get(path+"/:bulk", read, h.Show)
	r.Post(path+"/:bulk", manage.Fresh(), h.Start)
	r.Post(path+"/:bulk/stop", manage, h.Stop)
	r.Post(path+"/:bulk/resume", manage, h.PreviewResume)
	r.Post("/admin/keys/:key/resume", manage, h.ResumeOne)
	r.Get(oldPath, read, h.Old)
	r.Get(oldPath+"/:revocation", read, h.Old)
}

func pathOf(id db.ID) string { return path + "/" + id.Show(bulk.Prefix) }

// Old leads from where mass revocations were to where they are.
func (h *Handler) Old(c echo.Context) error {
	to := path
	if c.Param("revocation") != "" {
		id, err := web.PathID(c, "revocation", oldPrefix)
		if err != nil {
			return err
		}
		if _, err := h.Bulks.Get(web.Ctx(c), web.Actor(c), id); err != nil {
			return err
		}
		to = pathOf(id)
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.Redirect(http.StatusFound, to)
}

type wishForm struct {
	FilterForm
	Verb string `form:"verb"`
	Ends string `form:"ends"`
}

// New is where staff choose what is done to the keys that a filter finds.
func (h *Handler) New(c echo.Context) error {
	f := wishForm{FilterForm: FilterOf(c).Redacted().Known(), Verb: string(keys.Revoking)}
	return h.newPage(c, http.StatusOK, f, nil)
}

func (h *Handler) newPage(c echo.Context, status int, f wishForm, failed error) error {
	problems, wrong := problemsOf(c, failed)
	p := views.BulkNewPage{
		Frame: h.Frame(c, web.T(c, "Act on many keys")), Crumbs: crumbs(c), Problems: problems, Back: keysPath, Filter: filterFacts(c, f.Filter()), Hidden: f.Hidden(),
		Verb: components.Field{Name: "verb", Label: web.T(c, "What is done to them"), Value: f.Verb, Error: wrong["verb"], Options: []components.Option{
			{Value: string(keys.Revoking), Label: web.T(c, "Revoke"), Hint: web.T(c, "For ever.")},
			{Value: string(keys.Pausing), Label: web.T(c, "Pause"), Hint: web.T(c, "Until staff resume them.")},
			{Value: string(keys.Shortening), Label: web.T(c, "End sooner"), Hint: web.T(c, "On the day below; what ends before that stays as it is.")},
		}},
		Ends: components.Field{Name: "ends", Label: web.T(c, "Last day"), Type: "date", Value: f.Ends, Error: wrong["ends"], Optional: true, Hint: web.T(c, "Only to end them sooner. It ends with that day, in UTC.")},
	}
	return h.RenderStatus(c, status, views.BulkNew(p))
}

// Preview fixes the keys that the filter finds, and shows what it hits. A filter that holds what none of its choices offers is refused: it would take more than
// was meant.
func (h *Handler) Preview(c echo.Context) error {
	var f wishForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	f.FilterForm = f.Redacted()
	known := f
	known.FilterForm = f.Known()
	if f != known {
		return h.newPage(c, http.StatusUnprocessableEntity, known, keys.UnknownFilter())
	}
	wish := bulk.Wish{Verb: keys.Verb(f.Verb), Filter: f.Filter()}
	if day, err := time.Parse(keys.DateLayout, f.Ends); err == nil {
		wish.EndsAt = day.AddDate(0, 0, 1)
	}
	id, err := h.Bulks.Preview(web.Ctx(c), web.Actor(c), wish)
	if fault.Is(err, fault.Invalid) {
		return h.newPage(c, http.StatusUnprocessableEntity, f, err)
	}
	if err != nil {
		return err
	}
	return h.See(c, pathOf(id))
}

type startForm struct {
	Reason  string `form:"reason"`
	Confirm string `form:"confirm"`
}

// Start carries a preview out, once the number of keys was typed.
func (h *Handler) Start(c echo.Context) error {
	id, err := web.PathID(c, "bulk", bulk.Prefix)
	if err != nil {
		return err
	}
	var f startForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	d, err := h.Bulks.Get(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return err
	}
	if d.StartedAt == nil && digits(f.Confirm) != strconv.Itoa(d.Keys) {
		return h.page(c, http.StatusUnprocessableEntity, f, fault.BadField("confirm", "Type the number of keys, %s, to confirm.", text.Number(web.Ctx(c), d.Keys)))
	}
	if err := h.Bulks.Start(web.Ctx(c), web.Actor(c), id, f.Reason); err != nil {
		if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) {
			return h.page(c, web.Status(err), f, err)
		}
		return err
	}
	return h.See(c, pathOf(id))
}

// digits is a number as somebody types it off the page, without what parts its thousands in their language.
func digits(typed string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(",.'’ \u00a0\u202f", r) {
			return -1
		}
		return r
	}, typed)
}

// Stop ends an act after the part that it is at.
func (h *Handler) Stop(c echo.Context) error {
	id, err := web.PathID(c, "bulk", bulk.Prefix)
	if err != nil {
		return err
	}
	if err := h.Bulks.Stop(web.Ctx(c), web.Actor(c), id); err != nil {
		if fault.Is(err, fault.Conflict) {
			return h.page(c, http.StatusUnprocessableEntity, startForm{}, err)
		}
		return err
	}
	return h.Done(c, pathOf(id), text.N("It stops after the keys that it is at. What is done stays done."))
}

// PreviewResume fixes the keys that an act paused, to resume them.
func (h *Handler) PreviewResume(c echo.Context) error {
	id, err := web.PathID(c, "bulk", bulk.Prefix)
	if err != nil {
		return err
	}
	next, err := h.Bulks.PreviewResume(web.Ctx(c), web.Actor(c), id)
	if fault.Is(err, fault.Invalid) {
		return h.page(c, http.StatusUnprocessableEntity, startForm{}, err)
	}
	if err != nil {
		return err
	}
	return h.See(c, pathOf(next))
}

// ResumeOne ends the pause of one key for staff.
func (h *Handler) ResumeOne(c echo.Context) error {
	id, err := web.PathID(c, "key", keys.IDPrefix)
	if err != nil {
		return err
	}
	if err := h.Keys.ResumeByStaff(web.Ctx(c), web.Actor(c), id); err != nil {
		return err
	}
	return h.Done(c, keysPath+"/"+id.Show(keys.IDPrefix), text.N("The key is resumed. It works again."))
}

func crumbs(c echo.Context) []components.Crumb {
	return []components.Crumb{{Label: web.T(c, "Keys"), Href: keysPath}, {Label: web.T(c, "Bulk changes"), Href: path}}
}

// problemsOf are the problems of a fault: by field, or one sentence.
func problemsOf(c echo.Context, err error) ([]components.Problem, map[string]string) {
	if err == nil {
		return nil, nil
	}
	if list, byField, ok := web.Problems(c, err); ok {
		return list, byField
	}
	if f := fault.As(err); f != nil {
		return []components.Problem{{Message: web.T(c, f.Key, f.Args...)}}, nil
	}
	return nil, nil
}
