package key

import (
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/handover"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

// DeliveryInput is where a new key's text goes, as forms send it: into the answer, or into a link that opens once.
type DeliveryInput struct {
	Delivery string `form:"delivery"`
	LinkLife string `form:"link_life"` // in minutes
}

const byLink = "link"

// DeliveryFields are the fields of DeliveryInput.
func DeliveryFields(c echo.Context, in DeliveryInput, wrong map[string]string) []components.Field {
	if in.LinkLife == "" {
		in.LinkLife = strconv.Itoa(int(time.Hour / time.Minute))
	}
	how := components.Field{Name: "delivery", Label: web.T(c, "How it is handed out"), Value: in.Delivery, Error: wrong["delivery"], Options: []components.Option{
		{Value: "show", Label: web.T(c, "Show it to me, once")}, {Value: byLink, Label: web.T(c, "Make a link for a colleague or a deploy script that opens once")},
	}}
	life := components.Field{Name: "link_life", Label: web.T(c, "The link works for"), Value: in.LinkLife, Error: wrong["link_life"], Hint: web.T(c, "Only with a link. You are told when it was opened.")}
	for _, d := range handover.Lives {
		label := web.T(c, "%d hours", int(d/time.Hour))
		if d < 2*time.Hour {
			label = web.T(c, "%d minutes", int(d/time.Minute))
		}
		life.Options = append(life.Options, components.Option{Value: strconv.Itoa(int(d / time.Minute)), Label: label})
	}
	return []components.Field{how, life}
}

// Deliver is the way that the form chose, for the request that makes or rotates the key; both are nil when the text is shown in the answer.
func (h *Handler) Deliver(in DeliveryInput) (*handover.MadeLink, keys.Deliver) {
	if in.Delivery != byLink {
		return nil, nil
	}
	minutes, err := strconv.Atoi(in.LinkLife)
	if err != nil || minutes < 0 || minutes > 1<<20 {
		minutes = 0 // none of those on offer
	}
	return h.Links.ByLink(time.Duration(minutes) * time.Minute)
}

// ShowMade answers a form that made or rotated a key: with its text, or with the link that hands it over (K2). note is told after a rotation.
func (h *Handler) ShowMade(c echo.Context, made keys.Made, link *handover.MadeLink, note string) error {
	if link == nil || made.Again {
		return h.showOnce(c, made, note)
	}
	web.NoReferrer(c)
	path, url := keyPath(made.Key), h.Link(handoverPath(link.Token.Reveal()))
	offer, err := h.Links.Peek(web.Ctx(c), link.Token.Reveal())
	if err != nil {
		return err
	}
	return h.Render(c, views.LinkMade(views.LinkMadePage{
		Frame: h.Frame(c, web.T(c, "Hand over your key")), Crumbs: h.crumbs(c, made.Key.Name, path), Name: made.Key.Name, Link: url, KeyURL: path, OldNote: note,
		Until: text.DateTime(web.Ctx(c), link.ExpiresAt), Script: ScriptOf(c, url), Can: CanOf(offer), Another: newPath + "?app=" + made.Key.AppID.Show("app"),
	}))
}

func handoverPath(token string) string { return "/handover/" + token }

// ScriptOf is the line by which a script opens a link.
func ScriptOf(c echo.Context, url string) components.CodeBlock {
	return components.CodeBlock{Title: web.T(c, "In a terminal"), Note: "curl", Text: "GATEHOUSE_KEY=$(curl -fsS -X POST " + url + "/secret)"}
}

// CanOf says what a handed-over key may do, in the words of those who publish the APIs.
func CanOf(o handover.Offer) []string {
	var out []string
	for _, g := range o.Grants {
		out = append(out, g.API+": "+g.Sentence+" ("+g.Scope+")")
	}
	return out
}

// linkRows are the hand-over links on a key's page; may says that the reader may cancel those that wait.
func (h *Handler) linkRows(c echo.Context, d keys.Detail, may bool) ([]views.LinkRow, error) {
	links, err := h.Links.Links(web.Ctx(c), d.ID)
	if err != nil {
		return nil, err
	}
	ctx, now := web.Ctx(c), h.Now()
	var out []views.LinkRow
	for _, l := range links {
		row := views.LinkRow{Maker: l.MakerName, Made: h.moment(c, &l.CreatedAt), Network: "–"}
		switch {
		case l.OpenedAt != nil:
			row.Status = views.Status{Tone: components.OK, Words: web.T(c, "Opened on %s", text.DateTime(ctx, *l.OpenedAt))}
			if l.OpenedNetwork != "" {
				row.Network = l.OpenedNetwork
			}
		case l.CancelledAt != nil:
			row.Status = views.Status{Tone: components.Off, Words: web.T(c, "Cancelled")}
		case d.RevokedAt != nil || !l.Waiting(now):
			row.Status = views.Status{Tone: components.Off, Words: web.T(c, "Over, was not opened")}
		default:
			row.Status = views.Status{Tone: components.Warn, Words: web.T(c, "Waits until %s", text.DateTime(ctx, l.ExpiresAt))}
			if may {
				row.Cancel = keyPath(d.Row) + "/links/" + l.ID.Show(handover.LinkPrefix) + "/cancel"
			}
		}
		if l.TriedAgainAt != nil {
			row.Again = web.T(c, "Tried again on %s, without success", text.DateTime(ctx, *l.TriedAgainAt))
		}
		out = append(out, row)
	}
	return out, nil
}
