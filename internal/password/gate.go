package password

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"
)

// RetryAfter is how long a caller that met ErrBusy should tell its client to wait.
const RetryAfter = 2 * time.Second

// ErrBusy is returned when too many hashes wait, or one waited too long. No hash
// was run; answer 503 with RetryAfter.
var ErrBusy = errors.New("password: too many sign-ins at once")

// GateOptions bound the work. The zero value of each field means its default.
type GateOptions struct {
	MemoryBudget int64                                // bytes for all hashes together; 256 MiB
	Memory       int64                                // bytes of one hash; that of Default
	Cores        int                                  // GOMAXPROCS, less one that is left to all else
	Queue        int                                  // how many may wait; 64
	Wait         time.Duration                        // how long one may wait; 2 s
	After        func(time.Duration) <-chan time.Time // the clock; time.After
}

// gate lets through min(cores, budget/memory) hashes at once, and one more that
// is kept for setting passwords, so that a flood of sign-ins cannot stop anyone
// from recovering an account. The permit belongs to the hashing work: it is
// given back when the work ends, not when the client goes away.
type gate struct {
	permits chan struct{}
	reserve chan struct{}
	wait    time.Duration
	after   func(time.Duration) <-chan time.Time

	mu      sync.Mutex
	waiting int
	queue   int
}

// MostMemory is how many bytes all hashes under way hold together at most.
func (o GateOptions) MostMemory() int64 {
	o = o.filled()
	return int64(o.permits()+1) * o.Memory
}

func newGate(o GateOptions) *gate {
	o = o.filled()
	return &gate{permits: make(chan struct{}, o.permits()), reserve: make(chan struct{}, 1), wait: o.Wait, after: o.After, queue: o.Queue}
}

// permits are as many as hash at once, beside the reserve.
func (o GateOptions) permits() int {
	return max(1, min(o.Cores, int(o.MemoryBudget/o.Memory)-1)) // one hash of the budget is the reserve
}

func (o GateOptions) filled() GateOptions {
	if o.MemoryBudget <= 0 {
		o.MemoryBudget = 256 << 20
	}
	if o.Memory <= 0 {
		o.Memory = int64(Default.MemoryKiB) << 10
	}
	if o.Cores <= 0 {
		o.Cores = max(1, runtime.GOMAXPROCS(0)-1)
	}
	if o.Queue <= 0 {
		o.Queue = 64
	}
	if o.Wait <= 0 {
		o.Wait = 2 * time.Second
	}
	if o.After == nil {
		o.After = time.After
	}
	return o
}

// run does work in a goroutine of its own once there is a permit, and waits for
// it. It returns ErrBusy when work was not and will not be done. When ctx ends
// first it returns ctx's error at once: work not yet begun is not done, work
// begun goes on and keeps its permit.
func (g *gate) run(ctx context.Context, setting bool, work func()) error {
	permit, err := g.enter(ctx, setting)
	if err != nil {
		return err
	}
	done := make(chan struct{})
	go func() {
		defer func() { <-permit }()
		defer close(done)
		work()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// enter returns the channel that the permit was taken from.
func (g *gate) enter(ctx context.Context, setting bool) (chan struct{}, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	reserve := g.reserve
	if !setting {
		reserve = nil // sending to nil never proceeds
	}
	select {
	case g.permits <- struct{}{}:
		return g.permits, nil
	default:
	}
	select {
	case reserve <- struct{}{}:
		return reserve, nil
	default:
	}
	if !g.queueUp(setting) {
		return nil, ErrBusy
	}
	defer g.leaveQueue(setting)
	select {
	case g.permits <- struct{}{}:
		return g.permits, nil
	case reserve <- struct{}{}:
		return reserve, nil
	case <-g.after(g.wait):
		return nil, ErrBusy
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// queueUp counts a waiter. Those who set a password do not stand in the queue of
// those who sign in; they are few, being behind a session or a mailed link.
func (g *gate) queueUp(setting bool) bool {
	if setting {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting >= g.queue {
		return false
	}
	g.waiting++
	return true
}

func (g *gate) leaveQueue(setting bool) {
	if setting {
		return
	}
	g.mu.Lock()
	g.waiting--
	g.mu.Unlock()
}
