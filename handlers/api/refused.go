package api

import (
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
	refusals "github.com/gatehouse-dev/gatehouse/models/usage/refusal"
)

type refusedCall struct {
	RequestID    string       `json:"request_id"`
	At           time.Time    `json:"at"`
	Door         string       `json:"door"`
	Code         string       `json:"code"`
	Cause        string       `json:"cause,omitempty"`
	Detail       string       `json:"detail,omitempty"`
	Status       int          `json:"status"`
	Environment  string       `json:"environment,omitempty"`
	Method       string       `json:"method,omitempty"`
	Path         string       `json:"path,omitempty"`
	Address      string       `json:"address,omitempty"`
	Origin       string       `json:"origin,omitempty"`
	API          string       `json:"api,omitempty"`
	Key          string       `json:"key,omitempty"`
	App          string       `json:"app,omitempty"`
	Missing      string       `json:"missing_scope,omitempty"`
	Needed       []string     `json:"needed_scopes,omitempty"`
	Granted      []string     `json:"granted_scopes,omitempty"`
	Networks     []string     `json:"networks,omitempty"`
	Origins      []string     `json:"origins,omitempty"`
	Route        string       `json:"route,omitempty"`
	RetryAfterMS int64        `json:"retry_after_ms,omitempty"`
	WouldRefuse  bool         `json:"would_refuse"`
	Why          string       `json:"why,omitempty"`
	Behind       string       `json:"behind,omitempty"`
	Remedies     []remedy     `json:"remedies"`
	Checks       []checkGoing `json:"checks"`
}

// remedy is what would make a call pass.
type remedy struct {
	Text string `json:"text"`
	URL  string `json:"url,omitempty"`
}

// checkGoing is how one check went.
type checkGoing struct {
	Code    string `json:"code"`
	Outcome string `json:"outcome"`
}

var outcomes = map[keyring.Outcome]string{keyring.Passed: "passed", keyring.Refused: "refused", keyring.NotReached: "not_reached"}

func (h *Handler) getRefusal(c *call) (answer, error) {
	view := refusals.View{Actor: c.actor}
	r, err := h.Refusals.Open(web.Ctx(c), view, c.params["request"])
	if err != nil {
		return answer{}, err
	}
	behind, err := h.Refusals.BehindOf(web.Ctx(c), view, &r)
	if err != nil {
		return answer{}, err
	}
	out := refusedCall{
		RequestID: r.RequestID, At: r.At.UTC(), Door: string(r.Door), Code: r.Code, Cause: r.Cause, Detail: r.Detail, Status: r.Status, Environment: r.Environment, Method: r.Method,
		Path: r.Path, Address: r.Address, Origin: r.Origin, API: r.APISlug, Key: r.KeyID.Show(key.IDPrefix), App: r.AppID.Show(org.AppPrefix), Missing: r.Seen.Missing,
		Needed: r.Seen.Needed, Granted: r.Seen.Granted, Networks: r.Seen.Networks, Origins: r.Seen.Origins, Route: r.Seen.Route,
		RetryAfterMS: (r.Seen.RetryAfter + int64(time.Millisecond) - 1) / int64(time.Millisecond), Checks: []checkGoing{},
	}
	if code, judged := r.Judged(); judged {
		for _, step := range keyring.Steps(code) {
			out.Checks = append(out.Checks, checkGoing{step.Check.String(), outcomes[step.Outcome]})
		}
	}
	h.tell(c, &out, &r, behind)
	return answer{body: out}, nil
}

// tell says in English what the page of the refusal says, with whole addresses.
func (h *Handler) tell(c *call, out *refusedCall, r *refusals.Refusal, behind refusals.Behind) {
	v := h.Told(text.With(web.Ctx(c), text.Locale{}), r, behind)
	out.WouldRefuse, out.Why, out.Remedies = v.LetThrough, v.Why, []remedy{}
	if v.Behind != nil {
		out.Behind = v.Behind.Text
	}
	for _, m := range v.Remedies {
		one := remedy{Text: m.Text}
		if m.Href != "" {
			one.URL = h.Link(m.Href)
		}
		out.Remedies = append(out.Remedies, one)
	}
}
