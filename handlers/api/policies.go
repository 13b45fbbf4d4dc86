package api

import (
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/models/key/leak"
)

type policyRules struct {
	Source       string `json:"source"`
	Name         string `json:"name"`
	DefaultDays  *int   `json:"default_days"`
	MaxDays      *int   `json:"max_days"`
	NeverAllowed *bool  `json:"never_allowed"`
	IdleDays     *int   `json:"idle_days"`
	RotateDays   *int   `json:"rotate_days"`
	KeysPerApp   *int   `json:"keys_per_app"`
	Networks     *bool  `json:"networks"`
}

type plannedRules struct {
	Source      string    `json:"source"`
	Name        string    `json:"name"`
	EffectiveAt time.Time `json:"effective_at"`
}

type policyList struct {
	Data    []policyRules  `json:"data"`
	Planned []plannedRules `json:"planned"`
}

func (h *Handler) listPolicies(c *call) (answer, error) {
	in, err := h.Policies.Rules(web.Ctx(c), c.actor, c.actor.OrganizationID)
	if err != nil {
		return answer{}, err
	}
	out := policyList{Data: make([]policyRules, len(in.Rules)), Planned: make([]plannedRules, len(in.Planned))}
	for i, r := range in.Rules {
		out.Data[i] = policyRules{string(r.Source.Kind), r.Source.Label(), r.DefaultDays, r.MaxDays, r.NeverAllowed, r.IdleDays, r.RotateDays, r.KeysPerApp, r.Networks}
	}
	for i, p := range in.Planned {
		out.Planned[i] = plannedRules{string(p.Source.Kind), p.Source.Label(), p.EffectiveAt.UTC()}
	}
	return answer{body: out}, nil
}

type leakIncident struct {
	ID         string     `json:"id"`
	KeyID      string     `json:"key_id"`
	KeyName    string     `json:"key_name"`
	Hint       string     `json:"hint"`
	AppID      string     `json:"app_id"`
	Reports    int        `json:"reports"`
	Done       string     `json:"done"`
	OpenedAt   time.Time  `json:"opened_at"`
	ReportedAt time.Time  `json:"reported_at"`
	RevokeAt   *time.Time `json:"revoke_at"`
	ResumedAt  *time.Time `json:"resumed_at"`
	ClosedAt   *time.Time `json:"closed_at"`
}

func showLeak(r leak.Row) leakIncident {
	return leakIncident{
		r.ID.Show("leak"), r.KeyID.Show("key"), r.KeyName, r.Hint(), r.AppID.Show("app"), r.Reports, string(r.Done), r.OpenedAt.UTC(), r.ReportedAt.UTC(),
		utc(r.RevokeAt), utc(r.ResumedAt), utc(r.ClosedAt),
	}
}

func (h *Handler) listLeaks(c *call) (answer, error) {
	p, err := h.Leaks.Incidents(web.Ctx(c), c.actor, leak.Filter{State: c.params["state"]}, c.page())
	return pageOf(p, showLeak), err
}
