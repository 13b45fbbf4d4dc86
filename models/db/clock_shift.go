//go:build clockshift

package db

import (
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// shift is by how much the machine's clock is taken to be wrong.
var shift atomic.Int64

// A program that is built so takes the machine's clock for wrong by what the file says that GATEHOUSE_TEST_CLOCK names, such as -24h, and looks into it
// again and again: for tests of what happens when a clock jumps (REL-12). No release is built so.
func init() {
	path := os.Getenv("GATEHOUSE_TEST_CLOCK")
	if path == "" {
		return
	}
	look := func() {
		said, err := os.ReadFile(path)
		if err != nil {
			return
		}
		if by, err := time.ParseDuration(strings.TrimSpace(string(said))); err == nil {
			shift.Store(int64(by))
		}
	}
	look()
	go func() {
		for range time.Tick(10 * time.Millisecond) {
			look()
		}
	}()
}

func wrongBy() time.Duration { return time.Duration(shift.Load()) }
