package factor

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/qrcode"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/account/factor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	views "github.com/gatehouse-dev/gatehouse/views/account"
)

// Begin makes the seed for an app and leads to the page that shows it.
func (h *Handler) Begin(c echo.Context) error {
	var form nameForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	id, err := h.Store.Begin(web.Ctx(c), web.Actor(c), form.Name)
	err = h.Unkeyed(c, err, &form.Name)
	if _, _, ok := web.Problems(c, err); ok {
		return h.security(c, func(p *views.Security) { p.NewName = form.Name }, err)
	}
	if err != nil {
		return err
	}
	return h.See(c, home+"/totp/"+id.Show(factor.Prefix))
}

// EnrolForm shows the seed, to scan or to type, and asks for the first code.
func (h *Handler) EnrolForm(c echo.Context) error {
	id, err := web.PathID(c, "factor", factor.Prefix)
	if err != nil {
		return err
	}
	return h.enrol(c, id, nil)
}

func (h *Handler) enrol(c echo.Context, id db.ID, failed error) error {
	e, err := h.Store.Enrolment(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return err
	}
	p := views.Enrol{Frame: h.Frame(c, web.T(c, "Set up your authenticator app")), Name: e.Name, Secret: fours(e.Secret), URL: e.URL, Action: home + "/totp/" + id.Show(factor.Prefix)}
	if p.Picture, p.PictureSize, err = qrcode.Path(e.URL); err != nil {
		return err
	}
	if failed == nil {
		return h.Render(c, views.EnrolPage(p))
	}
	p.Problems, p.Errors, _ = web.Problems(c, failed)
	return h.RenderProblems(c, views.EnrolPage(p))
}

// fours sets a text in groups of four, as people type it.
func fours(s string) string {
	var groups []string
	for ; len(s) > 4; s = s[4:] {
		groups = append(groups, s[:4])
	}
	return strings.Join(append(groups, s), " ")
}

type codeForm struct {
	Code string `form:"code"`
}

// Enrol makes the app count, given its first code. With the first factor it shows recovery codes, once, in the answer itself.
func (h *Handler) Enrol(c echo.Context) error {
	id, err := web.PathID(c, "factor", factor.Prefix)
	if err != nil {
		return err
	}
	var form codeForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	added, err := h.Store.Confirm(web.Ctx(c), web.Actor(c), id, form.Code)
	if fault.Is(err, fault.Invalid) {
		return h.enrol(c, id, err)
	}
	if err != nil {
		return err
	}
	h.StartSession(c, added.Token, added.Session.ExpiresAt.Sub(h.Now()))
	if len(added.Codes) > 0 {
		return h.codes(c, added.Codes, views.FirstApp)
	}
	return h.Done(c, home, text.N("The app is set up. It is asked for a code when you sign in."))
}

// NewCodes shows ten new recovery codes, once, in the answer itself.
func (h *Handler) NewCodes(c echo.Context) error {
	codes, err := h.Store.NewCodes(web.Ctx(c), web.Actor(c))
	if err != nil {
		return err
	}
	return h.codes(c, codes, "")
}

func (h *Handler) codes(c echo.Context, codes []string, first string) error {
	next := home
	if web.Enrolling(c) { // until now they reached nothing else
		next = cmp.Or(web.AdminHome(web.User(c).StaffRole), home)
	}
	return h.Render(c, views.CodesPage(views.Codes{Frame: h.Frame(c, web.T(c, "Keep your recovery codes")), Codes: codes, First: first, Next: next}))
}

type fileForm struct {
	Codes []string `form:"codes"`
}

// CodesFile answers recovery codes that were just shown as a text file; of what is sent, only codes of one's own that still work are in it.
func (h *Handler) CodesFile(c echo.Context) error {
	var form fileForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	own, err := h.Store.Own(web.Ctx(c), web.Actor(c), form.Codes)
	if err != nil {
		return err
	}
	if len(own) == 0 {
		return fault.Missing()
	}
	head := web.T(c, "Recovery codes for %[1]s at %[2]s. Each works once.", web.User(c).Email, h.BaseURL.String())
	c.Response().Header().Set("Content-Disposition", `attachment; filename="recovery-codes.txt"`)
	return c.Blob(http.StatusOK, "text/plain; charset=utf-8", []byte(head+"\n\n"+strings.Join(own, "\n")+"\n"))
}
