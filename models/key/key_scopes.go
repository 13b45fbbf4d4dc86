package key

import (
	"context"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// UnusedAfter is how long a scope must lie unused until it can be taken away by one button.
const UnusedAfter = 30 * 24 * time.Hour

// Unused reports whether the grant is as old as UnusedAfter and was not used for as long.
func (g Grant) Unused(now time.Time) bool {
	long, since := now.Add(-UnusedAfter), g.KeyCreatedAt
	if g.GrantedAt != nil {
		since = *g.GrantedAt
	}
	return !since.After(long) && (g.LastUsedAt == nil || !g.LastUsedAt.After(long))
}

// Takable are the grants of the key that can be taken away now: those unused for long, while another stays that counts.
func (r Row) Takable(now time.Time) []Grant {
	if !r.Living(now) {
		return nil
	}
	var out []Grant
	for _, g := range r.Grants {
		if g.Unused(now) && r.holdsOther(g, now) {
			out = append(out, g)
		}
	}
	return out
}

// holdsOther reports whether something that counts is left without g.
func (r Row) holdsOther(g Grant, now time.Time) bool {
	return slices.ContainsFunc(r.Grants, func(other Grant) bool { return other.ScopeID != g.ScopeID && other.Standing(now) == GrantHolds })
}

// TakenScope is a scope that was taken away from a key. Back says that it can be given back: the app's access still carries it.
type TakenScope struct {
	API      string
	APIName  string
	Scope    string
	Sentence string
	TakenAt  time.Time
	Back     bool `gorm:"-"`
}

// Pair is what was granted.
func (t TakenScope) Pair() Pair { return Pair{t.API, t.Scope} }

// taken fills what was taken away from a key.
func (s *Store) taken(g *gorm.DB, d *Detail) error {
	err := g.Raw(`SELECT p.slug AS api, p.name AS api_name, s.name AS scope, s.sentence, t.taken_at FROM key_grants_taken t
		JOIN scopes s ON s.id = t.scope_id JOIN apis p ON p.id = s.api_id WHERE t.key_id = ? ORDER BY p.slug, s.name`, d.ID).Scan(&d.Taken).Error
	if err != nil || len(d.Taken) == 0 {
		return err
	}
	offered, err := choices(g, d.AppID)
	for i, t := range d.Taken {
		d.Taken[i].Back = slices.ContainsFunc(offered, func(c Choice) bool { return c.Pair() == t.Pair() })
	}
	return err
}

// TakeScope takes a scope away from a key that has not used it for UnusedAfter; the next call is judged without it. GiveScopeBack undoes
// it. Taking what the key does not hold does nothing. Faults: NotFound, Forbidden, Conflict when the key is over, the scope was used or granted
// lately, or nothing that counts would be left.
func (s *Store) TakeScope(ctx context.Context, a actor.Actor, id db.ID, p Pair) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		r, err := forMember(tx, a, id)
		if err != nil {
			return err
		}
		if err := final(r, tx); err != nil {
			return err
		}
		rows := []Row{r}
		if err := withGrants(tx.DB, rows); err != nil {
			return err
		}
		i := slices.IndexFunc(rows[0].Grants, func(g Grant) bool { return g.API == p.API && g.Scope == p.Scope })
		if i < 0 {
			return nil
		}
		g := rows[0].Grants[i]
		switch {
		case !g.Unused(tx.Now):
			return fault.New(fault.Conflict, "This scope was used or granted in the last 30 days. Only what lies unused for longer is taken away.")
		case !rows[0].holdsOther(g, tx.Now):
			return fault.New(fault.Conflict, "This is the last scope of the key. Revoke the key instead.")
		}
		record(tx, a, audit.KeyScopeTaken, r, map[string]string{"api": p.API, "scope": p.Scope})
		if _, err := tx.Run("DELETE FROM key_grants WHERE key_id = ? AND scope_id = ?", id, g.ScopeID); err != nil {
			return err
		}
		if _, err := tx.Run("UPDATE keys SET updated_at = ? WHERE id = ?", tx.Now, id); err != nil {
			return err
		}
		_, err = tx.Run("INSERT INTO key_grants_taken (key_id, scope_id, taken_at) VALUES (?, ?, ?) ON CONFLICT (key_id, scope_id) DO UPDATE SET taken_at = excluded.taken_at", id, g.ScopeID, tx.Now)
		return err
	})
}

// GiveScopeBack undoes TakeScope, as long as the app's access carries the scope; the key's people are mailed. Giving back what was not taken
// does nothing. The caller has seen to it that the actor entered their password just now. Faults: NotFound, Forbidden, Conflict when the
// key is over or the access does not carry the scope any more.
func (s *Store) GiveScopeBack(ctx context.Context, a actor.Actor, id db.ID, p Pair) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		r, err := forMember(tx, a, id)
		if err != nil {
			return err
		}
		if err := final(r, tx); err != nil {
			return err
		}
		offered, err := choices(tx.DB, r.AppID)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(offered, func(c Choice) bool { return c.Pair() == p })
		if i < 0 {
			return fault.New(fault.Conflict, "The app’s access no longer carries this scope.")
		}
		c := offered[i]
		if err := touchesWithin(tx, a, r, []Choice{c}, nil); err != nil {
			return err
		}
		n, err := tx.Run("DELETE FROM key_grants_taken WHERE key_id = ? AND scope_id = ?", id, c.ScopeID)
		if err != nil || n == 0 {
			return err
		}
		record(tx, a, audit.KeyScopeGiven, r, map[string]string{"api": p.API, "scope": p.Scope})
		if err := s.tellWidened(tx, r, []outbox.Line{outbox.L("It holds %[1]s of %[2]s again.", c.Scope, c.APIName)}); err != nil {
			return err
		}
		if _, err := tx.Run("UPDATE keys SET updated_at = ? WHERE id = ?", tx.Now, id); err != nil {
			return err
		}
		_, err = tx.Run("INSERT INTO key_grants (key_id, api_id, scope_id, granted_at) VALUES (?, ?, ?, ?)", id, c.APIID, c.ScopeID, tx.Now)
		return err
	})
}
