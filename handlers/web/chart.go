package web

import (
	"context"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/usage"
	"github.com/gatehouse-dev/gatehouse/views/components"
)

// CallChart puts counted verifications into a chart. Within a day the axis tells the time, else the date; days of long spans are
// counted in UTC and shown so.
func CallChart(c echo.Context, title string, span usage.Span, points []usage.Point, total usage.Count) components.Series {
	ctx := Ctx(c)
	s := components.Series{
		ID: "calls", Title: title, Points: make([]components.Point, 0, len(points)), Empty: T(c, "No calls in this time."),
		Description: T(c, "%[1]s of %[2]s calls were refused.", text.Number(ctx, total.Bad), text.Number(ctx, total.All())),
	}
	if span == usage.Month || span == usage.ThreeMonth {
		l := text.Of(ctx)
		l.Zone = time.UTC
		ctx = text.With(ctx, l)
	}
	last := 0
	for _, p := range points {
		s.Points = append(s.Points, callPoint(ctx, span, p, &last))
	}
	return s
}

// callPoint labels one step. Of a week's steps the first of each day of the reader's names the day; last is the day before.
func callPoint(ctx context.Context, span usage.Span, p usage.Point, last *int) components.Point {
	point := components.Point{Good: p.Good, Bad: p.Bad, Label: text.DateTime(ctx, p.At)}
	switch span {
	case usage.Hour, usage.Day:
		point.Tick = text.Clock(ctx, p.At)
	case usage.Week:
		if day := p.At.In(text.Of(ctx).Zone).YearDay(); day != *last {
			*last, point.Tick = day, text.DayMonth(ctx, p.At)
		}
	default:
		point.Tick, point.Label = text.DayMonth(ctx, p.At), text.Date(ctx, p.At)
	}
	return point
}
