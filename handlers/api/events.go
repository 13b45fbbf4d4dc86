package api

import (
	"encoding/json"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/models/org/activity"
)

type event struct {
	ID         string            `json:"id"`
	At         time.Time         `json:"at"`
	Act        string            `json:"act"`
	Result     string            `json:"result"`
	By         string            `json:"by"`
	ActorID    *string           `json:"actor_id"`
	Actor      *string           `json:"actor"`
	Network    *string           `json:"network"`
	Target     string            `json:"target"`
	TargetID   *string           `json:"target_id"`
	TargetName *string           `json:"target_name"`
	Details    map[string]string `json:"details"`
	RequestID  *string           `json:"request_id"`
}

func showEvent(e activity.Event) event {
	out := event{
		ID: e.ID.Show("event"), At: e.At.UTC(), Act: e.Act, Result: "done", By: string(e.By), ActorID: said(web.ShownID(e.ActorKind(), e.ActorID)), Actor: said(e.Name), Network: said(e.Network),
		Target: e.TargetKind, TargetID: said(web.ShownID(e.TargetKind, e.TargetID)), TargetName: said(e.TargetName), Details: e.Facts, RequestID: said(e.RequestID),
	}
	if e.Refused {
		out.Result = "refused"
	}
	return out
}

// said is null for nothing.
func said(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (h *Handler) listEvents(c *call) (answer, error) {
	f := activity.Filter{}
	if about := c.params["about"]; about != "" {
		f.Noun = about + "."
	}
	for name, into := range map[string]*time.Time{"from": &f.From, "to": &f.To} {
		if text := c.params[name]; text != "" {
			at, err := time.Parse(time.RFC3339, text)
			if err != nil {
				return answer{}, badParam(name, "This is no time such as 2026-11-01T00:00:00Z.")
			}
			*into = at.UTC()
		}
	}
	p, err := h.Activity.List(web.Ctx(c), c.actor, c.actor.OrganizationID, f, c.page())
	a := pageOf(p, showEvent)
	a.line = func(to *json.Encoder) error {
		for _, e := range p.Rows {
			if err := to.Encode(showEvent(e)); err != nil {
				return err
			}
		}
		return nil
	}
	return a, err
}
