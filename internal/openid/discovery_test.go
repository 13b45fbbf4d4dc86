package openid_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/openid"
)

// slow is a provider whose discovery a test holds up or lets fail, and a client of it.
type slow struct {
	*openid.Client
	asked atomic.Int64
	fail  atomic.Bool
	hold  atomic.Bool
	freed chan struct{}
	now   atomic.Int64 // seconds by the client's clock
}

func beSlow(t *testing.T) *slow {
	t.Helper()
	l, s := lie(t), &slow{freed: make(chan struct{})}
	honest := l.Config.Handler
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		if s.hold.Load() {
			<-s.freed
		}
		if s.fail.Load() {
			http.Error(w, "away", http.StatusInternalServerError)
			return
		}
		honest.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	t.Cleanup(s.free)
	l.more["issuer"] = front.URL
	s.Client = openid.New(settings(front.URL), back, here, func() time.Time { return time.Unix(s.now.Load(), 0) })
	return s
}

func (s *slow) free() {
	if s.hold.Swap(false) {
		close(s.freed)
	}
}

func (s *slow) begin(ctx context.Context) error {
	_, _, err := s.Begin(ctx, openid.Ask{})
	return err
}

// L7: who gives up waits no longer, and leaves nothing behind that others queue for.
func TestAProviderThatDoesNotAnswerHoldsNobodyUp(t *testing.T) {
	s := beSlow(t)
	s.hold.Store(true)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	began := time.Now()

	for range 20 {
		if err := s.begin(gone); !errors.Is(err, openid.ErrAway) {
			t.Fatal(err)
		}
	}

	if took := time.Since(began); took > 4*time.Second { // a question may take 5
		t.Error("who had gone waited", took)
	}
	s.free()
	if err := s.begin(t.Context()); err != nil {
		t.Error(err)
	}
	if n := s.asked.Load(); n > 1 {
		t.Error("it was asked", n, "times at once")
	}
}

func TestAProviderThatFailedIsLeftAloneForAWhile(t *testing.T) {
	s := beSlow(t)
	s.fail.Store(true)
	for range 3 {
		if err := s.begin(t.Context()); !errors.Is(err, openid.ErrAway) {
			t.Fatal(err)
		}
	}
	during := s.asked.Load()
	s.fail.Store(false)
	s.now.Add(31)

	err := s.begin(t.Context())

	if during != 1 || err != nil {
		t.Errorf("it was asked %d times within a second; half a minute later: %v", during, err)
	}
}

func TestWhatAProviderToldStandsWhileItIsAway(t *testing.T) {
	s := beSlow(t)
	if err := s.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.now.Add(25 * 60 * 60)
	s.hold.Store(true)
	gone, cancel := context.WithCancel(t.Context())
	cancel()

	for range 20 {
		if err := s.begin(gone); err != nil {
			t.Fatal(err)
		}
	}

	if n := s.asked.Load(); n > 2 {
		t.Error("it was asked", n, "times")
	}
}
