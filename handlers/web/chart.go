package web

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/usage"
	"github.com/gatehouse-dev/gatehouse/views/components"
)

// CallChart puts counted verifications into a chart, labelled as the span needs: by the clock within a day, else by date.
func CallChart(c echo.Context, id, title string, span usage.Span, points []usage.Point, total usage.Count) components.Series {
	ctx := Ctx(c)
	s := components.Series{ID: id, Title: title, Empty: T(c, "No calls in this time."), Description: T(c, "%d of %d calls were refused.", total.Bad, total.All())}
	for _, p := range points {
		point := components.Point{Label: text.DateTime(ctx, p.At), Tick: text.DayMonth(ctx, p.At), Good: p.Good, Bad: p.Bad}
		switch span {
		case usage.Hour, usage.Day:
			point.Tick = text.Clock(ctx, p.At)
		case usage.Month, usage.ThreeMonth:
			point.Label = text.Date(ctx, p.At)
		case usage.Week:
		}
		s.Points = append(s.Points, point)
	}
	return s
}
