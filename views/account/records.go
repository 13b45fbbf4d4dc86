package account

import (
	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// Records is the page that tells anybody what is kept of people, and for how long.
type Records struct {
	Frame layout.Frame
	Rows  []RecordRow
}

// RecordRow is what is kept together.
type RecordRow struct {
	Title, Why, Keep, Ends string
	Shown                  bool // in what people download about themselves
}

// Retention is the page on which staff say for how long it is kept from where people came.
type Retention struct {
	Frame     layout.Frame
	Problems  []components.Problem
	Errors    map[string]string
	Addresses string // days
	Networks  string // days
	Choices   []components.Option
	CanChange bool
}

// RetentionSure is the page that asks once more, before a time gets shorter.
type RetentionSure struct {
	Frame     layout.Frame
	Addresses string // days, as asked for
	Networks  string
	Sure      string // says that these were asked about
	Rows      []components.Fact
}
