package keyring_test

import (
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
)

func TestKeyThatAsksAboutOthersIsSeenToBeInUse(t *testing.T) {
	u, asker, client, a := keyring.NewUsage(0), numbered(1), numbered(2), compiled(t, api())
	req := keyring.Request{Scopes: []string{"orders:read"}}
	d := keyring.Decide(t.Context(), start, client, a, &req, keyring.Limits{})
	later := start.Add(5 * time.Minute)
	u.Asked(start, asker, a, "keys:verify")
	nothing := u.Drain() // is not stored
	u.Asked(start.Add(time.Second), asker, a, "keys:verify")
	u.Asked(later, asker, a, "keys:verify")
	u.Count(later, client, a, &req, &d)

	b := u.Drain()

	use := keyring.ScopeUse{Key: asker.ID, API: a.ID, Scope: "keys:verify"}
	if len(nothing.Keys) != 0 || !b.Keys[asker.ID].Equal(later) || !b.Scopes[use].Equal(later) || len(b.Counts) != 1 {
		t.Errorf("%+v; then %+v", nothing, b)
	}
	u.Count(later, client, a, &req, &d)
	if again := u.Drain(); len(again.Keys) != 1 {
		t.Errorf("told twice: %+v", again)
	}
	if n := testing.AllocsPerRun(100, func() { u.Asked(later, asker, a, "keys:verify") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
