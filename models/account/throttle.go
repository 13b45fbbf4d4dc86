package account

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Limits of business flows (L7) and of guessing (A5). Each counts within a window that begins with its first use.
const (
	signInPerAccount = 5 // by the owner's known browser, in one session, or at one account from one network
	signInPerNetwork = 60
	signInAll        = 3000
	signInWindow     = 15 * time.Minute

	// Strangers at one account, from all networks together. The more of them fail, the fewer each network has; there is always something left for a network that did
	// not try yet, so that whoever guesses from elsewhere doesn't lock the owner out (A7), until so many failed that guessing could pay.
	strangersMany   = 20
	strangersMore   = 100
	strangersMost   = 1000
	perNetworkMany  = 3
	perNetworkMore  = 2
	strangersPerNet = 20 // from one IPv6 /48, in which networks cost nothing

	signUpPerNetwork = 60
	mailsPerAddress  = 6
	flowWindow       = time.Hour

	codesPerAddress = 30
	codesWindow     = 24 * time.Hour
)

// Take counts one use of bucket and reports whether it is within limit; if not, after how long the window ends. The count is taken before
// whatever it guards is done, so that parallel tries can't overtake it (A5). It is kept in the database and holds for all replicas. What bucket
// names is not kept readable.
func (s *Store) Take(ctx context.Context, bucket string, limit int, window time.Duration) (ok bool, retryAfter time.Duration, err error) {
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		ok, retryAfter, err = take(tx, bucket, limit, window)
		return err
	})
	return ok, retryAfter, err
}

// TakeTx is Store.Take as part of a transaction: what is counted is not when the transaction fails. Take several in one order everywhere, since
// each stays locked until the transaction ends.
func TakeTx(tx *db.Tx, bucket string, limit int, window time.Duration) (bool, error) {
	ok, _, err := take(tx, bucket, limit, window)
	return ok, err
}

// TakeManyTx is TakeTx of so many uses at once: all of them or none. n is at most limit.
func TakeManyTx(tx *db.Tx, bucket string, n, limit int, window time.Duration) (bool, error) {
	ok, _, err := takeMany(tx, bucket, n, limit, window)
	return ok, err
}

func take(tx *db.Tx, bucket string, limit int, window time.Duration) (bool, time.Duration, error) {
	return takeMany(tx, bucket, 1, limit, window)
}

func takeMany(tx *db.Tx, bucket string, n, limit int, window time.Duration) (bool, time.Duration, error) {
	_, ok, after, err := takeCount(tx, bucket, n, limit, window)
	return ok, after, err
}

// takeCount is takeMany that tells how many are taken by now; without meaning when it is not ok.
func takeCount(tx *db.Tx, bucket string, n, limit int, window time.Duration) (count int64, ok bool, after time.Duration, err error) {
	var taken []int64
	err = tx.Raw(`INSERT INTO throttles (bucket, taken, resets_at) VALUES (?, ?, ?)
		ON CONFLICT (bucket) DO UPDATE SET
			taken = CASE WHEN throttles.resets_at <= ? THEN excluded.taken ELSE throttles.taken + excluded.taken END,
			resets_at = CASE WHEN throttles.resets_at <= ? THEN excluded.resets_at ELSE throttles.resets_at END
		WHERE throttles.resets_at <= ? OR throttles.taken + excluded.taken <= ?
		RETURNING taken`, bucketKey(bucket), n, tx.Now.Add(window), tx.Now, tx.Now, tx.Now, limit).Scan(&taken).Error
	if err != nil {
		return 0, false, 0, err
	}
	if len(taken) > 0 {
		return taken[0], true, 0, nil
	}
	var until []time.Time
	if err := tx.Raw("SELECT resets_at FROM throttles WHERE bucket = ?", bucketKey(bucket)).Scan(&until).Error; err != nil || len(until) == 0 {
		return 0, false, window, err
	}
	return 0, false, until[0].Sub(tx.Now), nil
}

// Release gives back what Take took, after a use that need not count: a sign-in that succeeded.
func (s *Store) Release(ctx context.Context, buckets ...string) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error { return release(tx, buckets...) })
}

func release(tx *db.Tx, buckets ...string) error {
	for _, b := range buckets {
		if _, err := tx.Run("UPDATE throttles SET taken = taken - 1 WHERE bucket = ? AND taken > 0", bucketKey(b)); err != nil {
			return err
		}
	}
	return nil
}

// forget empties counters.
func forget(tx *db.Tx, buckets ...string) error {
	for _, b := range buckets {
		if _, err := tx.Run("DELETE FROM throttles WHERE bucket = ?", bucketKey(b)); err != nil {
			return err
		}
	}
	return nil
}

// allow is Take that answers with a fault.
func (s *Store) allow(ctx context.Context, bucket string, limit int, window time.Duration) error {
	ok, after, err := s.Take(ctx, bucket, limit, window)
	if err != nil || ok {
		return err
	}
	return tooOften(after)
}

func tooOften(after time.Duration) error {
	return fault.Later(after, text.N("That was tried too often. Wait %d minutes, then try again."), int((after+time.Minute-1)/time.Minute))
}

func bucketKey(bucket string) string {
	sum := sha256.Sum256([]byte(bucket))
	return hex.EncodeToString(sum[:])
}

// network is whom a limit by address counts: one IPv4 address, or an IPv6 /64, which is what one customer gets.
func network(a actor.Actor) string {
	addr := a.Address.Unmap().WithZone("")
	if !addr.IsValid() {
		return "unknown"
	}
	if addr.Is4() {
		return addr.String()
	}
	return netip.PrefixFrom(addr, 64).Masked().String()
}

// NetworkOf is whom the limits by address of the packages beside this one count, as its own do: one IPv4 address, or an IPv6 /64. What pages and usage keep
// (actor.Actor.Network) is wider, and would have neighbours use up each other's.
func NetworkOf(a actor.Actor) string { return network(a) }

// wideNetwork is the IPv6 /48 of who asks, which is what one site gets, with 65,536 networks in it; "" of all others.
func wideNetwork(a actor.Actor) string {
	addr := a.Address.Unmap().WithZone("")
	if !addr.Is6() {
		return ""
	}
	return netip.PrefixFrom(addr, 48).Masked().String()
}
