package audit

import (
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org/activity"
	"github.com/gatehouse-dev/gatehouse/models/org/share"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// pages are where members look at what something was done to.
var pages = map[string]string{"organization": "/console/organizations/", "app": "/console/apps/", "key": "/console/keys/", "access": "/console/access/", "share": "/console/shares/"}

// parts are the pages under the organization's own that show what has none of its own.
var parts = map[string]string{"domain": "/domains", "directory_token": "/directory", "directory_group": "/directory", "invitation": ""}

// nouns are what the filter offers.
var nouns = []struct{ noun, words string }{
	{"key", text.N("Keys")}, {"app", text.N("Apps")}, {"access", text.N("Access")}, {"member", text.N("Members")}, {"organization", text.N("Organization")}, {"domain", text.N("Domains")}, {"share", text.N("Shares")}, {"directory", text.N("Directory")}, {"leak", text.N("Leaked keys")},
}

var byWords = map[activity.By]string{
	activity.Staff: text.N("Staff of this portal"), activity.Portal: text.N("This portal, by itself"), activity.Stranger: text.N("Somebody who is no member"),
	activity.Sharer: text.N("A member of another organization, by a share"),
}

// factWords are the details that are shown, in this order: all of activity.FactNames but the hint, which stands under the name, and what changed.
var factWords = []struct{ name, words string }{
	{"reason", text.N("Reason")},
	{"word", text.N("Word")},
	{"environment", text.N("Environment")},
	{"grants", text.N("Scopes")},
	{"scopes", text.N("Scopes")},
	{"scope", text.N("Scope")},
	{"api", text.N("API")},
	{"plan", text.N("Plan")},
	{"role", text.N("Role")},
	{"from", text.N("Before")},
	{"to", text.N("Now")},
	{"domain", text.N("Domain")},
	{"expires", text.N("Ends")},
	{"ends", text.N("Ends")},
	{"until", text.N("Until")},
	{"cause", text.N("Cause")},
	{"keys", text.N("Keys")},
	{"overlap_days", text.N("Days of overlap")},
	{"widens", text.N("Wider in")},
	{"networks", text.N("Networks")},
	{"networks_before", text.N("Networks before")},
	{"networks_after", text.N("Networks now")},
	{"origins", text.N("Origins")},
	{"origins_before", text.N("Origins before")},
	{"origins_after", text.N("Origins now")},
	{"rate", text.N("Rate")},
	{"rate_before", text.N("Rate before")},
	{"rate_after", text.N("Rate now")},
	{"metadata", text.N("Metadata")},
	{"metadata_before", text.N("Metadata before")},
	{"metadata_after", text.N("Metadata now")},
	{"access_kept", text.N("Access kept")},
	{"access_waits", text.N("Access that waits")},
	{"changed", text.N("Changed")},
	{"members_added", text.N("Members added")},
	{"members_removed", text.N("Members removed")},
	{"by", text.N("By")},
	{"begins", text.N("Begins")},
	{"rights", text.N("Rights")},
	{"with", text.N("Other organization")},
	{"share", text.N("Shared app")},
}

var valueWords = map[string]string{
	"live": text.N("Live"), "test": text.N("Test"), "never": text.N("Never"), "lifted by staff": text.N("lifted by staff"), "mail": text.N("a link in a mail"), "plan without approval": text.N("plan without approval"),
	permission.Viewer: text.N("Viewer"), permission.Developer: text.N("Developer"), permission.Admin: text.N("Admin"), permission.Owner: text.N("Owner"),
	"active": text.N("Active"), "inactive": text.N("Inactive"),
	string(share.Withdrawn): text.N("taken back"), string(share.Declined): text.N("declined"), string(share.ByLender): text.N("by whose app it is"), string(share.ByReceiver): text.N("by whom it was shared with"),
	string(share.Expired): text.N("its end"), string(share.Lapsed): text.N("nobody answered"), string(share.Moved): text.N("the app was moved"), string(share.Gone): text.N("app or organization deleted"),
	key.PausedIdle: text.N("not used for long"), key.PausedAge: text.N("not rotated in time"), key.PausedNetworks: text.N("bound to no network"), key.PausedBulk: text.N("by staff, with others"), key.PausedLeak: text.N("reported as leaked"),
}

// worded are the details whose values are words of ours; others may be anything that people typed.
var worded = []string{"environment", "expires", "until", "role", "from", "to", "cause", "by"}

// details puts the facts of an event into one line.
func details(c echo.Context, e activity.Event) string {
	var out []string
	for _, f := range factWords {
		v := e.Facts[f.name]
		switch {
		case f.name == "with" && e.With != "":
			v = e.With + " (" + v + ")"
		case f.name == "share" && e.Shared != "":
			v = e.Shared + " (" + v + ")"
		}
		if v != "" {
			out = append(out, web.T(c, f.words)+": "+value(c, f.name, v))
		}
	}
	return strings.Join(out, " · ")
}

func value(c echo.Context, name, v string) string {
	if w, ok := valueWords[v]; ok && slices.Contains(worded, name) {
		return web.T(c, w)
	}
	if at, err := time.Parse(time.RFC3339, v); err == nil && slices.Contains([]string{"expires", "until", "ends"}, name) {
		return text.DateTime(web.Ctx(c), at)
	}
	return v
}
