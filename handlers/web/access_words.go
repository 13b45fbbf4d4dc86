package web

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/views/components"
)

var accessWords = map[string]string{
	catalog.Requested: text.N("Waits for approval"), catalog.Approved: text.N("Approved"), catalog.Refused: text.N("Refused"),
	catalog.Withdrawn: text.N("Withdrawn"), catalog.Suspended: text.N("Suspended"), catalog.Ended: text.N("Ended"),
}

var accessTones = map[string]components.Tone{
	catalog.Requested: components.Warn, catalog.Approved: components.OK, catalog.Refused: components.Bad,
	catalog.Suspended: components.Bad, catalog.Withdrawn: components.Off, catalog.Ended: components.Off,
}

// AccessWords is the state of access as pages of all areas say it.
func AccessWords(c echo.Context, state string) (components.Tone, string) {
	return accessTones[state], T(c, accessWords[state])
}
