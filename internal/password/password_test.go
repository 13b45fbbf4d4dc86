package password_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"
	"pgregory.net/rapid"

	"github.com/gatehouse-dev/gatehouse/internal/password"
)

// cheap is the least that is taken, so that tests do not spend their time hashing.
var cheap = password.Params{MemoryKiB: 7 * 1024, Time: 1, Threads: 1}

func hasher(t testing.TB, p password.Params, o password.GateOptions, f password.HashFunc) *password.Hasher {
	t.Helper()
	h, err := password.NewHasher(p, o, f)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func hash(t testing.TB, h *password.Hasher, text string) string {
	t.Helper()
	phc, err := h.Hash(context.Background(), text)
	if err != nil {
		t.Fatal(err)
	}
	return phc
}

func TestOnlyTheRightPasswordVerifies(t *testing.T) { // A1
	h := hasher(t, cheap, password.GateOptions{}, nil)
	first, second := hash(t, h, "open the gate, Otto"), hash(t, h, "open the gate, Otto")

	ok, rehash, err := h.Verify(t.Context(), first, "open the gate, Otto")
	wrong, _, wrongErr := h.Verify(t.Context(), first, "open the gate, otto")

	if !ok || rehash || err != nil {
		t.Errorf("right password: %v %v %v", ok, rehash, err)
	}
	if wrong || wrongErr != nil {
		t.Errorf("wrong password: %v %v", wrong, wrongErr)
	}
	if first == second || !strings.HasPrefix(first, "$argon2id$v=19$m=7168,t=1,p=1$") {
		t.Errorf("hashes %s, %s", first, second)
	}
}

func TestDefaultIsOWASPsLeastAndUpgradesWeakerHashes(t *testing.T) { // A1
	h := hasher(t, password.Default, password.GateOptions{}, nil)
	old := hash(t, hasher(t, cheap, password.GateOptions{}, nil), "a password of old")

	ok, rehash, err := h.Verify(t.Context(), old, "a password of old")
	wrong, wrongRehash, _ := h.Verify(t.Context(), old, "another password")

	if !ok || !rehash || err != nil || wrong || wrongRehash {
		t.Errorf("right: %v %v %v; wrong: %v %v", ok, rehash, err, wrong, wrongRehash)
	}
	if got := hash(t, h, "x"); !strings.HasPrefix(got, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("default hash is %s", got)
	}
}

func TestHashesOutOfBoundsAreNotExecuted(t *testing.T) { // A1
	ran := 0
	h := hasher(t, cheap, password.GateOptions{}, func(_, _ []byte, _ password.Params, n uint32) []byte {
		ran++
		return make([]byte, n)
	})
	const tail = "$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for _, phc := range []string{
		"", "x", "$argon2id$v=19$m=4194304,t=2,p=1" + tail, "$argon2id$v=19$m=19456,t=1000,p=1" + tail,
		"$argon2id$v=19$m=19456,t=2,p=255" + tail, "$argon2id$v=19$m=8,t=1,p=1" + tail, "$argon2i$v=19$m=19456,t=2,p=1" + tail,
		"$argon2id$v=16$m=19456,t=2,p=1" + tail, "$argon2id$v=19$m=19456,t=2,p=1,x=2" + tail, "$argon2id$v=19$m=+19456,t=2,p=1" + tail,
		"$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$AAAA", "$argon2id$v=19$m=99999999999,t=2,p=1" + tail,
	} {
		if ok, _, err := h.Verify(t.Context(), phc, "x"); ok || !errors.Is(err, password.ErrParams) {
			t.Errorf("%s: %v %v", phc, ok, err)
		}
	}
	if ran != 0 {
		t.Errorf("%d hashes were executed", ran)
	}
	if _, err := password.NewHasher(password.Params{MemoryKiB: 1, Time: 1, Threads: 1}, password.GateOptions{}, nil); !errors.Is(err, password.ErrParams) {
		t.Errorf("weak default: %v", err)
	}
}

func TestComposedAndDecomposedAreOnePassword(t *testing.T) { // A2
	h := hasher(t, cheap, password.GateOptions{}, nil)
	const composed, decomposed = "caf\u00e9 am Fluss", "cafe\u0301 am Fluss"

	for _, c := range [][2]string{{composed, decomposed}, {decomposed, composed}} {
		if ok, _, err := h.Verify(t.Context(), hash(t, h, c[0]), c[1]); !ok || err != nil {
			t.Errorf("%+q set, %+q refused: %v", c[0], c[1], err)
		}
	}
	if ok, _, _ := h.Verify(t.Context(), hash(t, h, "\ufb01ne words here"), "fine words here"); ok {
		t.Error("more than NFC was normalised")
	}
}

func TestNothingIsTruncated(t *testing.T) { // A2
	h := hasher(t, cheap, password.GateOptions{}, nil)
	long := strings.Repeat("漢", 128)
	phc := hash(t, h, long)

	if ok, _, _ := h.Verify(t.Context(), phc, long); !ok {
		t.Error("128 characters refused")
	}
	if ok, _, _ := h.Verify(t.Context(), phc, long[:len(long)-3]+"字"); ok {
		t.Error("the last character does not count")
	}
	empty := hash(t, h, "")
	if ok, _, _ := h.Verify(t.Context(), empty, strings.Repeat("x", 1<<20)); ok {
		t.Error("an oversized password passes as the empty one")
	}
}

