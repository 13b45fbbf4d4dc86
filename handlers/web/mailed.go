package web

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/internal/text"
)

// byHand is what stands behind each promise of a letter where there is no mail server.
var byHand = text.N("This portal sends no mail by itself yet: ask an admin of it to hand the letter out.")

// Mailed is a sentence that promises somebody a letter; where no mail server sends it, it says who hands it out.
func (k *Kit) Mailed(c echo.Context, key string, args ...any) string {
	words := T(c, key, args...)
	if k.MailByHand {
		words += " " + T(c, byHand)
	}
	return words
}

// DoneMailed is Done of an act that wrote a letter. Where no mail server sends it, waits says what was done, and who hands the letter out.
func (k *Kit) DoneMailed(c echo.Context, path, key, waits string, args ...string) error {
	if !k.MailByHand {
		return k.Done(c, path, key, args...)
	}
	k.setFlash(c, flash{Tone: "ok", Key: waits, Args: args, ByHand: true})
	return k.See(c, path)
}
