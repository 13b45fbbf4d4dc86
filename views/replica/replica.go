// Package replica has the page on which staff see which processes run, and how they stand.
package replica

import (
	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// Page is /admin/replicas.
type Page struct {
	Frame    layout.Frame
	Warnings []string // what somebody should look at, worst first
	Rows     []Row
}

// Row is one process.
type Row struct {
	Name    string
	Version string
	Edge    string // "" when verification is at the portal's address alone
	Alive   bool
	Started components.Moment
	Seen    components.Moment
	Behind  string // of the change feed
	Stale   bool
	Hint    string
	Redis   string
	Keys    string
	Hits    string
	Waiting string // batches of usage
	Clock   string
}
