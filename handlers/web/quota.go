package web

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/usage/quota"
	"github.com/gatehouse-dev/gatehouse/views/components"
)

// QuotaWarning puts a quota that has reached a mark into words: how grave it is, what it is, and of what.
func QuotaWarning(c echo.Context, s quota.Standing) (tone components.Tone, title, words string) {
	ctx := Ctx(c)
	tone, title = components.Warn, T(c, "80 percent of a quota are used")
	if s.Used >= s.Quota {
		tone, title = components.Bad, T(c, "A quota is used up")
	}
	args := []any{s.AppName, s.APIName, EnvironmentWord(c, s.Environment), text.Number(ctx, s.Used), text.Number(ctx, s.Quota), text.DateTime(ctx, s.ResetsAt)}
	if s.Period == quota.Day {
		return tone, title, T(c, "%[1]s at %[2]s, %[3]s: %[4]s of %[5]s calls of this day. It begins anew on %[6]s.", args...)
	}
	return tone, title, T(c, "%[1]s at %[2]s, %[3]s: %[4]s of %[5]s calls of this month. It begins anew on %[6]s.", args...)
}

// QuotaWords puts a quota into words.
func QuotaWords(c echo.Context, period string, calls int64) string {
	n := text.Number(Ctx(c), calls)
	if period == quota.Day {
		return T(c, "%s calls a day", n)
	}
	return T(c, "%s calls a month", n)
}

// EnvironmentWord is the word of an environment.
func EnvironmentWord(c echo.Context, environment string) string {
	if environment == "test" {
		return T(c, "Test")
	}
	return T(c, "Live")
}
