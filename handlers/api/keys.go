package api

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

type grant struct {
	API   string `json:"api"`
	Scope string `json:"scope"`
}

func (g grant) pair() key.Pair { return key.Pair{API: g.API, Scope: g.Scope} }

type heldGrant struct {
	grant
	Standing   string     `json:"standing"`
	LastUsedAt *time.Time `json:"last_used_at"`
}

type rate struct {
	Requests      int `json:"requests"`
	PeriodSeconds int `json:"period_seconds"`
}

// shownKey is a key as the API shows it.
type shownKey struct {
	ID            string            `json:"id"`
	AppID         string            `json:"app_id"`
	Name          string            `json:"name"`
	Environment   string            `json:"environment"`
	Hint          string            `json:"hint"`
	State         string            `json:"state"`
	DataDomain    string            `json:"data_domain"`
	Grants        []heldGrant       `json:"grants"`
	Networks      []string          `json:"networks"`
	Origins       []string          `json:"origins"`
	Rate          *rate             `json:"rate"`
	Metadata      map[string]string `json:"metadata"`
	ExpiresAt     *time.Time        `json:"expires_at"`
	EndsAt        *time.Time        `json:"ends_at"`
	RevokedAt     *time.Time        `json:"revoked_at"`
	RevokedReason string            `json:"revoked_reason"`
	RotatedFrom   *string           `json:"rotated_from"`
	Successor     *string           `json:"successor"`
	LastUsedAt    *time.Time        `json:"last_used_at"`
	CreatedAt     time.Time         `json:"created_at"`
	UpdatedAt     time.Time         `json:"updated_at"`
}

// stateNames are the states that the API calls by another name than the pages' addresses do.
var stateNames = map[key.StateName]string{key.ExpiringNow: "expiring"}

func stateName(s key.StateName) string {
	if name, ok := stateNames[s]; ok {
		return name
	}
	return string(s)
}

func stateOf(name string) string {
	for s, other := range stateNames {
		if other == name {
			return string(s)
		}
	}
	return name
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

func idOf(id *db.ID, prefix string) *string {
	if id == nil || id.IsZero() {
		return nil
	}
	text := id.Show(prefix)
	return &text
}

func (h *Handler) key(r key.Row, b key.Bounds) shownKey {
	out := shownKey{
		ID: r.ID.Show(key.IDPrefix), AppID: r.AppID.Show("app"), Name: r.Name, Environment: r.Environment, Hint: r.Hint(), State: stateName(r.State(h.Now()).Name),
		DataDomain: r.DataDomain, Grants: []heldGrant{}, Networks: b.NetworkTexts(), Origins: b.Origins, Metadata: b.MetadataMap(),
		ExpiresAt: utc(r.ExpiresAt), EndsAt: utc(r.EndsAt()), RevokedAt: utc(r.RevokedAt), RevokedReason: r.RevokedReason, RotatedFrom: idOf(r.RotatedFrom, key.IDPrefix),
		LastUsedAt: utc(r.LastUsedAt), CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
	for _, g := range r.Grants {
		out.Grants = append(out.Grants, heldGrant{grant{g.API, g.Scope}, string(g.Standing(h.Now())), utc(g.LastUsedAt)})
	}
	if out.Networks == nil {
		out.Networks = []string{}
	}
	if out.Origins == nil {
		out.Origins = []string{}
	}
	if !b.Rate.None() {
		out.Rate = &rate{b.Rate.Requests, b.Rate.Period}
	}
	return out
}

func (h *Handler) listKeys(c *call) (answer, error) {
	app, err := c.id("app", "app")
	if err != nil {
		return answer{}, err
	}
	f := key.Filter{Query: c.params["q"], AppID: app, Scope: c.params["scope"], API: c.params["api"], State: stateOf(c.params["state"])}
	p, err := h.Key.List(web.Ctx(c), c.actor, f, c.page())
	if err != nil {
		return answer{}, err
	}
	bounds, err := h.Key.BoundsOf(web.Ctx(c), p.Rows)
	return pageOf(p, func(r key.Row) shownKey { return h.key(r, bounds[r.ID]) }), err
}

func (h *Handler) getKey(c *call) (answer, error) {
	id, err := c.id(key.IDPrefix, "key")
	if err != nil {
		return answer{}, err
	}
	return h.oneKey(c, id)
}

func (h *Handler) oneKey(c *call, id db.ID) (answer, error) {
	shown, at, err := h.readKey(c, id)
	return answer{body: shown, etag: etag(at)}, err
}

func (h *Handler) readKey(c *call, id db.ID) (shownKey, time.Time, error) {
	d, err := h.Key.Get(web.Ctx(c), c.actor, id)
	if err != nil {
		return shownKey{}, time.Time{}, err
	}
	out := h.key(d.Row, d.Bounds)
	if d.Successor != nil {
		out.Successor = idOf(&d.Successor.ID, key.IDPrefix)
	}
	return out, d.UpdatedAt, nil
}

// onKey is an operation that does something to the key of the path and answers with it.
func (h *Handler) onKey(c *call, act func(ctx context.Context, id db.ID) error) (answer, error) {
	id, err := c.id(key.IDPrefix, "key")
	if err != nil {
		return answer{}, err
	}
	if err := act(web.Ctx(c), id); err != nil {
		return answer{}, err
	}
	return done(h.oneKey(c, id))
}
