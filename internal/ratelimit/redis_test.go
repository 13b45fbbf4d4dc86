package ratelimit_test

import (
	"context"
	"net"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
)

// server is a Redis of this test's own, with a client that gives up as that of the limiter does.
type server struct {
	t      testing.TB
	socket string
	cmd    *exec.Cmd
	client *redis.Client
	asked  atomic.Int64 // scripts that were sent
}

func startRedis(t testing.TB) *server {
	t.Helper()
	s := &server{t: t, socket: filepath.Join(t.TempDir(), "r.sock")}
	s.start()
	s.client = s.connect()
	s.client.AddHook(s)
	return s
}

func (s *server) connect() *redis.Client {
	s.t.Helper()
	client, err := ratelimit.NewRedisClient("unix://" + s.socket)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = client.Close() })
	return client
}

// start runs the server until it answers.
func (s *server) start() {
	s.t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		s.t.Fatal("redis-server is not installed; install the package redis-server")
	}
	s.cmd = exec.Command(binary, "--port", "0", "--unixsocket", s.socket, "--save", "", "--appendonly", "no")
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(s.stop)
	patient := redis.NewClient(&redis.Options{Network: "unix", Addr: s.socket, MaxRetries: -1})
	defer patient.Close()
	ready, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for patient.Ping(ready).Err() != nil {
		if ready.Err() != nil {
			s.t.Fatal("redis-server did not answer within twenty seconds")
		}
	}
}

func (s *server) stop() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

func (s *server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// run sends a command by a client that waits.
func (s *server) run(args ...any) {
	s.t.Helper()
	patient := redis.NewClient(&redis.Options{Network: "unix", Addr: s.socket, MaxRetries: 5})
	defer patient.Close()
	if err := patient.Do(context.Background(), args...).Err(); err != nil {
		s.t.Fatal(args, err)
	}
}

// DialHook implements redis.Hook.
func (s *server) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

// ProcessHook counts scripts.
func (s *server) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "evalsha" {
			s.asked.Add(1)
			if _, bounded := ctx.Deadline(); !bounded {
				s.t.Error("a call waits for Redis without an end")
			}
		}
		return next(ctx, cmd)
	}
}

// ProcessPipelineHook implements redis.Hook.
func (s *server) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// gate is one replica, with a clock of its own.
type gate struct {
	*ratelimit.Redis
	t   testing.TB
	now time.Time
}

func (s *server) gate(replicas int) *gate {
	g := &gate{t: s.t, now: start}
	g.Redis = ratelimit.NewRedis(s.client, ratelimit.NewLocal(1000), ratelimit.Fixed(replicas))
	return g
}

// pass makes calls and returns how many passed.
func (g *gate) pass(calls int, a ratelimit.Ask) int {
	n := 0
	for range calls {
		if g.Take(g.t.Context(), g.now, 1, a, ratelimit.Ask{}).Allowed {
			n++
		}
	}
	return n
}

// heal goes on until Redis is asked again and answers.
func (g *gate) heal() {
	g.t.Helper()
	until, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for g.Take(g.t.Context(), g.now, 0, ask(250, 1, time.Hour, 1), ratelimit.Ask{}); g.Down(); {
		g.now = g.now.Add(2 * time.Second)
		g.Take(g.t.Context(), g.now, 0, ask(250, 1, time.Hour, 1), ratelimit.Ask{})
		if until.Err() != nil {
			g.t.Fatal("Redis answers, and is not asked again")
		}
	}
}

// hourly holds so long that the time of a test changes nothing.
func hourly(id byte, n int) ratelimit.Ask { return ask(id, n, 10*time.Hour, n) }

