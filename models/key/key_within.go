package key

import (
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// BeyondCaller is the code of the faults by which a key is kept from making or changing one that can do more than itself.
const BeyondCaller = "BEYOND_CALLER"

// power is what a key can do: which scopes, from where, how fast, how long.
type power struct {
	id          db.ID
	scopes      []db.ID
	environment string
	bounds      Bounds
	endsAt      *time.Time
	expiresAt   *time.Time // endsAt without the end of an overlap
}

// powerOf reads what a key can do now: grants that don't count are left out.
func powerOf(g *gorm.DB, id db.ID, now time.Time) (power, error) {
	r, err := anyRow(g, id)
	if err != nil {
		return power{}, err
	}
	rows := []Row{r}
	if err := withGrants(g, rows); err != nil {
		return power{}, err
	}
	p := power{id: id, environment: r.Environment, endsAt: r.EndsAt(), expiresAt: r.ExpiresAt}
	for _, one := range rows[0].Grants {
		if one.Standing(now) == GrantHolds {
			p.scopes = append(p.scopes, one.ScopeID)
		}
	}
	p.bounds, err = boundsOf(g, id)
	return p, err
}

func beyond(sentence string, args ...any) error {
	err := fault.New(fault.Forbidden, sentence, args...)
	err.Code = BeyondCaller
	return err
}

// holds refuses scopes and bounds that go beyond the key's own. Fault: Forbidden with BeyondCaller.
func (p power) holds(scopes []Choice, b Bounds) error {
	for _, c := range scopes {
		if !slices.Contains(p.scopes, c.ScopeID) {
			return beyond("A key makes and changes only keys that can do no more than itself. The calling key does not hold %s of %s.", c.Scope, c.API)
		}
	}
	for _, what := range widened(p.bounds, b) {
		switch what {
		case widerNetworks:
			return beyond("A key makes and changes only keys that can do no more than itself. The calling key is bound to networks, and the other one would not be within them.")
		case widerOrigins:
			return beyond("A key makes and changes only keys that can do no more than itself. The calling key is bound to origins, and the other one would not be within them.")
		default:
			return beyond("A key makes and changes only keys that can do no more than itself. The calling key has a rate of its own, and the other one’s would be looser.")
		}
	}
	return nil
}

// makes refuses a new key that could do more than this one, and ends one whose end was not said with this one.
func (p power) makes(n *newKey) error {
	if n.environment != p.environment {
		return beyond("A key makes keys of its own environment only. The calling key is of %s.", p.environment)
	}
	scopes := n.scopes
	endsAt := p.endsAt
	if n.rotates == p.id { // its own grants it may keep, also those that don't count now; its overlap begins with this very rotation
		scopes, endsAt = nil, p.expiresAt
	}
	if err := p.holds(scopes, n.bounds); err != nil {
		return err
	}
	later := outlives(n.expiry.ExpiresAt, endsAt)
	switch {
	case later && n.endUnsaid:
		n.expiry.ExpiresAt = endsAt
	case later:
		return beyond("A key makes no key that outlives it. The calling key ends at %s.", endsAt.UTC().Format(time.RFC3339))
	}
	return nil
}

// outlives reports whether what ends at a ends after what ends at b; nil is never.
func outlives(a, b *time.Time) bool { return b != nil && (a == nil || a.After(*b)) }

// unsaid reports whether nobody chose an end, so that the policy's default holds.
func unsaid(e Expiry) bool { return !e.Never && e.Date == "" && e.Days == 0 }

// makesWithin holds a program to what its own key can do (KeyID of the actor), and a person to what their role can do by the management API.
func makesWithin(tx *db.Tx, a actor.Actor, n *newKey) error {
	if a.SignedIn() && n.app.Role != "" { // a gateway's key is made by staff, who have no role there
		return roleHolds(n.app.Role, n.scopes)
	}
	if !a.Program() {
		return nil
	}
	p, err := powerOf(tx.DB, a.KeyID, tx.Now)
	if err != nil {
		return err
	}
	return p.makes(n)
}

// touchesWithin is holdsWithin for what opens a key up until it ends: the key must not end after the calling one, or it could do more then.
func touchesWithin(tx *db.Tx, a actor.Actor, r Row, more []Choice, after *Bounds) error {
	if err := endsWithin(tx, a, r.EndsAt()); err != nil {
		return err
	}
	return holdsWithin(tx, a, r, more, after)
}

// endsWithin keeps a program from opening up a key that then ends at a moment after its own end. Nobody else is held to anything.
func endsWithin(tx *db.Tx, a actor.Actor, at *time.Time) error {
	if !a.Program() {
		return nil
	}
	caller, err := anyRow(tx.DB, a.KeyID)
	if err != nil {
		return err
	}
	if end := caller.EndsAt(); outlives(at, end) {
		return beyond("A key opens up no key that outlives it. The calling key ends at %s.", end.UTC().Format(time.RFC3339))
	}
	return nil
}

// holdsWithin keeps a program from handing out or opening up a key that can do more than its own: each scope that r holds, each of more,
// and the bounds as they will be (nil: as they are) must be within the calling key's. What only takes away (pause, revoke, taking a scope) is not
// asked here. Nobody else is held to anything.
func holdsWithin(tx *db.Tx, a actor.Actor, r Row, more []Choice, after *Bounds) error {
	if !a.Program() {
		return nil
	}
	p, err := powerOf(tx.DB, a.KeyID, tx.Now)
	if err != nil {
		return err
	}
	rows := []Row{r}
	if err := withGrants(tx.DB, rows); err != nil {
		return err
	}
	scopes := slices.Clone(more)
	for _, g := range rows[0].Grants {
		scopes = append(scopes, Choice{APIID: g.APIID, ScopeID: g.ScopeID, API: g.API, Scope: g.Scope})
	}
	if after == nil {
		now, err := boundsOf(tx.DB, r.ID)
		if err != nil {
			return err
		}
		after = &now
	}
	if r.ID == a.KeyID && len(more) == 0 { // its own grants it may keep, also those that don't count now
		scopes = nil
	}
	return p.holds(scopes, *after)
}

// portalNeeds is what a person must be allowed to do by hand to make a key that does it by the management API, in the name of the organization. A scope that is
// not named here needs nothing more than making keys.
var portalNeeds = map[string]permission.Name{
	"apps:read": permission.AppsRead, "apps:write": permission.AppsManage, "keys:read": permission.KeysRead, "keys:write": permission.KeysManageAll,
	"access:read": permission.AccessRead, "access:write": permission.AccessRequest, "usage:read": permission.UsageRead, "leaks:read": permission.KeysManageAll,
	"audit:read": permission.ActivityRead,
}

// roleHolds refuses scopes of the portal's own API that would let a key do more than the role of who makes it.
func roleHolds(role string, scopes []Choice) error {
	for _, c := range scopes {
		if needs, named := portalNeeds[c.Scope]; named && c.API == portalSlug && !permission.Org(role, needs) {
			return fault.BadField("grants", "A key with %s manages for the whole organization. Only an admin of the organization makes such a key.", c.Scope)
		}
	}
	return nil
}

// portalSlug is the slug of the portal's own API.
const portalSlug = "portal"
