package api

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// keyChange tells a rate that is null, which takes it away, from one that was left out.
type keyChange struct {
	Name     *string            `json:"name"`
	Networks *[]string          `json:"networks"`
	Origins  *[]string          `json:"origins"`
	Rate     json.RawMessage    `json:"rate"`
	Metadata *map[string]string `json:"metadata"`
	Ends     *string            `json:"expires_at"`
}

func (in keyChange) patch() (key.Patch, error) {
	p := key.Patch{Name: in.Name, Networks: in.Networks, Origins: in.Origins, Metadata: in.Metadata}
	if in.Ends != nil {
		at, err := time.Parse(time.RFC3339Nano, *in.Ends)
		if err != nil {
			return p, badMoment("/expires_at")
		}
		at = at.Truncate(time.Microsecond) // as the database keeps it
		p.EndsAt = &at
	}
	if len(in.Rate) == 0 {
		return p, nil
	}
	var r *rate
	if err := json.Unmarshal(in.Rate, &r); err != nil {
		return p, err
	}
	p.Rate = &key.Rate{}
	if r != nil {
		*p.Rate = key.Rate{Requests: r.Requests, Period: r.PeriodSeconds}
	}
	return p, nil
}

func (h *Handler) changeKey(c *call) (answer, error) {
	var in keyChange
	if err := c.body(&in); err != nil {
		return answer{}, err
	}
	p, err := in.patch()
	if err != nil {
		return answer{}, err
	}
	if bytes.Equal(bytes.TrimSpace(in.Rate), []byte("null")) {
		p.Rate = &key.Rate{}
	}
	return h.onKey(c, func(ctx context.Context, id db.ID) error { return h.Key.Patch(ctx, c.actor, id, p) })
}

func (h *Handler) pauseKey(c *call) (answer, error) {
	return h.onKey(c, func(ctx context.Context, id db.ID) error { return h.Key.Pause(ctx, c.actor, id) })
}

func (h *Handler) resumeKey(c *call) (answer, error) {
	return h.onKey(c, func(ctx context.Context, id db.ID) error { return h.Key.Resume(ctx, c.actor, id) })
}

func (h *Handler) revokeKey(c *call) (answer, error) {
	var in struct {
		Reason string `json:"reason"`
	}
	if err := c.body(&in); err != nil {
		return answer{}, err
	}
	return h.onKey(c, func(ctx context.Context, id db.ID) error { return h.Key.Revoke(ctx, c.actor, id, in.Reason) })
}

func (h *Handler) takeScope(c *call) (answer, error) {
	var in grant
	if err := c.body(&in); err != nil {
		return answer{}, err
	}
	return h.onKey(c, func(ctx context.Context, id db.ID) error { return h.Key.TakeScope(ctx, c.actor, id, in.pair()) })
}

func (h *Handler) giveScope(c *call) (answer, error) {
	var in grant
	if err := c.body(&in); err != nil {
		return answer{}, err
	}
	return h.onKey(c, func(ctx context.Context, id db.ID) error { return h.Key.GiveScopeBack(ctx, c.actor, id, in.pair()) })
}

func (h *Handler) retireKey(c *call) (answer, error) {
	var in struct {
		SilentSince *string `json:"silent_since"`
	}
	if err := c.body(&in); err != nil {
		return answer{}, err
	}
	var since *time.Time
	if in.SilentSince != nil {
		at, err := time.Parse(time.RFC3339Nano, *in.SilentSince)
		if err != nil {
			return answer{}, badMoment("/silent_since")
		}
		since = &at
	}
	return h.onKey(c, func(ctx context.Context, id db.ID) error { return h.Rotation.Retire(ctx, c.actor, id, since) })
}

func (h *Handler) extendOverlap(c *call) (answer, error) {
	var in struct {
		Days int `json:"days"`
	}
	if err := c.body(&in); err != nil {
		return answer{}, err
	}
	return h.onKey(c, func(ctx context.Context, id db.ID) error { return h.Rotation.Extend(ctx, c.actor, id, in.Days) })
}

func (h *Handler) undoRotation(c *call) (answer, error) {
	var in struct {
		Used bool `json:"new_key_was_used"`
	}
	if err := c.body(&in); err != nil {
		return answer{}, err
	}
	return h.onKey(c, func(ctx context.Context, id db.ID) error { return h.Rotation.Undo(ctx, c.actor, id, in.Used) })
}
