package api

import (
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// expiry is when a key ends: one of the three, or nothing for the policy's default.
type expiry struct {
	InDays *int    `json:"expires_in_days"`
	On     *string `json:"expires_on"`
	Never  *bool   `json:"never_expires"`
}

func (e expiry) read() (key.Expiry, error) {
	var out key.Expiry
	said := 0
	if e.InDays != nil {
		said++
		out.Days = *e.InDays
	}
	if e.On != nil {
		said++
		out.Date = *e.On
	}
	if e.Never != nil && *e.Never {
		said++
		out.Never = true
	}
	if said > 1 {
		return out, fault.BadField("expires", "Say it one way: expires_in_days, expires_on or never_expires.")
	}
	return out, nil
}

type newKey struct {
	expiry
	AppID       string            `json:"app_id"`
	Name        string            `json:"name"`
	Environment string            `json:"environment"`
	Grants      []grant           `json:"grants"`
	Networks    []string          `json:"networks"`
	Origins     []string          `json:"origins"`
	Rate        *rate             `json:"rate"`
	Metadata    map[string]string `json:"metadata"`
}

func (in newKey) request(c *call) (key.CreateRequest, error) {
	app, err := db.ParseID("app", in.AppID)
	if err != nil {
		return key.CreateRequest{}, fault.BadField("app_id", "This is no id of an app.")
	}
	r := key.CreateRequest{AppID: app, Name: in.Name, Environment: in.Environment}
	if r.Environment == "" {
		r.Environment = c.actor.Environment
	}
	for _, g := range in.Grants {
		r.Pairs = append(r.Pairs, g.pair())
	}
	if r.Expiry, err = in.read(); err != nil {
		return r, err
	}
	own := key.Rate{}
	if in.Rate != nil {
		own = key.Rate{Requests: in.Rate.Requests, Period: in.Rate.PeriodSeconds}
	}
	r.Bounds, err = key.BoundsFormOf(in.Networks, in.Origins, own, in.Metadata)
	return r, err
}

// madeKey is a key with its secret, which is in this answer alone.
type madeKey struct {
	Key      shownKey `json:"key"`
	Secret   *string  `json:"secret"`
	Replayed bool     `json:"replayed"`
}

func (h *Handler) createKey(c *call) (answer, error) {
	var in newKey
	if err := c.body(&in); err != nil {
		return answer{}, err
	}
	r, err := in.request(c)
	if err != nil {
		return answer{}, err
	}
	made, err := h.Key.Create(web.Ctx(c), c.actor, r)
	if err != nil {
		return answer{}, err
	}
	return h.made(c, made)
}

// made answers with a key that was made. What is kept for repeats is without the secret (K1).
func (h *Handler) made(c *call, m key.Made) (answer, error) {
	shown, at, err := h.readKey(c, m.Key.ID)
	if err != nil {
		return done(answer{}, err)
	}
	secret := m.Secret.Reveal()
	return answer{body: madeKey{Key: shown, Secret: &secret}, kept: madeKey{Key: shown, Replayed: true}, etag: etag(at)}, nil
}

type rotationInput struct {
	expiry
	OverlapDays int `json:"overlap_days"`
}

func (h *Handler) rotateKey(c *call) (answer, error) {
	var in rotationInput
	id, err := c.id(key.IDPrefix, "key")
	if err == nil {
		err = c.body(&in)
	}
	if err != nil {
		return answer{}, err
	}
	r := key.RotateRequest{OverlapDays: in.OverlapDays}
	if r.Expiry, err = in.read(); err != nil {
		return answer{}, err
	}
	made, err := h.Key.Rotate(web.Ctx(c), c.actor, id, r)
	if err != nil {
		return answer{}, err
	}
	return h.made(c, made)
}
