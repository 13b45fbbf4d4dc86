// Package keyring is the in-memory picture that verification decides from.
//
// It keeps facts, never decisions: what is known of a key, of its app, its
// organization and its grants, and of the APIs. Each decision is computed from
// facts and request by Decide, which is pure but for the limiter; so no two
// requests can share an answer (CVE-2021-32701 and its kin).
//
// Ring keeps facts by digest, in front of a Loader that reads the database. The
// warm path takes no lock and allocates nothing. Changes from the change feed
// make facts stale at once; a Ring that has not heard from the feed for StaleMax
// answers ErrUnavailable rather than something old.
//
// Times are int64 nanoseconds since 1970; 0 means not set.
package keyring

import (
	"encoding/json"
	"math"

	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
)

// ID is a UUID in its binary form.
type ID [16]byte

// Digest is the keyed digest of a key's text; see internal/apikey.
type Digest [32]byte

// Forever, as the time until which something is suspended, means that only a
// person ends it.
const Forever int64 = math.MaxInt64

// Environment is where a key may be used, and what a request asks for.
type Environment uint8

// Any stands only in requests, never in facts.
const (
	Live Environment = iota + 1
	Test
	Any
)

// String returns live, test, any or "".
func (e Environment) String() string {
	switch e {
	case Live:
		return "live"
	case Test:
		return "test"
	case Any:
		return "any"
	}
	return ""
}

// ParseEnvironment is the inverse of String; ok is false for any other text.
func ParseEnvironment(text string) (e Environment, ok bool) {
	for _, e := range []Environment{Live, Test, Any} {
		if e.String() == text {
			return e, true
		}
	}
	return 0, false
}

// Facts is what is known of one key. It and all that it points to are immutable
// once a Loader has returned it; keys share what is equal. App and its Org are
// never nil.
type Facts struct {
	ID   ID
	Name string
	App  *App
	// Reach is what the key may reach: its grants within its app's access.
	Reach *Reach
	// Extra is what most keys don't have; nil then.
	Extra *Extra

	RevokedAt   int64
	ExpiresAt   int64
	Environment Environment // Live or Test
	Paused      bool
}

// App is what a key needs to know of its app.
type App struct {
	ID             ID
	Name           string
	Org            *Org
	SuspendedUntil int64
	Deleted        bool
}

// Org is what a key needs to know of its organization.
type Org struct {
	ID             ID
	Name           string
	SuspendedUntil int64
	Deleted        bool

	// User is whose personal organization it is; the zero ID for others.
	User               ID
	UserSuspendedUntil int64
	UserDeleted        bool
}

// Reach is the data domain of a key and its grants, one for each API.
type Reach struct {
	Domain string
	Grants []Grant
}

// Grant is what a key may do at one API. It stays, with no scopes, when nothing is
// left of it: a change of its access or API can then still be told to concern the key.
type Grant struct {
	Access *Access
	// Scopes are those granted to the key that are still in the access and not
	// withdrawn, as the Loader found them; sorted.
	Scopes []string
}

// AccessState says whether an access holds.
type AccessState uint8

// An access that was never approved is no access and has no grant.
const (
	AccessActive AccessState = iota + 1
	AccessSuspended
	AccessEnded
)

// Access is an app's leave to use an API.
type Access struct {
	ID             ID
	API            ID
	Publisher      ID // the organization that publishes the API
	State          AccessState
	SuspendedUntil int64 // for AccessSuspended; 0 is as Forever
	Limit          ratelimit.Limit
	Quota          int64 // calls a UTC month; 0 is none
	QuotaDay       int64 // calls a UTC day; 0 is none
}

// Extra is what only some keys have.
type Extra struct {
	Networks   Networks // when any, the caller's address must be in one
	Origins    Origins  // when any, the request's origin must be one
	Limit      ratelimit.Limit
	Metadata   json.RawMessage
	OverlapEnd int64 // when a rotated key stops by itself

	SuspendedUntil int64
}

// extra spares readers the nil check.
func (f *Facts) extra() *Extra {
	if f.Extra == nil {
		return &noExtra
	}
	return f.Extra
}

var noExtra Extra

// End returns when the key stops by itself: its expiry or the end of its
// overlap, whichever comes first; 0 for never.
func (f *Facts) End() int64 {
	end := f.ExpiresAt
	if o := f.extra().OverlapEnd; o != 0 && (end == 0 || o < end) {
		end = o
	}
	return end
}
