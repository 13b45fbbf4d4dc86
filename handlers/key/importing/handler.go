// Package importing answers the pages on which staff import keys that were made elsewhere.
package importing

import (
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/importing"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

const path = "/admin/keys/imports"

// Handler answers the routes.
type Handler struct {
	*web.Kit
	Store *importing.Store
}

// Routes are the routes.
func (h *Handler) Routes(r *web.Registrar) {
	r.Get(path, web.Staff(permission.StaffKeysRead), h.List)
	r.Get(path+"/new", web.Staff(permission.StaffKeysImport), h.New)
	r.PostFile(path, web.Staff(permission.StaffKeysImport).Fresh(), h.Import)
}

// List lists the imports.
func (h *Handler) List(c echo.Context) error {
	ctx, who := web.Ctx(c), web.Actor(c)
	page, err := h.Store.List(ctx, who, web.PageOf(c))
	if err != nil {
		return err
	}
	p := views.ImportsPage{
		Frame: h.Frame(c, web.T(c, "Imported keys")), Crumbs: crumbs(c)[:1],
		Empty: components.EmptyState{Title: web.T(c, "No key was imported"), Text: web.T(c, "Keys of another gateway can be taken over by their SHA-256 or HMAC-SHA-256 digests.")},
	}
	if permission.Staff(who.StaffRole, permission.StaffKeysImport) {
		p.NewURL = path + "/new"
	}
	if page.Next != "" {
		p.Pager.NextHref = path + "?after=" + page.Next
	}
	if page.Previous != "" {
		p.Pager.PrevHref = path + "?before=" + page.Previous
	}
	for _, i := range page.Rows {
		id := i.ID.Show(key.ImportPrefix)
		item := views.ImportItem{
			Label: i.Label, Form: i.Prefix + "…" + strconv.Itoa(i.Length), Keys: text.Number(ctx, i.Keys), Pending: text.Number(ctx, i.Pending),
			At: components.MomentAt(ctx, h.Now(), i.CreatedAt), KeysURL: "/admin/keys?import=" + id, UnusedURL: "/admin/keys?import=" + id + "&used=never",
		}
		if i.Living > 0 && permission.Staff(who.StaffRole, permission.StaffKeysManage) {
			item.UndoURL = "/admin/keys/bulk/new?import=" + id
		}
		p.Items = append(p.Items, item)
	}
	return h.Render(c, views.Imports(p))
}

type form struct {
	Act         string `form:"act"`
	Label       string `form:"label"`
	Algorithm   string `form:"algorithm"`
	Secret      string `form:"secret"`
	Prefix      string `form:"prefix"`
	Alphabet    string `form:"alphabet"`
	Length      string `form:"length"`
	App         string `form:"app"`
	Environment string `form:"environment"`
	Grants      string `form:"grants"`
}

func (f form) spec() importing.Spec {
	least, most, ranged := strings.Cut(strings.NewReplacer("–", "-", " ", "").Replace(f.Length), "-")
	if !ranged {
		most = least
	}
	n, err := strconv.Atoi(most)
	shortest, errLeast := strconv.Atoi(least)
	if err != nil || errLeast != nil {
		n, shortest = 0, 0
	}
	return importing.Spec{
		Label: f.Label, Algorithm: f.Algorithm, Secret: f.Secret, Prefix: f.Prefix, Alphabet: strings.TrimSpace(f.Alphabet), Length: n, Shortest: shortest,
		App: strings.TrimSpace(f.App), Environment: f.Environment, Grants: f.Grants,
	}
}

// New is the form.
func (h *Handler) New(c echo.Context) error {
	return h.page(c, http.StatusOK, form{Algorithm: importing.Plain, Alphabet: "base62", Environment: "live"}, importing.Report{}, nil)
}

// report says what a check found.
func report(c echo.Context, r importing.Report) string {
	words := web.T(c, "The file holds %d keys.", r.Keys)
	if r.Wrong > 0 {
		words += " " + web.T(c, "Something is wrong with %d of them.", r.Wrong)
	} else {
		words += " " + web.T(c, "Nothing is wrong with what it says.")
	}
	return words + " " + web.T(c, "Nothing is stored yet.")
}

func (h *Handler) page(c echo.Context, status int, f form, r importing.Report, failed error) error {
	p := views.ImportPage{Frame: h.Frame(c, web.T(c, "Import keys")), Crumbs: crumbs(c), Back: path}
	wrong := map[string]string{}
	if list, byField, ok := web.Problems(c, failed); ok {
		p.Problems, wrong = list, byField
	} else if f := fault.As(failed); f != nil {
		p.Problems = []components.Problem{{Message: web.T(c, f.Key, f.Args...)}}
	}
	p.Error = wrong["file"]
	if r.Keys > 0 {
		p.Good = r.Wrong == 0 && r.Good > 0
		p.Report = report(c, r)
		for _, l := range r.Problems {
			p.Lines = append(p.Lines, views.ImportLine{Line: strconv.Itoa(l.Line), Field: l.Says.Field, Says: web.T(c, l.Says.Key, l.Says.Args...)})
		}
		if r.Known > 0 {
			p.Known = web.T(c, "%d of them are here already, and stay as they are.", r.Known)
		}
		for _, l := range r.Here {
			words := text.N("Already here: %s.")
			if l.Revoked {
				words = text.N("Already here, and revoked: %s. It stays revoked.")
			}
			p.Here = append(p.Here, views.ImportLine{Line: strconv.Itoa(l.Line), Field: "digest", Says: web.T(c, words, l.ID.Show(key.IDPrefix))})
		}
	}
	p.Fields = []components.Field{
		{Name: "label", Label: web.T(c, "Name of the import"), Value: f.Label, Error: wrong["label"]},
		{Name: "algorithm", Label: web.T(c, "Digests"), Value: f.Algorithm, Error: wrong["algorithm"], Options: []components.Option{{Value: importing.Plain, Label: "SHA-256", Data: true}, {Value: importing.Keyed, Label: "HMAC-SHA-256", Data: true}}},
		{Name: "secret", Label: web.T(c, "Secret of the HMAC"), Type: "password", Error: wrong["secret"], Autocomplete: "off", Optional: true, Hint: web.T(c, "Kept sealed until every key was used once, then forgotten. At most %d secrets are in force at once.", key.MaxImportSecrets)},
		{Name: "prefix", Label: web.T(c, "Prefix"), Value: f.Prefix, Error: wrong["prefix"], Code: true, Optional: true, Hint: web.T(c, "With which the text of each key begins.")},
		{Name: "alphabet", Label: web.T(c, "Alphabet"), Value: f.Alphabet, Error: wrong["alphabet"], Code: true, Hint: web.T(c, "base62, base58, base64url or hex, or the characters themselves.")},
		{Name: "length", Label: web.T(c, "Characters after the prefix"), Value: f.Length, Error: wrong["length"], Hint: web.T(c, "At least 128 random bits: 22 of base62, 32 of hex. Where some are shorter, both, as 20-22.")},
		{Name: "app", Label: web.T(c, "App"), Value: f.App, Error: wrong["app"], Code: true, Optional: true, Placeholder: "app_…", Hint: web.T(c, "Where the file names none.")},
		{Name: "environment", Label: web.T(c, "Environment"), Value: f.Environment, Options: []components.Option{{Value: "live", Label: web.T(c, "Live")}, {Value: "test", Label: web.T(c, "Test")}}},
		{Name: "grants", Label: web.T(c, "Grants"), Value: f.Grants, Error: wrong["grants"], Code: true, Optional: true, Placeholder: "orders/orders:read", Hint: web.T(c, "Where the file names none. API and scope, parted by spaces.")},
	}
	return h.RenderStatus(c, status, views.Import(p))
}

// Import checks the file, or checks and imports it.
func (h *Handler) Import(c echo.Context) error {
	var f form
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	var file io.Reader = strings.NewReader("")
	if head, err := c.FormFile("file"); err == nil {
		opened, err := head.Open()
		if err != nil {
			return err
		}
		defer func() { _ = opened.Close() }()
		file = opened
	}
	if f.Act != "import" {
		report, err := h.Store.Check(web.Ctx(c), web.Actor(c), f.spec(), file)
		if err != nil {
			return h.again(c, f, report, err)
		}
		status := http.StatusOK
		if report.Wrong > 0 {
			status = http.StatusUnprocessableEntity
		}
		return h.page(c, status, f, report, nil)
	}
	id, report, err := h.Store.Import(web.Ctx(c), web.Actor(c), f.spec(), file)
	if err != nil {
		return h.again(c, f, report, err)
	}
	return h.Done(c, "/admin/keys?import="+id.Show(key.ImportPrefix), text.N("%s keys are imported. They work from now on."), strconv.Itoa(report.Good))
}

func (h *Handler) again(c echo.Context, f form, r importing.Report, err error) error {
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) {
		return h.page(c, http.StatusUnprocessableEntity, f, r, err)
	}
	return err
}

func crumbs(c echo.Context) []components.Crumb {
	return []components.Crumb{{Label: web.T(c, "Keys"), Href: "/admin/keys"}, {Label: web.T(c, "Imported keys"), Href: path}}
}
