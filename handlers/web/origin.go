package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
)

// sameOrigin refuses a mutating request that another site caused (W1): by Sec-Fetch-Site where the browser sends it, and by Origin against
// the configured base URL. A client that sends neither is no browser; it must say so with X-Requested-With, which no
// other site's page can add without our leave.
func sameOrigin(base *url.URL, next echo.HandlerFunc) echo.HandlerFunc {
	own := base.Scheme + "://" + base.Host
	return func(c echo.Context) error {
		h := c.Request().Header
		site, origin := h.Get("Sec-Fetch-Site"), h.Get("Origin")
		if origin == "null" && site == "same-origin" {
			// A page that sends no referrer sends no origin either (Fetch, 3.2); that it is ours, only the browser itself can say.
			origin = own
		}
		switch {
		case origin != "" && origin != own,
			site != "" && site != "same-origin" && site != "none",
			site == "" && origin == "" && h.Get("X-Requested-With") == "",
			!formType(h.Get(echo.HeaderContentType)):
			return fault.New(fault.Forbidden, "This request came from another site and was not carried out. Open the page again and repeat it here.")
		}
		return next(c)
	}
}

// formType accepts what our forms send, and an empty body. JSON sent as text/plain is how other sites avoid a preflight.
func formType(contentType string) bool {
	if contentType == "" {
		return true
	}
	for _, t := range []string{"application/x-www-form-urlencoded", "multipart/form-data"} {
		if len(contentType) >= len(t) && contentType[:len(t)] == t {
			return true
		}
	}
	return false
}

// hostGuard answers pages only under the configured host (W6): localhost is led to it, any other host gets 421.
func hostGuard(base *url.URL, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host == base.Host {
			next.ServeHTTP(w, r)
			return
		}
		host, own := url.URL{Host: r.Host}, base
		if host.Hostname() == "localhost" && own.Hostname() == "127.0.0.1" && strings.HasPrefix(r.URL.RequestURI(), "/") && host.Port() == own.Port() && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			http.Redirect(w, r, base.String()+r.URL.RequestURI(), http.StatusTemporaryRedirect) //nolint:gosec // always to our own host
			return
		}
		http.Error(w, "This portal is not served under that host name.", http.StatusMisdirectedRequest)
	})
}