func TestPolicyCountsCodePoints(t *testing.T) { // A2
	for text, want := range map[string]string{
		strings.Repeat("é", 11):                  password.ReasonShort,
		"ein Tor für Otto":                       "",
		"tor für otto":                           "",
		"wir öffnen ":                            password.ReasonShort,
		strings.Repeat("tor zu ", 18) + "ab":     "",
		strings.Repeat("tor zu ", 18) + "abc":    password.ReasonLong,
		strings.Repeat("x", 100_000):             password.ReasonLong,
		"not \xff valid text":                    password.ReasonText,
		"password1234":                           password.ReasonCommon,
		"P@ssw0rd2026!!":                         password.ReasonCommon,
		"passwordpassword":                       password.ReasonCommon,
		"pass word pass word":                    password.ReasonCommon,
		"aaaaaaaaaaaaaa":                         password.ReasonCommon,
		"123456789012":                           password.ReasonCommon,
		"qwertyuiop123":                          password.ReasonCommon,
		"Gatehouse2026!":                         password.ReasonContext,
		"G@tehouse-gatehouse":                    password.ReasonContext,
		"northwindtraders":                       password.ReasonContext,
		"ada.lovelace1815":                       password.ReasonContext,
		"Lovelace-1815!":                         password.ReasonContext,
		"correct horse battery staple":           "",
		"gatehouse keeps the wolves":             "",
		"a-Totally-fine-one":                     "",
		"пароль для ворот":                       "",
		"🦊🦊🦊🌲🌲🌲🌙🌙🌙⭐⭐⭐":                           "",
		"0123456789abcdef0123456789abcdef-x-y-z": "",
	} {
		var got string
		if reasons := (password.Policy{}).Check(text, "Gatehouse", "Northwind Traders", "Ada Lovelace", "ada.lovelace@northwind.example"); len(reasons) > 0 {
			got = reasons[0].Key
		}
		if got != want {
			t.Errorf("%.40q: %q, want %q", text, got, want)
		}
	}
	if r := (password.Policy{Min: 15}).Check("twelve is few"); len(r) != 1 || r[0].Args[0] != 15 {
		t.Errorf("a stricter installation: %v", r)
	}
}

func TestRandomPasswordsPass(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[b-df-hj-np-tv-xz]{3}[2689#%&=?]{3}[b-df-hj-np-tv-xz]{5}[2689#%&=?]{3}`).Draw(t, "password")
		if r := (password.Policy{}).Check(text, "Gatehouse", "Ada"); len(r) != 0 {
			t.Fatalf("%q: %v", text, r)
		}
	})
}

// blocking is a hash function whose calls wait until released.
type blocking struct {
	running, peak, total atomic.Int32
	entered              chan struct{}
	release              chan struct{}
}

func newBlocking() *blocking {
	return &blocking{entered: make(chan struct{}, 1000), release: make(chan struct{})}
}

func (b *blocking) hash(_, _ []byte, _ password.Params, n uint32) []byte {
	now := b.running.Add(1)
	for peak := b.peak.Load(); now > peak && !b.peak.CompareAndSwap(peak, now); peak = b.peak.Load() {
	}
	b.total.Add(1)
	b.entered <- struct{}{}
	<-b.release
	b.running.Add(-1)
	return make([]byte, n)
}

// clock hands out timers that fire when told to.
type clock struct {
	mu     sync.Mutex
	asked  chan struct{}
	timers []chan time.Time
}

func (c *clock) after(time.Duration) <-chan time.Time {
	timer := make(chan time.Time, 1)
	c.mu.Lock()
	c.timers = append(c.timers, timer)
	c.mu.Unlock()
	c.asked <- struct{}{}
	return timer
}

func (c *clock) fire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, timer := range c.timers {
		timer <- time.Time{}
	}
}

func TestFloodRunsNoMoreHashesThanTheCap(t *testing.T) { // A3
	b, c := newBlocking(), &clock{asked: make(chan struct{}, 1000)}
	h := hasher(t, password.Default, password.GateOptions{Cores: 3, MemoryBudget: 1 << 30, After: c.after}, b.hash)
	errs := make(chan error, 200)
	for range 200 {
		go func() { errs <- h.VerifyDummy(context.Background(), "wrong") }()
	}
	for range 3 {
		<-b.entered
	}
	for range 64 {
		<-c.asked
	}
	for range 200 - 3 - 64 {
		if err := <-errs; !errors.Is(err, password.ErrBusy) {
			t.Fatalf("beyond the queue: %v", err)
		}
	}
	c.fire()
	for range 64 {
		if err := <-errs; !errors.Is(err, password.ErrBusy) {
			t.Fatalf("waited too long: %v", err)
		}
	}
	if got := b.total.Load(); got != 3 {
		t.Errorf("%d hashes ran, want 3: none for the surplus", got)
	}

	close(b.release)
	for range 3 {
		if err := <-errs; err != nil {
			t.Errorf("let through: %v", err)
		}
	}
}

