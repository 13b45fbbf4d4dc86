package staff

import (
	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// RoleForm composes a staff role, or changes one.
type RoleForm struct {
	Frame       layout.Frame
	Title       string
	Lead        string
	Own         bool // the title names a role as somebody called it
	Crumbs      []components.Crumb
	Problems    []components.Problem
	Action      string
	Name        components.Field
	Description components.Field
	Error       string // about the permissions
	Groups      []RoleGroup
	Submit      string
	Cancel      string
}

// RoleGroup is some permissions that belong together.
type RoleGroup struct {
	Field components.Field // Options are the permissions
}
