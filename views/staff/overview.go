// Package staff has the pages that only the company's people see: overview, audit log, permissions, the portal's settings.
package staff

import (
	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// OverviewPage is /admin: what needs a decision first, then how it runs.
type OverviewPage struct {
	Frame          layout.Frame
	Waiting        []Decision
	CanDecide      bool
	CanSeeRequests bool
	More           string // "and 7 more", with MoreHref
	Notices        []Notice
	Tiles          []components.Tile
	Calls          *components.Series
}

// Decision is one access request that waits.
type Decision struct {
	Title, Href string
	Plan, Who   string
	Purpose     string
	Asked       components.Moment
}

// Notice is something else that waits, with where to look.
type Notice struct {
	Name              string // of what it is about, as somebody typed it, before Text; "" for none
	Text, Href, Label string
}

// AuditPage is /admin/audit.
type AuditPage struct {
	Frame   layout.Frame
	Filter  components.Filter
	Rows    []AuditRow
	Pager   components.Pager
	CSVHref string
	Verdict string // one sentence about the chain
	Sound   bool

	LinesHref string
	Waiting   []string // what something outside does not take
}

// AuditRow is one event.
type AuditRow struct {
	Seq     string
	At      components.Moment
	Act     string // as filter, CSV and API name it
	Words   string // for the act; empty when it has none
	Actor   string
	From    string
	Target  string // its id
	Name    string // what it is called now; empty when it has no name or is gone
	Href    string
	Details []AuditDetail
	Refused bool
	Request string
}

// AuditDetail is one detail of an event. Value is an id where there is a Name: what that is called now.
type AuditDetail struct{ Term, Value, Name, Href string }

// PermissionsPage is the permission table as it is in code.
type PermissionsPage struct {
	Frame  layout.Frame
	Groups []PermissionGroup
}

// PermissionGroup is one table: the roles are its columns.
type PermissionGroup struct {
	Title string
	Roles []string
	Rows  []PermissionRow
}

// PermissionRow is one permission; Has goes along the roles of its group.
type PermissionRow struct {
	Sentence string
	Name     string
	Has      []bool
}

// PortalPage is /admin/portal.
type PortalPage struct {
	Frame     layout.Frame
	Problems  []components.Problem
	Name      components.Field
	Hue       components.Field
	Footer    components.Field
	CanChange bool
}

// SetupPage is /setup.
type SetupPage struct {
	Frame    layout.Frame
	Code     string
	Problems []components.Problem
	Fields   []components.Field
}
