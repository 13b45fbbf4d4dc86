package idempotency_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/idempotency"
	"github.com/gatehouse-dev/gatehouse/models/usage/usagetest"
)

// aKey is the id of a key that there is.
func aKey(t *testing.T, d *db.DB) db.ID {
	t.Helper()
	usagetest.New(t, d)
	var ids []db.ID
	if err := d.Read(t.Context()).Raw("SELECT id FROM keys ORDER BY id LIMIT 1").Scan(&ids).Error; err != nil || len(ids) == 0 {
		t.Fatal("no key", err)
	}
	return ids[0]
}

func TestCallActsOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		ctx, s := t.Context(), idempotency.NewStore(d)
		caller := aKey(t, d)
		call := idempotency.Call{Caller: caller, Operation: "createKey", Text: "one", Request: []byte(`{"a":1}`)}

		first, err := s.Claim(ctx, call)
		_, running := s.Claim(ctx, call)
		finished := s.Finish(ctx, call, idempotency.Answer{Status: 201, Body: `{"b":2}`})
		again, err2 := s.Claim(ctx, call)
		other := call
		other.Request = []byte(`{"a":2}`)
		_, mismatch := s.Claim(ctx, other)
		elsewhere := call
		elsewhere.Operation = "createApp"
		apart, err3 := s.Claim(ctx, elsewhere)
		released := s.Release(ctx, elsewhere)
		free, err4 := s.Claim(ctx, elsewhere)
		clock.Advance(idempotency.Keep)
		late, err5 := s.Claim(ctx, other)
		swept := s.Sweep(ctx)

		if first != nil || err != nil || finished != nil || released != nil || swept != nil || apart != nil || err3 != nil || free != nil || err4 != nil || late != nil || err5 != nil {
			t.Errorf("claims: %v %v %v %v %v %v %v %v %v %v %v", first, err, finished, released, swept, apart, err3, free, err4, late, err5)
		}
		if !fault.Is(running, fault.Conflict) || !fault.Is(mismatch, fault.Invalid) {
			t.Errorf("running: %v, mismatch: %v", running, mismatch)
		}
		if err2 != nil || again == nil || again.Status != 201 || again.Body != `{"b":2}` {
			t.Errorf("a repeat got %+v, %v", again, err2)
		}
	})
}

// Of many at once, one acts.
func TestOfManyCallsAtOnceOneActs(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		s := idempotency.NewStore(d)
		call := idempotency.Call{Caller: aKey(t, d), Operation: "createKey", Text: "one"}
		var acts atomic.Int32
		var all sync.WaitGroup

		for range 20 {
			all.Go(func() {
				if before, err := s.Claim(t.Context(), call); before == nil && err == nil {
					acts.Add(1)
				}
			})
		}
		all.Wait()

		if acts.Load() != 1 {
			t.Errorf("%d calls acted", acts.Load())
		}
	})
}
