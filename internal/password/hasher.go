package password

import (
	"context"
	"crypto/subtle"
	"runtime"
	"sync/atomic"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// maxBytes bounds what is normalised and hashed: the longest password of the
// policy, every code point at its longest and decomposed.
const maxBytes = 4096

// HashFunc is argon2id's signature. Tests give one that counts instead.
type HashFunc func(password, salt []byte, p Params, keyLen uint32) []byte

// Hasher makes and checks hashes, at most as many at once as its gate allows.
// It is safe for concurrent use.
type Hasher struct {
	gate  *gate
	hash  HashFunc
	today atomic.Pointer[cost]
}

// NewHasher returns a Hasher that hashes new passwords with params, or ErrParams.
// A nil hash means argon2id.
func NewHasher(params Params, options GateOptions, hash HashFunc) (*Hasher, error) {
	if !params.within() {
		return nil, ErrParams
	}
	if hash == nil {
		hash = Argon2id
	}
	if options.Memory == 0 {
		options.Memory = int64(params.MemoryKiB) << 10
	}
	h := &Hasher{gate: newGate(options), hash: hash}
	h.today.Store(newCost(params))
	return h, nil
}

// Argon2id is the HashFunc of every real Hasher (RFC 9106). No passes at all compute nothing, but take the memory as a hash does: what a further run costs besides its passes.
func Argon2id(password, salt []byte, p Params, keyLen uint32) []byte {
	if p.Time == 0 {
		takeMemory(p.MemoryKiB)
		return make([]byte, keyLen)
	}
	return argon2.IDKey(password, salt, p.Time, p.MemoryKiB, p.Threads, keyLen)
}

func takeMemory(kib uint32) {
	const line = 512 // of the processor's cache: each is written once, as the first pass writes it
	memory := make([]byte, int(kib)<<10)
	for i := 0; i < len(memory); i += line {
		memory[i] = 1
	}
	runtime.KeepAlive(memory)
}

// Hash returns the PHC string of a password that the policy took. It uses the
// share of the gate that is kept for setting passwords, and fails with ErrBusy
// or ctx's error.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	out := phc{params: h.Cost(), salt: newSalt()}
	input := normal(password)
	keys := make(chan []byte, 1)
	err := h.gate.run(ctx, true, func() { keys <- h.hash(input, out.salt, out.params, keyLen) })
	if err != nil {
		return "", err
	}
	out.key = <-keys
	return out.String(), nil
}

// Verify reports whether password is the one behind the PHC string, and, when it
// is, whether the string should be replaced by a new Hash because its parameters
// are weaker than today's. It fails with ErrParams (nothing was executed),
// ErrBusy or ctx's error; ok is false then.
func (h *Hasher) Verify(ctx context.Context, phcText, password string) (ok, needsRehash bool, err error) {
	stored, err := parsePHC(phcText)
	if err != nil {
		return false, false, err
	}
	ok, err = h.verify(ctx, stored, password)
	return ok, ok && stored.params.weakerThan(h.Cost()), err
}

// VerifyDummy costs what Verify costs, through the same gate, for an account
// that does not exist or may not sign in: nobody can tell the two apart by time
// or by load (A6). It fails as Verify does.
func (h *Hasher) VerifyDummy(ctx context.Context, password string) error {
	_, err := h.verify(ctx, h.today.Load().dummy, password)
	return err
}

// verify makes two runs for every account: that of its hash, and one of the passes that its parameters lack. Where they lack none the second takes only the memory, some 7 % of
// the time: else those whose hash is old would be told by it (A6).
func (h *Hasher) verify(ctx context.Context, stored phc, password string) (bool, error) {
	input := normal(password)
	keys := make(chan []byte, 1)
	today := h.today.Load()
	err := h.gate.run(ctx, false, func() {
		key := h.hash(input, stored.salt, stored.params, uint32(len(stored.key)))
		h.hash(input, stored.salt, Params{MemoryKiB: today.params.MemoryKiB, Time: today.missing(stored.params), Threads: today.params.Threads}, keyLen)
		keys <- key
	})
	if err != nil {
		return false, err
	}
	same := subtle.ConstantTimeCompare(<-keys, stored.key) == 1
	return same && len(password) <= maxBytes, nil
}

// normal returns password in NFC. One too long to have been set is hashed as if
// empty: the cost stays bounded and the same, and verify refuses it.
func normal(password string) []byte {
	if len(password) > maxBytes {
		return nil
	}
	return norm.NFC.Bytes([]byte(password))
}
