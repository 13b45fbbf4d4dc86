package guide

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/labstack/echo/v4"
)

// knownVisitor is what visitor gives for a browser that has voted before, and "" for any other: reading a page sets no cookie.
func (h *Handler) knownVisitor(c echo.Context) string {
	value, mac, _ := strings.Cut(h.Cookie(c, visitorCookie), ".")
	sent, err := hex.DecodeString(mac)
	if err != nil || len(value) != 22 || !h.Signer.Verify([]byte(visitorCookie+value), sent) {
		return ""
	}
	digest := sha256.Sum256([]byte(value))
	return hex.EncodeToString(digest[:])
}