func TestWhateverRedisDoesTheShareHolds(t *testing.T) { // REL-10, section 4.5
	for name, fault := range map[string]struct{ begin, end func(*server) }{
		"stopped":  {(*server).stop, (*server).start},
		"hung":     {func(s *server) { s.signal(syscall.SIGSTOP) }, func(s *server) { s.signal(syscall.SIGCONT) }},
		"full":     {func(s *server) { s.run("CONFIG", "SET", "maxmemory", "1") }, func(s *server) { s.run("CONFIG", "SET", "maxmemory", "0") }},
		"readonly": {func(s *server) { s.run("REPLICAOF", "127.0.0.1", "1") }, func(s *server) { s.run("REPLICAOF", "NO", "ONE") }},
		"no leave": {func(s *server) { s.run("ACL", "SETUSER", "default", "-evalsha", "-eval") }, func(s *server) { s.run("ACL", "SETUSER", "default", "+@all") }},
	} {
		t.Run(name, func(t *testing.T) {
			s := startRedis(t)
			g := s.gate(3)
			before := g.pass(1, hourly(1, 90))
			fault.begin(s)
			asked := s.asked.Load()

			share := g.pass(200, hourly(2, 90))
			begun := g.pass(200, hourly(1, 90))

			if before != 1 || share != 30 || begun > 30 {
				t.Errorf("before %d, then %d and %d passed, want a third of 90", before, share, begun)
			}
			if n := s.asked.Load() - asked; n != 1 {
				t.Errorf("Redis was asked %d times in 400 calls of one moment, want once", n)
			}
			fault.end(s)
			g.heal()
			if left := g.pass(200, hourly(2, 90)); left > 60 {
				t.Errorf("%d passed after the share of 30: Redis was not told of it", left)
			}
			if fresh := g.pass(200, hourly(3, 90)); fresh != 90 {
				t.Errorf("%d of 90 passed when Redis was back", fresh)
			}
		})
	}
}

func TestAnEmptiedRedisGivesNothingAnew(t *testing.T) { // REL-10: FLUSHALL, wrong type
	for name, spoil := range map[string]func(*server, string){
		"emptied":      func(s *server, _ string) { s.run("FLUSHALL") },
		"another type": func(s *server, key string) { s.run("DEL", key); s.run("LPUSH", key, "x") },
		"no number":    func(s *server, key string) { s.run("SET", key, "soon") },
		"nan":          func(s *server, key string) { s.run("SET", key, "nan") },
		"endless":      func(s *server, key string) { s.run("SET", key, "inf") },
	} {
		t.Run(name, func(t *testing.T) {
			s := startRedis(t)
			g := s.gate(1)
			passed := g.pass(8, hourly(1, 10))
			keys, err := s.client.Keys(t.Context(), "*").Result()
			if err != nil || len(keys) != 1 {
				t.Fatal(keys, err)
			}
			spoil(s, keys[0])

			after := g.pass(20, hourly(1, 10))

			if passed != 8 || after > 2 || name != "endless" && after != 2 || g.Down() {
				t.Errorf("%d and %d passed, want 10 together; down: %v", passed, after, g.Down())
			}
			if kind := s.client.Type(t.Context(), keys[0]).Val(); kind != "string" {
				t.Errorf("the bucket is a %s and stays so", kind)
			}
		})
	}
}

func TestThreeReplicasOnOneRedisPassTheLimit(t *testing.T) { // L6: at most 5 % over
	s := startRedis(t)
	var passed atomic.Int64
	var all sync.WaitGroup
	for range 3 {
		client := s.connect()
		l := ratelimit.NewRedis(client, ratelimit.NewLocal(1000), ratelimit.Fixed(3))
		for range 16 {
			all.Go(func() {
				for range 25 {
					if l.Take(t.Context(), start, 1, hourly(1, 100), ratelimit.Ask{}).Allowed {
						passed.Add(1)
					}
				}
			})
		}
	}
	all.Wait()

	if n := passed.Load(); n < 90 || n > 105 { // a machine so busy that Redis is late gives less, never more
		t.Errorf("%d of 1,200 passed, want 100 to 105", n)
	}
}

func TestThreeReplicasWithoutRedisPassTheLimitTogether(t *testing.T) { // L6, section 4.5
	for _, limit := range []ratelimit.Limit{
		{Requests: 100, Period: time.Minute},
		{Requests: 100, Period: time.Minute, Burst: 20},
		{Requests: 5, Period: time.Second, Burst: 1},
		{Requests: 1000, Period: time.Hour, Burst: 7},
		{Requests: 10, Period: time.Minute, Burst: 2},
	} {
		s := startRedis(t)
		first := s.gate(3)
		gates := []*gate{first, s.gate(3), s.gate(3)}
		s.stop()
		a := ratelimit.Ask{Key: ratelimit.Key{A: [16]byte{15: 1}}, Limit: limit}
		passed, atOnce := 0, 0

		for i := range 100 { // one period, in hundredths
			for _, g := range gates {
				g.now = start.Add(time.Duration(i) * limit.Period / 100)
				passed += g.pass(limit.Capacity()+5, a)
			}
			if i == 0 {
				atOnce = passed
			}
		}

		if most := limit.Requests + limit.Capacity(); passed > most || atOnce > max(limit.Capacity(), len(gates)) {
			t.Errorf("%+v: %d at once, %d in one period, want at most %d", limit, atOnce, passed, most)
		}
		if passed < limit.Requests/3 {
			t.Errorf("%+v: only %d passed", limit, passed)
		}
	}
}

