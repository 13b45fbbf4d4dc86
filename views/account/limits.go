package account

import (
	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// Limits is the page on which staff say after how long sessions end.
type Limits struct {
	Frame           layout.Frame
	Problems        []components.Problem
	Errors          map[string]string
	Idle            string // minutes
	Absolute        string // minutes
	IdleChoices     []components.Option
	AbsoluteChoices []components.Option
	CanChange       bool
}
