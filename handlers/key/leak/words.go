package leak

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	leaks "github.com/gatehouse-dev/gatehouse/models/key/leak"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

var sourceWords = map[leaks.Source]string{
	leaks.GitHub: text.N("GitHub"), leaks.Page: text.N("Somebody, at /found-a-key"), leaks.API: text.N("A program, by the API"),
}

// note says what a person must know first: whether the key works, and what comes by itself.
func (h *Handler) note(c echo.Context, d keys.Detail, i leaks.Detail) views.Note {
	ctx := web.Ctx(c)
	day := text.DateTime(ctx, i.OpenedAt)
	switch {
	case i.Done == leaks.Over:
		return views.Note{Tone: components.Off, Title: web.T(c, "Reported as leaked on %s, when it was already out of use", day), Text: web.T(c, "Nothing needs to be done.")}
	case !i.Open():
		n := views.Note{Tone: components.OK, Title: web.T(c, "Closed on %s", text.DateTime(ctx, *i.ClosedAt)), Text: i.ClosedWord, Typed: true}
		if i.ByName != "" {
			n.Title = web.T(c, "Closed on %[1]s by %[2]s", text.DateTime(ctx, *i.ClosedAt), i.ByName)
		}
		if i.ByStaff {
			n.Title = web.T(c, "Closed on %s by staff", text.DateTime(ctx, *i.ClosedAt))
		}
		if i.ResumedAt != nil {
			n.More = web.T(c, "The key was resumed then.")
		}
		return n
	case d.RevokedAt != nil:
		return views.Note{Tone: components.Bad, Title: web.T(c, "Reported as leaked on %s", day), Text: web.T(c, "The key is revoked: every call with it is refused.")}
	case !d.Living(h.Now()):
		return views.Note{Tone: components.Bad, Title: web.T(c, "Reported as leaked on %s", day), Text: web.T(c, "The key has ended: every call with it is refused.")}
	case d.PausedAt != nil && i.RevokeAt != nil:
		return views.Note{
			Tone: components.Bad, Title: web.T(c, "Reported as leaked on %s", day), Text: web.T(c, "The key is paused: every call with it is refused."),
			More: web.T(c, "On %s it is revoked for good, unless it is rotated or resumed before.", text.DateTime(ctx, *i.RevokeAt)),
		}
	case d.PausedAt != nil:
		return views.Note{Tone: components.Bad, Title: web.T(c, "Reported as leaked on %s", day), Text: web.T(c, "The key is paused: every call with it is refused.")}
	}
	return views.Note{Tone: components.Bad, Title: web.T(c, "Reported as leaked on %s, and still working", day), Text: web.T(c, "Whoever has the key can do what it can do. Rotate it now.")}
}

var doneWords = map[leaks.Done]string{
	leaks.Revoked: text.N("Revoked"), leaks.Paused: text.N("Paused"), leaks.Nothing: text.N("Told its people"), leaks.Over: text.N("Nothing: it was out of use"),
}

func (h *Handler) facts(c echo.Context, d keys.Detail, i leaks.Detail, root string) []components.Fact {
	at := func(term string, m components.Moment) components.Fact {
		return components.Fact{Term: term, Body: components.Time(m)}
	}
	ctx := web.Ctx(c)
	facts := []components.Fact{
		at(web.T(c, "First report"), components.MomentAt(ctx, h.Now(), i.OpenedAt)),
		at(web.T(c, "Last report"), components.MomentAt(ctx, h.Now(), i.ReportedAt)),
		{Term: web.T(c, "What was done"), Value: web.T(c, doneWords[i.Done])},
		{Term: web.T(c, "App"), Body: views.TypedLink{Text: d.AppName, Href: root + "/apps/" + d.AppID.Show("app")}},
		{Term: web.T(c, "Organization"), Body: views.TypedLink{Text: d.OrganizationName, Href: root + "/organizations/" + d.OrganizationID.Show("org")}},
		{Term: web.T(c, "Environment"), Value: web.T(c, environmentWords[d.Environment])},
		{Term: web.T(c, "Incident id"), Body: views.Typed(i.ID.Show(leaks.IncidentPrefix))},
	}
	if d.LastUsedAt != nil {
		facts = append(facts, at(web.T(c, "Last used"), components.MomentAt(ctx, h.Now(), *d.LastUsedAt)))
	}
	return facts
}

var stepWords = map[audit.Act]string{
	audit.LeakOpened: text.N("Reported as leaked"), audit.KeyPaused: text.N("Key paused"), audit.KeyRevoked: text.N("Key revoked"), audit.KeyResumed: text.N("Key resumed"), audit.KeyRotated: text.N("Key rotated"),
	audit.KeyRetired: text.N("Old key retired"), audit.KeyShortened: text.N("End brought forward"), audit.KeyOverlapExtended: text.N("Overlap extended"), audit.KeyRotationUndone: text.N("Rotation undone"),
	audit.LeakResumed: text.N("Key resumed, and incident closed"), audit.LeakClosed: text.N("Incident closed"),
}

// step says who did what, and when.
func (h *Handler) step(c echo.Context, s leaks.Step) views.StepRow {
	row := views.StepRow{At: components.MomentAt(web.Ctx(c), h.Now(), s.At), What: web.T(c, stepWords[s.Act]), Word: s.Word}
	switch {
	case s.Name != "":
		row.Who, row.Typed = s.Name, true
	case s.ByStaff:
		row.Who = web.T(c, "Staff")
	case s.By == actor.Key:
		row.Who = web.T(c, "A program")
	case s.By == actor.Operator:
		row.Who = web.T(c, "The operator")
	case s.By == actor.User:
		row.Who = web.T(c, "Somebody whose account is deleted")
	default:
		row.Who = web.T(c, "The portal, by itself")
	}
	return row
}

var environmentWords = map[string]string{"live": text.N("Live"), "test": text.N("Test")}

// statusOf is an incident in a list.
func statusOf(c echo.Context, r leaks.Row) views.Status {
	switch {
	case r.Done == leaks.Over:
		return views.Status{Tone: components.Off, Words: web.T(c, "Key was out of use")}
	case !r.Open():
		return views.Status{Tone: components.OK, Words: web.T(c, "Closed")}
	case r.KeyRevokedAt != nil:
		return views.Status{Tone: components.Warn, Words: web.T(c, "Open, key revoked")}
	case r.KeyPausedAt != nil:
		return views.Status{Tone: components.Warn, Words: web.T(c, "Open, key paused")}
	}
	return views.Status{Tone: components.Bad, Words: web.T(c, "Open, key not stopped by it")}
}
