package web

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/internal/text"
)

// Limits puts a plan's limits into words; nil quotas are none.
func Limits(c echo.Context, requests, periodSeconds, burst int64, quotaMonth, quotaDay *int64) string {
	ctx := Ctx(c)
	n := text.Number(ctx, requests)
	var rate string
	switch periodSeconds {
	case 1:
		rate = T(c, "%s calls a second", n)
	case 60:
		rate = T(c, "%s calls a minute", n)
	case 3600:
		rate = T(c, "%s calls an hour", n)
	case 86400:
		rate = T(c, "%s calls a day", n)
	default:
		rate = T(c, "%[1]s calls in %[2]s seconds", n, text.Number(ctx, periodSeconds))
	}
	atOnce := text.Number(ctx, burst)
	switch {
	case quotaMonth == nil && quotaDay == nil:
		return T(c, "%[1]s, up to %[2]s at once. No monthly quota.", rate, atOnce)
	case quotaMonth == nil:
		return T(c, "%[1]s, up to %[2]s at once. %[3]s calls a day in all.", rate, atOnce, text.Number(ctx, *quotaDay))
	case quotaDay != nil:
		return T(c, "%[1]s, up to %[2]s at once. %[3]s calls a month, of them %[4]s a day.", rate, atOnce, text.Number(ctx, *quotaMonth), text.Number(ctx, *quotaDay))
	}
	return T(c, "%[1]s, up to %[2]s at once. %[3]s calls a month.", rate, atOnce, text.Number(ctx, *quotaMonth))
}
