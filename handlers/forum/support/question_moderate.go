package support

import (
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/support"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/forum/support"
)

// moderation is what moderators can do with the question; the pages and acts are moderation's.
func moderation(c echo.Context, d support.Detail) []views.Act {
	if !may(c, permission.StaffQuestionsModerate) {
		return nil
	}
	path := support.Path(d.ID)
	either := func(is bool, words, verb, otherWords, otherVerb string) views.Act {
		if is {
			words, verb = otherWords, otherVerb
		}
		return views.Act{Label: words, Action: path + verb}
	}
	hide := views.Act{Label: web.T(c, "Hide question"), Href: path + "/hide"}
	if d.HiddenAt != nil {
		hide = views.Act{Label: web.T(c, "Show question again"), Action: path + "/show"}
	}
	return []views.Act{
		{Label: web.T(c, "Change tags"), Href: path + "/tags"},
		either(d.PinnedAt != nil, web.T(c, "Pin question"), "/pin", web.T(c, "Unpin question"), "/unpin"),
		either(d.LockedAt != nil, web.T(c, "Lock question"), "/lock", web.T(c, "Unlock question"), "/unlock"),
		hide,
	}
}

// postActs is what moderators can do with one post: buttons where somebody waits for them, else a quiet link. The question's own post goes with the question, unless
// it waits for approval.
func postActs(c echo.Context, p support.Said) (buttons, links []views.Act) {
	if !may(c, permission.StaffQuestionsModerate) {
		return nil, nil
	}
	path := "/support/posts/" + p.ID.Show(forum.PostPrefix)
	switch {
	case p.State == forum.Pending:
		return []views.Act{{Label: web.T(c, "Approve post"), Action: path + "/approve", Hidden: []components.Hidden{{Name: "revisions", Value: strconv.FormatInt(p.Revisions, 10)}}, Kind: components.Primary}, {Label: web.T(c, "Reject post"), Href: path + "/reject"}}, nil
	case p.PendingRevision != nil:
		return []views.Act{{Label: web.T(c, "Look at the change"), Href: "/support/pending#" + p.ID.Show(forum.PostPrefix)}}, nil
	case p.Kind == forum.PostQuestion || p.State != forum.Published:
		return nil, nil
	case p.HiddenAt != nil:
		return []views.Act{{Label: web.T(c, "Show post again"), Action: path + "/show"}}, nil
	}
	return nil, []views.Act{{Label: web.T(c, "Hide post"), Href: path + "/hide"}}
}
