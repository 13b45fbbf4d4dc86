package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// contender is one side of a ratio.
type contender struct {
	name     string
	programs []*program // whose CPU counts
	load     load
}

func (c contender) cpu() (sum time.Duration) {
	for _, p := range c.programs {
		sum += p.cpu()
	}
	return sum
}

// figures are what one measurement of one contender gave.
type figures struct{ cpu, p99, rate float64 }

func (c contender) measure(ctx context.Context, d time.Duration) (figures, error) {
	before := c.cpu()
	r, err := c.load.run(ctx, d)
	if err != nil {
		return figures{}, fmt.Errorf("%s: %w", c.name, err)
	}
	if r.answers == 0 {
		return figures{}, fmt.Errorf("%s: nothing was answered", c.name)
	}
	cpu := c.cpu() - before
	return figures{cpu: cpu.Seconds() * 1e6 / float64(r.answers), p99: r.p99.Seconds() * 1e6, rate: float64(r.answers) / r.took.Seconds()}, nil
}

// measures are what ratios can be of.
var measures = map[string]func(figures) float64{
	"cpu": func(f figures) float64 { return f.cpu }, "p99": func(f figures) float64 { return f.p99 }, "req/s": func(f figures) float64 { return f.rate },
}

// against measures one and two in turn and prints their ratios by each of the named measures. The first round only warms up.
func (b *bench) against(ctx context.Context, one, two contender, by ...string) error {
	ratios := map[string][]float64{}
	var first, second []figures
	for round := range b.rounds + 1 {
		x, err := one.measure(ctx, b.duration)
		if err != nil {
			return err
		}
		y, err := two.measure(ctx, b.duration)
		if err != nil {
			return err
		}
		if round == 0 {
			continue
		}
		for _, m := range by {
			ratios[m] = append(ratios[m], measures[m](x)/measures[m](y))
		}
		first, second = append(first, x), append(second, y)
	}
	name := one.name + "/" + two.name
	for _, m := range by {
		fmt.Printf("ratio %s %s %s\n", name, m, spread(ratios[m]))
	}
	for i, c := range []contender{one, two} {
		all := [][]figures{first, second}[i]
		fmt.Printf("%s: %.1f µs of CPU a request, %.0f requests/s\n", c.name, middle(all, func(f figures) float64 { return f.cpu }), middle(all, func(f figures) float64 { return f.rate }))
	}
	return nil
}

func spread(values []float64) string {
	slices.Sort(values)
	return fmt.Sprintf("%.2f (%.2f-%.2f)", values[len(values)/2], values[0], values[len(values)-1])
}

func middle(all []figures, of func(figures) float64) float64 {
	values := make([]float64, 0, len(all))
	for _, f := range all {
		values = append(values, of(f))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// inUse is how many of the keys are presented (R1).
const inUse = 1000

// pair returns us with requests, and the floor of that kind.
func (b *bench) pair(ctx context.Context, name string, requests [][]byte, kind string, floor [][]byte) (one, two contender, err error) {
	p, err := b.gatehouse(ctx)
	if err != nil {
		return one, two, err
	}
	f, err := b.floor(ctx, kind)
	if err != nil {
		return one, two, err
	}
	one = contender{name, []*program{p}, load{address: p.address, connections: b.connections, requests: requests}}
	return one, contender{kind, []*program{f}, load{address: f.address, connections: b.connections, requests: floor}}, nil
}

// verifySection is R1 and R3.
func verifySection(ctx context.Context, b *bench) error {
	mine := b.filled.verifications(b.filled.texts[:inUse])
	one, two, err := b.pair(ctx, "verify", mine, "echo", mine[:1])
	if err != nil {
		return err
	}
	if err := b.against(ctx, one, two, "cpu"); err != nil {
		return err
	}
	one, two, err = b.pair(ctx, "verify", mine, "echo-verify", naiveVerifications())
	if err != nil {
		return err
	}
	return b.against(ctx, one, two, "cpu", "p99")
}

// authzSection is R2, and how low that could be: fasthttp, which carries the edge, with a yes that never changes.
func authzSection(ctx context.Context, b *bench) error {
	mine := b.filled.questions(b.filled.texts[:inUse])
	one, two, err := b.pair(ctx, "authz", mine, "echo", mine[:1])
	if err != nil {
		return err
	}
	if err := b.against(ctx, one, two, "cpu"); err != nil {
		return err
	}
	fast, err := b.floor(ctx, "fasthttp")
	if err != nil {
		return err
	}
	return b.against(ctx, contender{"fasthttp", []*program{fast}, load{address: fast.address, connections: b.connections, requests: mine[:1]}}, two, "cpu")
}

// unknownSection is R7: keys that nobody has, with the right checksum.
func unknownSection(ctx context.Context, b *bench) error {
	return b.besideWarm(ctx, "unknown", b.filled.unknown)
}
