// Package faults holds tests that do to the real program what happens to programs, and count what it lost: `make faults` runs them at length, and
// `go test ./...` a little of each. Each line that begins with REL says what was done, what was lost and what was measured.
package faults_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
	"github.com/gatehouse-dev/gatehouse/internal/tools/rig"
)

var (
	long   = flag.Bool("faults", false, "do each fault at length, as make faults does")
	rounds = flag.Int("rounds", 0, "how often the program is killed on each database; 0: 2, and with -faults 12")
)

func TestMain(m *testing.M) {
	rig.Tags = "clockshift" // one program for all: the same but for its reading of the machine's clock
	code := m.Run()
	rig.RemoveBinary()
	os.Exit(code)
}

// amount is how much of something is done: little in every run of the tests, much by make faults.
func amount[T any](little, much T) T {
	if *long {
		return much
	}
	return little
}

// kills is how often the program is killed.
func kills() int {
	if *rounds > 0 {
		return *rounds
	}
	return amount(2, 12)
}

// report prints the line of a fault.
func report(t testing.TB, id, format string, args ...any) {
	t.Helper()
	t.Logf("%s: %s", id, fmt.Sprintf(format, args...))
}

// patience is how long a promise may take on a machine that does much else. Where it is a figure, the figure is printed.
const patience = time.Minute

// tolerable is how long half of the calls may wait, on such a machine, before they are taken for held up.
const tolerable = 2 * time.Second

// bounded ends the tests, with the stacks of all goroutines, when the one fault takes too long.
func bounded(t testing.TB) {
	most := 5*time.Minute + time.Duration(kills())*10*time.Second
	late := time.AfterFunc(most, func() { panic(fmt.Sprintf("%s has not ended within %s", t.Name(), most)) })
	t.Cleanup(func() { late.Stop() })
}

// eventually waits until done is true, and tells how long that took; it fails the test when that is too long.
func eventually(t testing.TB, what string, done func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	if !testenv.Await(context.Background(), patience, done) {
		t.Fatalf("not within %s: %s", patience, what)
	}
	return time.Since(began)
}

// pass lets time go by while something else goes on.
func pass(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
}
