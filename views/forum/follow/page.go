// Package follow has the pages about what one follows, and those that the links in mails lead to.
package follow

import (
	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// Notices is /console/account/notices.
type Notices struct {
	Frame  layout.Frame
	Crumbs []components.Crumb
	Staff  []components.Field // what staff hear of by mail; empty for others
	Rows   []Row
	Pager  components.Pager
}

// Row is one thing that one follows.
type Row struct {
	Name  string // empty for what can't be seen any more
	Href  string
	Kind  string
	Why   string
	Since components.Moment
	End   string // where to post
	About string // for screen readers: names the button
}

// Token is a page that a link in a mail leads to. Forms hold the token.
type Token struct {
	Frame   layout.Frame
	Title   string
	Text    string
	Name    string // of the question, tag or API
	Href    string
	Buttons []Button
	After   string
}

// Button is a form of one button.
type Button struct {
	Action string
	Hidden []components.Hidden
	Label  string
	Kind   components.Kind
	Words  *components.Field // asked besides
}
