package support

import (
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/hours"
	"github.com/gatehouse-dev/gatehouse/models/forum/support"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/forum/support"
)

// clock tells until when a question that waits on us should be answered; nil when it doesn't wait.
func clock(c echo.Context, hoursOf hours.Clock, now time.Time, i support.Item) *views.Status {
	if !i.WaitsOnUs() || i.DueAt == nil {
		return nil
	}
	first := i.FirstReplyAt == nil
	if now.After(*i.DueAt) {
		late := web.OpenSpan(c, hoursOf.Elapsed(*i.DueAt, now))
		if first {
			return &views.Status{Tone: components.Bad, Words: web.T(c, "First reply overdue by %s", late)}
		}
		return &views.Status{Tone: components.Bad, Words: web.T(c, "Next reply overdue by %s", late)}
	}
	left := hoursOf.Elapsed(now, *i.DueAt)
	if !hoursOf.Open(now) || !sameDay(c, now, *i.DueAt) { // minutes of opening hours would say less than the day
		when := moment(c, now, *i.DueAt)
		if first {
			return &views.Status{Tone: components.OK, Words: web.T(c, "First reply due %s", when)}
		}
		return &views.Status{Tone: components.OK, Words: web.T(c, "Next reply due %s", when)}
	}
	tone := components.OK
	if left < time.Hour {
		tone = components.Warn
	}
	if first {
		return &views.Status{Tone: tone, Words: web.T(c, "First reply due in %s", web.OpenSpan(c, left))}
	}
	return &views.Status{Tone: tone, Words: web.T(c, "Next reply due in %s", web.OpenSpan(c, left))}
}

func sameDay(c echo.Context, a, b time.Time) bool {
	return text.Date(web.Ctx(c), a) == text.Date(web.Ctx(c), b)
}

var weekdays = [7]string{text.N("Sun"), text.N("Mon"), text.N("Tue"), text.N("Wed"), text.N("Thu"), text.N("Fri"), text.N("Sat")}

// moment is a time of the coming days as one says it: "Mon 12:00". Later ones have their date.
func moment(c echo.Context, now, t time.Time) string {
	ctx := web.Ctx(c)
	if t.Sub(now) > 6*24*time.Hour {
		return text.DateTime(ctx, t)
	}
	return web.T(c, weekdays[t.In(text.Of(ctx).Zone).Weekday()]) + " " + text.Clock(ctx, t)
}

var viewWords = map[support.View]string{
	support.Waiting: text.N("Waits on us"), support.Mine: text.N("Mine"), support.MyTeams: text.N("My teams"), support.Unassigned: text.N("Unassigned"),
	support.Escalated: text.N("Escalated"), support.OnAsker: text.N("Waits for the asker"), support.Open: text.N("All open"), support.Solved: text.N("Solved"), support.Closed: text.N("Closed"),
}

var reasonWords = map[string]string{
	support.Answered: text.N("Answered"), support.Duplicate: text.N("Asked before"), support.OutOfScope: text.N("Not about this portal"),
	support.NotClear: text.N("Can’t be answered as it is"), support.NoWord: text.N("The asker did not come back"),
}

var keyWords = map[key.StateName]views.Status{
	key.Revoked: {Tone: components.Off, Words: text.N("Revoked")}, key.Expired: {Tone: components.Off, Words: text.N("Expired")}, key.Suspended: {Tone: components.Bad, Words: text.N("Suspended")},
	key.Paused: {Tone: components.Warn, Words: text.N("Paused")}, key.Stopped: {Tone: components.Bad, Words: text.N("Stopped")}, key.Rotated: {Tone: components.Warn, Words: text.N("Rotated")},
	key.ExpiringNow: {Tone: components.Warn, Words: text.N("Expires soon")}, key.Active: {Tone: components.OK, Words: text.N("Active")},
}

// stateOf puts what a question waits for into words.
func stateOf(c echo.Context, i support.Item) views.Status {
	switch {
	case i.MergedInto != nil:
		return views.Status{Tone: components.Off, Words: web.T(c, "Merged")}
	case i.State == forum.Pending:
		return views.Status{Tone: components.Warn, Words: web.T(c, "Waits for approval")}
	case i.State == forum.Rejected:
		return views.Status{Tone: components.Off, Words: web.T(c, "Rejected")}
	case i.ClosedAt != nil:
		words := web.T(c, "Closed")
		if key := reasonWords[i.ClosedReason]; key != "" {
			words += ": " + web.T(c, key)
		}
		return views.Status{Tone: components.Off, Words: words}
	case i.WaitsOnUs():
		return views.Status{Tone: components.Warn, Words: web.T(c, "Waits on us")}
	case i.AcceptedPostID != nil:
		return views.Status{Tone: components.OK, Words: web.T(c, "Solved")}
	case i.WaitsOn == forum.OnAsker && i.AskedBackAt != nil:
		return views.Status{Tone: components.Info, Words: web.T(c, "Waits for the asker")}
	}
	return views.Status{Tone: components.Info, Words: web.T(c, "Answered")}
}

// marks are what one must know of a question before answering.
func marks(c echo.Context, i support.Item) []views.Status {
	var out []views.Status
	add := func(is bool, tone components.Tone, words string) {
		if is {
			out = append(out, views.Status{Tone: tone, Words: words})
		}
	}
	add(i.EscalatedAt != nil, components.Bad, web.T(c, "Escalated"))
	add(i.Flags > 0, components.Warn, web.T(c, "%d flags", i.Flags))
	add(i.HiddenAt != nil, components.Warn, web.T(c, "Hidden"))
	add(i.LockedAt != nil, components.Off, web.T(c, "Locked"))
	add(i.PinnedAt != nil, components.Off, web.T(c, "Pinned"))
	return out
}

// narrow says for whom a question is, when not for everybody.
func narrow(c echo.Context, i support.Item) string {
	if i.Visibility != forum.Organization {
		return ""
	}
	return web.T(c, "For %s and staff", i.OrgName)
}
