package key

import (
	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// RotationPage is a rotation: both keys side by side, and what can be done about it.
type RotationPage struct {
	Frame    layout.Frame
	Crumbs   []components.Crumb
	Name     string // of the keys
	Status   Status
	Notes    []Note
	Actions  []components.Act
	Problems []components.Problem
	Tiles    []components.Tile
	Pair     []PairRow
	Chart    components.Series
	Networks []NetworkRow
	Silent   *SilentForm
	Extend   *ExtendForm
}

// SilentForm retires an old key that nothing presents any more, with one button.
type SilentForm struct {
	Action string
	Since  components.Hidden
	Words  string
	Button string
}

// ExtendForm makes the overlap longer; without Action it only says why that can't be.
type ExtendForm struct {
	Action string
	Days   components.Field
	Words  string
}
