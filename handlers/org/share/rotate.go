package share

import (
	"cmp"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org/share"
	"github.com/gatehouse-dev/gatehouse/views/components"
	keyviews "github.com/gatehouse-dev/gatehouse/views/key"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

type rotateForm struct {
	Token   string `form:"form_token"`
	Overlap string `form:"overlap_days"`
}

// ids are those of the path.
func ids(c echo.Context) (shared, keyID db.ID, err error) {
	if shared, err = shareID(c); err == nil {
		keyID, err = web.PathID(c, "key", key.IDPrefix)
	}
	return shared, keyID, err
}

// lent reads the share and the key of the path, which it lets the reader rotate. Faults: NotFound, Forbidden.
func (h *Handler) lent(c echo.Context) (share.Share, key.Lent, error) {
	id, keyID, err := ids(c)
	if err != nil {
		return share.Share{}, key.Lent{}, err
	}
	s, err := h.Shares.Get(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return s, key.Lent{}, err
	}
	k, err := h.Keys.SharedKey(web.Ctx(c), web.Actor(c), id, keyID)
	return s, k, err
}

// RotateForm is where somebody rotates a key of a shared app; the query fills it in.
func (h *Handler) RotateForm(c echo.Context) error {
	d, err := h.rotateDesk(c, rotateForm{Overlap: cmp.Or(c.QueryParam("overlap_days"), "7")}, nil)
	return h.RenderDesk(c, d, err)
}

func (h *Handler) rotateDesk(c echo.Context, f rotateForm, fields map[string]string) (views.Desk, error) {
	s, k, err := h.lent(c)
	if err != nil {
		return views.Desk{}, err
	}
	ctx := web.Ctx(c)
	overlap := components.Field{
		Name: "overlap_days", Label: web.T(c, "Both keys work for"), Value: f.Overlap, Error: fields["overlap_days"], Hint: web.T(c, "Time enough to give every program the new key."),
		Options: []components.Option{{Value: "0", Label: web.T(c, "Not at all: the old key stops now")}},
	}
	for n := 1; n <= key.MaxOverlap; n++ {
		overlap.Options = append(overlap.Options, components.Option{Value: strconv.Itoa(n), Label: web.T(c, "%[1]d days (until %[2]s)", n, text.Date(ctx, h.Now().AddDate(0, 0, n)))})
	}
	title := web.T(c, "Rotate key")
	return views.Desk{
		Frame: h.Frame(c, title), Title: title, Crumbs: append(crumbs(c, s), components.Crumb{Label: s.AppName, Href: sharePath(s.ID), Own: true}),
		Lead: h.Mailed(c, "You get a new key with the same scopes, limits and length of life. It is shown once, right after this. The people of the app’s own organization are told by mail; undoing it stays theirs."),
		Parts: []views.Part{
			{Facts: []views.Fact{
				{Term: web.T(c, "Key"), Value: k.Name, Data: true},
				{Term: web.T(c, "Hint"), Value: k.Hint, Code: true},
				{Term: web.T(c, "Environment"), Value: web.T(c, environmentWords[k.Environment])},
				{Term: web.T(c, "App"), Value: s.AppName, Data: true},
				{Term: web.T(c, "Shared by"), Value: s.LenderName, Data: true},
			}},
			{Form: &views.Form{
				Spec:   components.FormSpec{Action: rotatePath(s.ID, k.ID), Hidden: []components.Hidden{{Name: "form_token", Value: h.Keys.NewFormToken(web.Actor(c), key.SharedRotatePurpose(s.ID, k.ID))}}},
				Inputs: []views.Input{views.Select(overlap)}, Submit: web.T(c, "Rotate key"), Kind: components.Primary, Cancel: sharePath(s.ID),
			}},
		},
	}, nil
}

func rotatePath(id, keyID db.ID) string {
	return sharePath(id) + "/keys/" + keyID.Show(key.IDPrefix) + "/rotate"
}

// Rotate makes the successor and shows it once, after the password was asked for again when that is long ago (A14).
func (h *Handler) Rotate(c echo.Context) error {
	var f rotateForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	s, k, err := h.lent(c)
	if err != nil {
		return err
	}
	if asked, err := h.AskFirst(c, rotatePath(s.ID, k.ID), url.Values{"overlap_days": {f.Overlap}}); err != nil || asked {
		return err
	}
	days, err := strconv.Atoi(f.Overlap)
	if err != nil {
		days = -1 // out of every range
	}
	made, err := h.Keys.RotateShared(web.Ctx(c), web.Actor(c), s.ID, k.ID, key.RotateRequest{Token: f.Token, OverlapDays: days})
	if fault.Is(err, fault.Conflict) {
		return h.notRotated(c, s, err)
	}
	if err != nil {
		return h.Again(c, err, func(fields map[string]string) (views.Desk, error) { return h.rotateDesk(c, f, fields) })
	}
	return h.showOnce(c, s, made, days)
}

// notRotated says why a key can't be rotated as things stand, and leads back to the shared app.
func (h *Handler) notRotated(c echo.Context, s share.Share, err error) error {
	said, title := fault.As(err), web.T(c, "Rotate key")
	return h.RenderStatus(c, web.Status(err), views.Page(views.Desk{
		Frame: h.Frame(c, title), Title: title, Crumbs: append(crumbs(c, s), components.Crumb{Label: s.AppName, Href: sharePath(s.ID), Own: true}),
		Problems: []components.Problem{{Message: web.T(c, said.Key, said.Args...)}},
		Parts:    []views.Part{{Actions: []components.Act{{Label: web.T(c, "Go to the shared app"), Href: sharePath(s.ID), Kind: components.Primary}}}},
	}))
}

// showOnce is the one answer that holds the new key's text (K2).
func (h *Handler) showOnce(c echo.Context, s share.Share, made key.Made, days int) error {
	if made.Again {
		return h.Warn(c, sharePath(s.ID), "This form had already rotated the key. A key is shown only once: if you did not copy it, rotate the new one.")
	}
	ctx, secret := web.Ctx(c), made.Secret.Reveal()
	note := web.T(c, "The old key has stopped working.")
	if days > 0 {
		note = web.T(c, "The old key works until %s, then stops by itself.", text.DateTime(ctx, h.Now().AddDate(0, 0, days)))
	}
	expires := web.T(c, "Never")
	if made.Key.ExpiresAt != nil {
		expires = text.DateTime(ctx, *made.Key.ExpiresAt)
	}
	return h.Render(c, keyviews.Made(keyviews.MadePage{
		Frame: h.Frame(c, web.T(c, "Copy your key now")), Crumbs: append(crumbs(c, s), components.Crumb{Label: s.AppName, Href: sharePath(s.ID), Own: true}),
		Name: made.Key.Name, Secret: secret, KeyURL: sharePath(s.ID), Back: web.T(c, "I have copied it: go to the shared app"), OldNote: note,
		Whoami: components.CodeBlock{Title: "curl", Text: `curl -H "Authorization: Bearer ` + secret + `" ` + h.Link("/v1/whoami")},
		Export: components.CodeBlock{Title: web.T(c, "Environment variable"), Text: "export GATEHOUSE_KEY=" + secret},
		Facts:  []components.Fact{{Term: web.T(c, "App"), Value: made.Key.AppName}, {Term: web.T(c, "Expires"), Value: expires}},
	}))
}
