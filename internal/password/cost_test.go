package password_test

import (
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/password"
)

// machine is one on which a pass takes that long, now and then longer.
type machine struct {
	pass  time.Duration
	late  []time.Duration
	now   time.Time
	asked []password.Params
}

func (m *machine) hash(_, _ []byte, p password.Params, n uint32) []byte {
	m.asked = append(m.asked, p)
	m.now = m.now.Add(time.Duration(p.Time) * m.pass)
	if len(m.late) > 0 {
		m.now, m.late = m.now.Add(m.late[0]), m.late[1:]
	}
	return make([]byte, n)
}

func TestCostFollowsTheMachineAndNeverFalls(t *testing.T) { // A1, section 4.2
	at := func(passes uint32) password.Params {
		return password.Params{MemoryKiB: 19 * 1024, Time: passes, Threads: 1}
	}
	for name, c := range map[string]struct {
		machine machine
		from    password.Params
		want    uint32
	}{
		"fast":                      {machine{pass: 15 * time.Millisecond}, at(2), 8},
		"fast, busy at first":       {machine{pass: 15 * time.Millisecond, late: []time.Duration{time.Second, 50 * time.Millisecond}}, at(2), 8},
		"far too fast":              {machine{pass: time.Millisecond}, at(2), 10},
		"right":                     {machine{pass: 40 * time.Millisecond}, at(2), 2},
		"slow":                      {machine{pass: time.Second}, at(2), 2},
		"slower than it once was":   {machine{pass: time.Second}, at(8), 8},
		"raised before, still fast": {machine{pass: 15 * time.Millisecond}, at(8), 8},
		"its clock stands":          {machine{}, at(3), 3},
	} {
		if got := password.Calibrate(c.from, c.machine.hash, func() time.Time { return c.machine.now }); got != at(c.want) {
			t.Errorf("%s: %+v, want %d passes", name, got, c.want)
		}
	}
}

func TestOldHashesTakeAsLongAsNewOnes(t *testing.T) { // A6
	m := &machine{}
	h := hasher(t, password.Default, password.GateOptions{}, m.hash)
	old := hash(t, h, "a password of old")
	dearer := password.Default
	dearer.Time = 7
	if err := h.SetCost(dearer); err != nil {
		t.Fatal(err)
	}
	cost := func(do func() error) (sum uint32) {
		m.asked = nil
		if err := do(); err != nil {
			t.Fatal(err)
		}
		for _, p := range m.asked {
			sum += p.Time * p.MemoryKiB
		}
		return sum
	}

	known := cost(func() error { _, _, err := h.Verify(t.Context(), old, "wrong"); return err })
	nobody := cost(func() error { return h.VerifyDummy(t.Context(), "wrong") })

	if known != nobody || known != dearer.Time*dearer.MemoryKiB {
		t.Errorf("an old hash costs %d, nobody's %d", known, nobody)
	}
	if _, again, err := h.Verify(t.Context(), old, "a password of old"); !again || err != nil { // the machine's hashes are all alike
		t.Errorf("an old hash is not renewed: %v", err)
	}
	if err := h.SetCost(password.Params{MemoryKiB: 1, Time: 1, Threads: 1}); err == nil {
		t.Error("a cost out of bounds is taken")
	}
}
