package web

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// setHeaders sets what every page carries (W3, S5). Pages are private to their reader, so none is stored; a handler
// of a public page may loosen Cache-Control.
func (k *Kit) setHeaders(c echo.Context) {
	h := c.Response().Header()
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self' 'nonce-"+stateOf(c).nonce+"'; style-src 'self' 'nonce-"+stateOf(c).nonce+"'"+rulesOfAll)
	h.Set("Cache-Control", "no-store")
	k.setSafetyHeaders(h)
}

// PolicyWithoutNonce makes the policy of this page one that holds for every reader, so that the page can be kept: scripts and style sheets of ours by
// their address, and of style elements the one of the brand's hue, by its digest.
func PolicyWithoutNonce(c echo.Context) {
	style := "'self'"
	if hue := Portal(c).Hue; hue > 0 {
		sum := sha256.Sum256([]byte(layout.HueCSS(hue)))
		style += " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	c.Response().Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src "+style+rulesOfAll)
}

// rulesOfAll are the parts of the policy that every page has.
const rulesOfAll = "; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; manifest-src 'self'"

// setSafetyHeaders sets what every answer carries, whatever it is: helmet's defaults, with a stricter policy.
func (k *Kit) setSafetyHeaders(h http.Header) {
	for name, value := range map[string]string{
		"X-Content-Type-Options":            "nosniff",
		"Referrer-Policy":                   "strict-origin-when-cross-origin",
		"Cross-Origin-Opener-Policy":        "same-origin",
		"Cross-Origin-Resource-Policy":      "same-origin",
		"Origin-Agent-Cluster":              "?1",
		"X-Dns-Prefetch-Control":            "off",
		"X-Download-Options":                "noopen",
		"X-Frame-Options":                   "DENY",
		"X-Permitted-Cross-Domain-Policies": "none",
		"X-Xss-Protection":                  "0",
		"Permissions-Policy":                "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
	} {
		h.Set(name, value)
	}
	if k.Secure() {
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	}
}

// NoReferrer keeps the address of a page that holds a one-time token to itself (W3).
func NoReferrer(c echo.Context) { c.Response().Header().Set("Referrer-Policy", "no-referrer") }