func TestMemoryBudgetBoundsTheCap(t *testing.T) { // A3
	b, c := newBlocking(), &clock{asked: make(chan struct{}, 100)}
	budget := 3 * int64(password.Default.MemoryKiB) << 10
	h := hasher(t, password.Default, password.GateOptions{Cores: 64, MemoryBudget: budget, After: c.after}, b.hash)
	errs := make(chan error, 10)
	for range 10 {
		go func() { errs <- h.VerifyDummy(context.Background(), "wrong") }()
	}
	for range 8 {
		<-c.asked
	}

	if got := b.total.Load(); got > 2 {
		t.Errorf("%d hashes at once; the budget holds 3, one of them reserved", got)
	}
	close(b.release)
	for range 10 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if got := b.peak.Load(); got != 2 {
		t.Errorf("peak %d, want 2", got)
	}
}

func TestPermitStaysWithTheWorkWhenClientsLeave(t *testing.T) { // A4
	b, c := newBlocking(), &clock{asked: make(chan struct{}, 100)}
	h := hasher(t, password.Default, password.GateOptions{Cores: 1, After: c.after}, b.hash)
	for range 20 {
		ctx, leave := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- h.VerifyDummy(ctx, "wrong") }()
		select {
		case <-b.entered:
		case <-c.asked:
		}
		leave()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Fatalf("left: %v", err)
		}
	}

	if running, total := b.running.Load(), b.total.Load(); running != 1 || total != 1 {
		t.Errorf("%d hashes run, %d were begun; want 1 and 1", running, total)
	}
	close(b.release)
	if err := h.VerifyDummy(context.Background(), "wrong"); err != nil {
		t.Errorf("the permit never came back: %v", err)
	}
}

func TestLoginFloodLeavesRoomToSetAPassword(t *testing.T) { // A3, section 4.2
	b, c := newBlocking(), &clock{asked: make(chan struct{}, 200)}
	h := hasher(t, password.Default, password.GateOptions{Cores: 1, Queue: 5, After: c.after}, b.hash)
	logins := make(chan error, 6)
	for range 6 {
		go func() { logins <- h.VerifyDummy(context.Background(), "wrong") }()
	}
	<-b.entered
	for range 5 {
		<-c.asked
	}

	set := make(chan error)
	go func() {
		_, err := h.Hash(context.Background(), "a new password")
		set <- err
	}()
	<-b.entered // the second hash runs although the one permit is taken and the queue is full

	close(b.release)
	if err := <-set; err != nil {
		t.Errorf("setting: %v", err)
	}
	for range 6 {
		if err := <-logins; err != nil {
			t.Error(err)
		}
	}
}

func TestUnknownUsersCostTheSame(t *testing.T) { // A6
	memory := password.Params{MemoryKiB: password.Default.MemoryKiB, Threads: password.Default.Threads} // and no passes
	var seen []password.Params
	h := hasher(t, password.Default, password.GateOptions{}, func(_, salt []byte, p password.Params, n uint32) []byte {
		seen = append(seen, p)
		return argon2.IDKey(nil, salt, 1, 8, 1, n)
	})
	phc := hash(t, h, "known")
	seen = nil

	_, _, knownErr := h.Verify(t.Context(), phc, "wrong")
	unknownErr := h.VerifyDummy(t.Context(), "wrong")

	if knownErr != nil || unknownErr != nil || !slices.Equal(seen, []password.Params{password.Default, memory, password.Default, memory}) {
		t.Errorf("hashes %v, errors %v, %v", seen, knownErr, unknownErr)
	}
}

// A3: what all hashes under way hold together, with the one that is kept for setting passwords, is within the budget.
func TestMostMemoryIsThatOfAllPermits(t *testing.T) {
	for name, c := range map[string]struct {
		options password.GateOptions
		want    int64
	}{
		"cores":  {password.GateOptions{Cores: 3, Memory: 20 << 20}, 80 << 20},
		"budget": {password.GateOptions{Cores: 64, Memory: 20 << 20, MemoryBudget: 100 << 20}, 100 << 20},
	} {
		if got := c.options.MostMemory(); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func FuzzVerifyNeverExecutesStrangeHashes(f *testing.F) {
	h, err := password.NewHasher(cheap, password.GateOptions{}, func(_, _ []byte, p password.Params, n uint32) []byte {
		if p.MemoryKiB > 128*1024 || p.MemoryKiB < 7*1024 || p.Time > 10 || p.Threads > 4 || n > 64 {
			panic("executed out of bounds")
		}
		return make([]byte, n)
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "x")
	f.Fuzz(func(t *testing.T, phc, text string) {
		_, _, _ = h.Verify(context.Background(), phc, text)
		(password.Policy{}).Check(text, phc)
	})
}

func BenchmarkDefault(b *testing.B) {
	h := hasher(b, password.Default, password.GateOptions{}, nil)
	for b.Loop() {
		_ = h.VerifyDummy(context.Background(), "wrong")
	}
	runtime.KeepAlive(h)
}
