package api

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/models/usage"
)

// mostRows bounds a breakdown (L4).
const mostRows = 100

type count struct {
	Valid   int64 `json:"valid"`
	Refused int64 `json:"refused"`
}

type usagePoint struct {
	At time.Time `json:"at"`
	count
}

type usageSeries struct {
	Span   string       `json:"span"`
	Total  count        `json:"total"`
	Points []usagePoint `json:"points"`
}

func (c *call) view() (usage.View, error) {
	v := usage.View{Actor: c.actor, Span: usage.ParseSpan(c.params["span"]), Code: c.params["code"]}
	var err error
	if v.App, err = c.id("app", "app"); err != nil {
		return v, err
	}
	v.Key, err = c.id("key", "key")
	return v, err
}

func (h *Handler) getUsage(c *call) (answer, error) {
	v, err := c.view()
	if err != nil {
		return answer{}, err
	}
	points, total, err := h.Usage.Series(web.Ctx(c), v)
	out := usageSeries{Span: string(v.Span), Total: count{total.Good, total.Bad}, Points: make([]usagePoint, len(points))}
	for i, p := range points {
		out.Points[i] = usagePoint{p.At.UTC(), count{p.Good, p.Bad}}
	}
	return answer{body: out}, err
}

type usageRow struct {
	ID     *string `json:"id"`
	Name   string  `json:"name"`
	Detail string  `json:"detail"`
	count
}

type usageBy struct {
	Span string     `json:"span"`
	By   string     `json:"by"`
	Data []usageRow `json:"data"`
}

// dimension is how usage is broken down; prefix is of the ids of its rows, "" for none.
type dimension struct {
	prefix string
	read   func(context.Context, usage.View) ([]usage.Row, error)
}

func (h *Handler) dimensions() map[string]dimension {
	most := func(read func(context.Context, usage.View, int) ([]usage.Row, error)) func(context.Context, usage.View) ([]usage.Row, error) {
		return func(ctx context.Context, v usage.View) ([]usage.Row, error) { return read(ctx, v, mostRows) }
	}
	return map[string]dimension{
		"app": {"app", most(h.Usage.ByApp)}, "key": {"key", most(h.Usage.ByKey)}, "api": {"api", most(h.Usage.ByAPI)}, "route": {"", most(h.Usage.ByRoute)}, "code": {"", h.Usage.ByCode},
	}
}

func (h *Handler) getUsageBy(c *call) (answer, error) {
	v, err := c.view()
	if err != nil {
		return answer{}, err
	}
	by := h.dimensions()[c.params["dimension"]]
	rows, err := by.read(web.Ctx(c), v)
	out := usageBy{Span: string(v.Span), By: c.params["dimension"], Data: make([]usageRow, len(rows))}
	for i, r := range rows {
		out.Data[i] = usageRow{nil, r.Name, r.Detail, count{r.Good, r.Bad}}
		if by.prefix != "" {
			out.Data[i].ID = idOf(&rows[i].ID, by.prefix)
		}
	}
	return answer{body: out}, err
}
