package keyring_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/spool"
)

func spooled(t testing.TB, dir, boot string) *spool.Spool {
	t.Helper()
	s, err := spool.Open(spool.Options{Dir: dir, Size: 4 << 20, Replica: "host/1", Boot: boot, Now: func() time.Time { return start }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func read(t *testing.T, s *spool.Spool) keyring.Batch {
	t.Helper()
	var r keyring.Reader
	if torn, err := s.Read(s.Head(), r.Take); torn != 0 || err != nil {
		t.Fatal(torn, err)
	}
	return r.Batch()
}

// REL-3: what a segment holds is what was counted, at each moment of it.
func TestSegmentTellsWhatTheBatchTells(t *testing.T) {
	s := spooled(t, t.TempDir(), "one")
	u, a, f := keyring.NewUsage(0), compiled(t, api()), key()
	f.Reach.Grants[0].Access.Quota = 1000
	u.Turn(s.Live())
	ask := keyring.Request{Method: "GET", Path: path(t, "/v2/orders"), Scopes: []string{"orders:write"}, IP: netip.MustParseAddr("203.0.113.77"), Cost: 3}
	limits := keyring.Limits{Quotas: keyring.NewMonthlyQuotas()}
	for _, at := range []time.Duration{0, time.Second, time.Minute, 24 * time.Hour} {
		d := keyring.Decide(t.Context(), start.Add(at), f, a, &ask, limits)
		u.Count(start.Add(at), f, a, &ask, &d)
	}
	count(u, start, nil, a, keyring.Request{})
	ask.IP = netip.MustParseAddr("2001:db8:1:2::3")
	count(u, start, f, a, ask)
	next, err := s.Seal()
	if err != nil {
		t.Fatal(err)
	}

	batch := u.Turn(next)
	count(u, start, f, a, ask)

	if diff := cmp.Diff(batch, read(t, s), cmpopts.EquateComparable(netip.Prefix{}), cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
	day := keyring.CostOf{Key: keyring.LimitKey(f.App.ID, id(orderAPI), keyring.Live), Day: start.Truncate(24 * time.Hour)}
	if batch.Costs[day] != 9 || len(batch.Costs) != 2 || len(batch.Networks) != 2 {
		t.Errorf("%+v", batch)
	}
}

func TestFullSegmentDropsAndTells(t *testing.T) { // REL-8
	s := spooled(t, t.TempDir(), "one")
	u, a := keyring.NewUsage(1<<20), compiled(t, api())
	u.Turn(s.Live())
	for n := range 10_000 {
		f := key()
		f.ID = id(n)
		count(u, start, f, a, keyring.Request{})
	}
	next, err := s.Seal()
	if err != nil {
		t.Fatal(err)
	}

	batch := u.Turn(next)

	if got := read(t, s); int64(len(got.Counts))+batch.Dropped != 10_000 || batch.Dropped == 0 || len(got.Counts) != len(batch.Counts) {
		t.Errorf("%d recorded, %d counted, %d dropped", len(got.Counts), len(batch.Counts), batch.Dropped)
	}
}

func TestWarmCountInASegmentAllocatesNothing(t *testing.T) { // R5
	s := spooled(t, t.TempDir(), "one")
	u, a, f := keyring.NewUsage(0), compiled(t, api()), key()
	u.Turn(s.Live())
	req := keyring.Request{Method: "GET", Path: path(t, "/v2/orders"), Scopes: []string{"orders:read"}, IP: netip.MustParseAddr("203.0.113.7")}
	d := keyring.Decide(t.Context(), start, f, a, &req, keyring.Limits{})
	u.Count(start, f, a, &req, &d)

	if n := testing.AllocsPerRun(200, func() { u.Count(start, f, a, &req, &d) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkCountInASegment(b *testing.B) {
	s := spooled(b, b.TempDir(), "one")
	f, a, u := numbered(1), compiled(b, api()), keyring.NewUsage(0)
	u.Turn(s.Live())
	req := keyring.Request{Scopes: []string{"orders:read"}, IP: netip.MustParseAddr("203.0.113.7"), Cost: 1}
	d := keyring.Decide(b.Context(), start, f, a, &req, keyring.Limits{})
	b.ReportAllocs()
	for b.Loop() {
		u.Count(start, f, a, &req, &d)
	}
}
