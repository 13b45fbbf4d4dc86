//go:build !clockshift

package db

import "time"

// wrongBy is by how much the machine's clock is taken to be wrong: not at all.
func wrongBy() time.Duration { return 0 }