func TestRedisThatGoesMidwayGivesNoSecondBurst(t *testing.T) { // L6
	s := startRedis(t)
	gates := []*gate{s.gate(3), s.gate(3), s.gate(3)}
	passed := 0
	for range 20 {
		for _, g := range gates {
			passed += g.pass(1, hourly(1, 100))
		}
	}
	s.stop()

	for _, g := range gates {
		passed += g.pass(200, hourly(1, 100))
	}

	if passed < 90 || passed > 105 {
		t.Errorf("%d passed, want 100 at most 5 %% over", passed)
	}
}

// REL-10, REL-12: calls wait before they come to Redis, as when the database is slow to tell of a key, and clocks are set. What is charged while Redis is away is not
// taken for charged in the future when it is back: with room for a million calls ten more are not refused.
func TestNoClockRefusesCallsAfterAnOutage(t *testing.T) {
	for name, jump := range map[string]struct{ before, during, after time.Duration }{
		"late before the outage": {-30 * time.Second, 0, 0}, "late during the outage": {0, -30 * time.Second, 0}, "late after the outage": {0, 0, -30 * time.Second},
		"set back": {0, -45 * time.Second, -45 * time.Second}, "set ahead": {0, 45 * time.Second, 45 * time.Second}, "ahead for a while": {0, 45 * time.Second, 0},
		"set ahead far": {0, time.Hour, time.Hour}, // set back as far, the bucket is taken for full, and empties from then on
	} {
		t.Run(name, func(t *testing.T) {
			s := startRedis(t)
			g := s.gate(2)
			million := ask(1, 1_000_000, time.Second, 1_000_000)
			now := g.now
			g.now = now.Add(jump.before)
			before := g.pass(10, million)
			s.stop()
			g.now = now.Add(jump.during)
			during := g.pass(10, million)
			s.start()
			g.now = now.Add(max(jump.after, jump.during))
			g.heal()
			g.now = g.now.Add(min(0, jump.after-jump.during))

			after := g.pass(10, million)

			if before != 10 || during != 10 || after != 10 || g.Down() {
				t.Errorf("of ten calls each %d passed before, %d without Redis and %d afterwards; down: %v", before, during, after, g.Down())
			}
		})
	}
}

func TestCallsThatWaitGoTogether(t *testing.T) { // R8: one round trip
	s := startRedis(t)
	g := s.gate(1)
	g.pass(1, hourly(1, 1000)) // connected, and the script is known
	s.signal(syscall.SIGSTOP)
	asked := s.asked.Load()
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() { g.Take(t.Context(), start, 1, hourly(byte(i), 10), ratelimit.Ask{}) })
	}
	all.Wait()
	s.signal(syscall.SIGCONT)

	if n := s.asked.Load() - asked; n > 3 {
		t.Errorf("%d round trips for 64 calls at once, want at most 3", n)
	}
}

// BenchmarkTakeOfRedis is what the limits of a call cost with Redis on this machine (R8): alone, and beside 63 others.
func BenchmarkTakeOfRedis(b *testing.B) {
	s := startRedis(b)
	l := ratelimit.NewRedis(s.connect(), ratelimit.NewLocal(1000), ratelimit.Alone)
	take := func(i int) { l.Take(context.Background(), start, 1, hourly(byte(i), 1<<30), ratelimit.Ask{}) }
	b.Run("alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			take(1)
		}
	})
	b.Run("64 at once", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(64 / runtime.GOMAXPROCS(0))
		b.RunParallel(func(p *testing.PB) {
			for i := 0; p.Next(); i++ {
				take(i)
			}
		})
	})
	if l.Down() {
		b.Log("Redis was late, and calls went on without it")
	}
}
