package audit

import (
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/audit"
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

// words are acts as people read them. Others are shown as they are written.
var words = map[string]string{
	string(audit.KeyCreated): text.N("Key created"), string(audit.KeyRotated): text.N("Key rotated"), string(audit.KeyPaused): text.N("Key paused"), string(audit.KeyResumed): text.N("Key resumed"),
	string(audit.KeyRevoked): text.N("Key revoked"), string(audit.KeyShortened): text.N("End brought forward"), string(audit.KeySuspended): text.N("Key suspended"),
	string(audit.KeyUnsuspended): text.N("Suspension of the key lifted"), string(audit.KeyRenamed): text.N("Key renamed"), string(audit.KeyBounded): text.N("Limits of the key changed"),
	string(audit.KeyScopeTaken): text.N("Scope taken from the key"), string(audit.KeyScopeGiven): text.N("Scope given back to the key"), string(audit.KeyPasted): text.N("Key pasted into a text"),
	string(audit.KeyConfirmed): text.N("Responsible person confirmed"), string(audit.LinkMade): text.N("Link to the key made"), string(audit.LinkOpened): text.N("Link to the key opened"),
	string(audit.LinkCancelled): text.N("Link to the key cancelled"), string(audit.KeyRetired): text.N("Old key retired"), string(audit.KeyOverlapExtended): text.N("Overlap extended"),
	string(audit.KeyRotationUndone): text.N("Rotation undone"), string(audit.KeysImported): text.N("Keys imported"), string(audit.ImportEnded): text.N("Import ended"),
	string(audit.AppCreated): text.N("App created"), string(audit.AppChanged): text.N("App changed"), string(audit.AppDeleted): text.N("App deleted"), string(audit.AppSuspended): text.N("App suspended"),
	string(audit.AppUnsuspended): text.N("Suspension of the app lifted"), string(audit.AppMoved): text.N("App moved"), string(audit.AppLimited): text.N("App limited to some members"),
	string(audit.AppOpened): text.N("App opened to all members"), string(audit.AppMemberAdded): text.N("Member let into an app"), string(audit.AppMemberRemoved): text.N("Member kept out of an app"),
	string(audit.AccessRequested): text.N("Access requested"), string(audit.AccessWithdrawn): text.N("Request withdrawn"), string(audit.AccessApproved): text.N("Access approved"),
	string(audit.AccessRefused): text.N("Access refused"), string(audit.AccessPlanChanged): text.N("Plan changed"), string(audit.AccessSuspended): text.N("Access suspended"),
	string(audit.AccessUnsuspended): text.N("Suspension of the access lifted"), string(audit.AccessEnded): text.N("Access ended"),
	string(audit.MemberRemoved): text.N("Member removed"), string(audit.MemberLeft): text.N("Member left"),
	"member.invited": text.N("Member invited"), "member.joined": text.N("Member joined"), "member.role_changed": text.N("Role changed"), "organization.transferred": text.N("Organization handed over"),
	"invitation.resent": text.N("Invitation sent again"), "invitation.revoked": text.N("Invitation withdrawn"), "invitation.declined": text.N("Invitation declined"),
	string(audit.ReviewDecided): text.N("Role review: decision"), string(audit.ReviewFinished): text.N("Role review finished"),
	string(audit.DomainClaimed): text.N("Domain entered"), string(audit.DomainProven): text.N("Domain proven"), string(audit.DomainLost): text.N("Domain lost"), string(audit.DomainRemoved): text.N("Domain removed"),
	string(audit.DomainJoinSet): text.N("Who joins by a domain changed"), string(audit.DomainProviderSet): text.N("Sign-in for a domain changed"),
	string(audit.DirectoryTokenMade): text.N("Token of the directory made"), string(audit.DirectoryTokenRevoked): text.N("Token of the directory revoked"),
	string(audit.DirectoryRoleSet): text.N("Role of new people of the directory set"), string(audit.DirectoryUserAdded): text.N("Person added by the directory"),
	string(audit.DirectoryUserChanged): text.N("Person changed by the directory"), string(audit.DirectoryUserRemoved): text.N("Person removed by the directory"),
	string(audit.DirectoryGroupAdded): text.N("Group added by the directory"), string(audit.DirectoryGroupChanged): text.N("Group changed by the directory"),
	string(audit.DirectoryGroupRemoved): text.N("Group removed by the directory"), string(audit.DirectoryGroupRoleSet): text.N("Role of a group of the directory set"),
	string(audit.DomainProviderAway): text.N("Provider of a domain not offered any more"), string(audit.DomainProviderBack): text.N("Provider of a domain offered again"),
	string(audit.ShareOffered): text.N("App offered to another organization"), string(audit.ShareReceived): text.N("Offer of an app received"), string(audit.ShareAccepted): text.N("Offer of your app accepted"),
	string(audit.ShareTaken): text.N("Offer of an app accepted"), string(audit.ShareDeclined): text.N("Offer of your app declined"), string(audit.ShareRefused): text.N("Offer of an app declined"),
	string(audit.ShareEnded): text.N("Share of your app ended"), string(audit.ShareLost): text.N("Share of another organization’s app ended"), string(audit.ShareRotated): text.N("Key of a shared app rotated"),
	string(audit.OrganizationCreated): text.N("Organization created"), string(audit.OrganizationChanged): text.N("Organization changed"), string(audit.OrganizationDeleted): text.N("Organization deleted"),
	string(audit.OrganizationSuspended): text.N("Organization suspended"), string(audit.OrganizationUnsuspended): text.N("Suspension of the organization lifted"),
	string(audit.FactorRequired): text.N("Second factor required of members"), string(audit.FactorReleased): text.N("Second factor no longer required of members"),
	string(audit.LeakOpened): text.N("Key reported as leaked"), string(audit.LeakResumed): text.N("Key resumed, and incident closed"), string(audit.LeakClosed): text.N("Incident closed"),
	string(audit.OrganizationRestored): text.N("Organization brought back"), string(audit.OrganizationPurged): text.N("Organization deleted for good"),
	string(audit.LeakReported): text.N("Keys reported as leaked"), string(audit.LeakNoticeEnded): text.N("Leaked key revoked after its notice"), string(audit.LeakPolicySet): text.N("What happens to leaked keys changed"),
	string(audit.KeysPreviewed): text.N("Act on many keys previewed"), string(audit.KeysRevoked): text.N("Many keys revoked"), string(audit.KeysPaused): text.N("Many keys paused"),
	string(audit.KeysResumed): text.N("Many keys resumed"), string(audit.KeysShortened): text.N("Ends of many keys brought forward"), string(audit.KeysFinished): text.N("Act on many keys finished"),
	string(audit.KeysStopped):      text.N("Act on many keys stopped"),
	string(audit.BrowserForgotten): text.N("Known browser forgotten"), string(audit.BrowsersForgotten): text.N("All other known browsers forgotten"),
	string(audit.CalendarMade): text.N("Address of the calendar made"), string(audit.CalendarRemoved): text.N("Address of the calendar removed"),
}

func actWords(c echo.Context, act string) string {
	if w, ok := words[act]; ok {
		return web.T(c, w)
	}
	return act
}

// factWords are the details that are shown, in this order: all of activity.FactNames but the hint, which stands under the name.
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
	string(share.Withdrawn): text.N("taken back"), string(share.Declined): text.N("declined"), string(share.ByLender): text.N("by whose app it is"), string(share.ByReceiver): text.N("by whom it was shared with"),
	string(share.Expired): text.N("its end"), string(share.Lapsed): text.N("nobody answered"), string(share.Moved): text.N("the app was moved"), string(share.Gone): text.N("app or organization deleted"),
	key.PausedIdle: text.N("not used for long"), key.PausedAge: text.N("not rotated in time"), key.PausedNetworks: text.N("bound to no network"), key.PausedBulk: text.N("by staff, with others"), key.PausedLeak: text.N("reported as leaked"),
}

// worded are the details whose values are words of ours; others may be anything that people typed.
var worded = []string{"environment", "expires", "until", "role", "cause", "by"}

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
