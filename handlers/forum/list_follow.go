package forum

import (
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	views "github.com/gatehouse-dev/gatehouse/views/forum"
)

// following offers the feed of a list, and to follow by mail the one tag or API to which it is narrowed, when there is something to follow.
func (h *Handler) following(c echo.Context, show string, f forum.Filter, p *views.List) error {
	q := url.Values{}
	for name, value := range map[string]string{"tag": f.Tag, "api": f.API} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if show == "unanswered" {
		q.Set("unanswered", "1")
	}
	p.Feed = "/forum/feed.atom"
	if len(q) > 0 {
		p.Feed += "?" + q.Encode()
	}
	p.Frame.Feed = p.Feed
	if !web.Actor(c).SignedIn() || (f.Tag == "") == (f.API == "") || len(p.Items) == 0 {
		return nil
	}
	is, err := h.Store.FollowsList(web.Ctx(c), web.Actor(c), f)
	if err != nil {
		return err
	}
	action, about := "/forum/tags/"+url.PathEscape(f.Tag)+"/follow", web.T(c, "Follow this tag by mail")
	if f.Tag == "" {
		action, about = "/apis/"+url.PathEscape(f.API)+"/follow", web.T(c, "Follow the questions about this API by mail")
	}
	p.Follow = &views.Act{Action: action, Label: web.T(c, "Follow"), Name: "on", Value: "1", About: about}
	if is {
		p.Follow.Label, p.Follow.Value = web.T(c, "Stop following"), "0"
	}
	return nil
}
