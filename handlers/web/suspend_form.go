package web

import (
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/views/components"
)

// SuspendForm is the form by which staff suspend an organization, an app or access.
type SuspendForm struct {
	Reason string `form:"reason"`
	Until  string `form:"until"`
}

// Suspension reads the form; the day ends in UTC, as staff pages count. Faults: Invalid.
func (f SuspendForm) Suspension() (org.Suspension, error) {
	until, err := org.EndOfDay("until", f.Until, time.UTC)
	return org.Suspension{Reason: f.Reason, Until: until}, err
}

// Fields are the fields of the form, with what was wrong beside them.
func (f SuspendForm) Fields(c echo.Context, wrong map[string]string) (reason, until components.Field) {
	reason = components.Field{Name: "reason", Label: T(c, "Reason"), Value: f.Reason, Error: wrong["reason"], Rows: 3, MaxLength: 500, Required: true, Hint: T(c, "The organization reads it, on its page and by mail.")}
	until = components.Field{Name: "until", Type: "date", Label: T(c, "Until the end of"), Value: f.Until, Error: wrong["until"], Optional: true, Hint: T(c, "In UTC. Empty means until somebody ends it.")}
	return reason, until
}
