// Package password turns passwords into argon2id strings and checks them, within
// bounds of memory, of parameters and of waiting.
//
// Hashes are PHC strings, $argon2id$v=19$m=19456,t=2,p=1$salt$key (RFC 9106; the
// default is OWASP's least). Passwords are brought to Unicode NFC when set and
// when verified, and not changed otherwise. What the database keeps should be
// the PHC string sealed with internal/secret, the user's id as record.
package password

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// Params are the cost of one hash.
type Params struct {
	MemoryKiB uint32
	Time      uint32
	Threads   uint8
}

// Default is what new passwords are hashed with: 19 MiB, two passes, one lane;
// about 30 ms of one core.
var Default = Params{MemoryKiB: 19 * 1024, Time: 2, Threads: 1}

// What a stored hash may ask for. Below the floor it would protect nothing;
// above the ceiling whoever can write the database could exhaust the machine.
var (
	floor   = Params{MemoryKiB: 7 * 1024, Time: 1, Threads: 1}
	ceiling = Params{MemoryKiB: 128 * 1024, Time: 10, Threads: 4}
)

const (
	saltLen     = 16
	keyLen      = 32
	argonID     = "argon2id"
	argonScheme = "v=19"
	maxPHC      = 256
)

// ErrParams is returned for a hash that is not an argon2id PHC string or asks
// for less than the floor or more than the ceiling. It is never executed.
var ErrParams = errors.New("password: hash parameters out of bounds")

type phc struct {
	params Params
	salt   []byte
	key    []byte
}

func newSalt() []byte {
	salt := make([]byte, saltLen)
	_, _ = rand.Read(salt) // never fails since Go 1.24
	return salt
}

func (p Params) within() bool {
	return p.MemoryKiB >= floor.MemoryKiB && p.MemoryKiB <= ceiling.MemoryKiB &&
		p.Time >= floor.Time && p.Time <= ceiling.Time &&
		p.Threads >= floor.Threads && p.Threads <= ceiling.Threads
}

func (p Params) weakerThan(q Params) bool {
	return p.MemoryKiB < q.MemoryKiB || p.Time < q.Time || p.Threads != q.Threads
}

func (h phc) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$%s$%s$m=%d,t=%d,p=%d$%s$%s", argonID, argonScheme,
		h.params.MemoryKiB, h.params.Time, h.params.Threads, b64.EncodeToString(h.salt), b64.EncodeToString(h.key))
}

func parsePHC(text string) (phc, error) {
	part := strings.Split(text, "$")
	if len(text) > maxPHC || len(part) != 6 || part[0] != "" || part[1] != argonID || part[2] != argonScheme {
		return phc{}, ErrParams
	}
	var h phc
	_, err := fmt.Sscanf(part[3], "m=%d,t=%d,p=%d", &h.params.MemoryKiB, &h.params.Time, &h.params.Threads)
	if err != nil || !h.params.within() {
		return phc{}, ErrParams
	}
	b64 := base64.RawStdEncoding.Strict()
	if h.salt, err = b64.DecodeString(part[4]); err != nil || len(h.salt) < 8 || len(h.salt) > 64 {
		return phc{}, ErrParams
	}
	if h.key, err = b64.DecodeString(part[5]); err != nil || len(h.key) < 16 || len(h.key) > 64 {
		return phc{}, ErrParams
	}
	// Sscanf is lenient about what follows; only the one way to write it is taken.
	if h.String() != text {
		return phc{}, ErrParams
	}
	return h, nil
}
