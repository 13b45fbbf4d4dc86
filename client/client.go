// Package client calls the management API of a Gatehouse portal: apps, keys, access, usage, policies and leaks. What stands in client.gen.go is made from the
// portal's OpenAPI document; this file gives it the key.
//
//	c, err := client.At("https://portal.example", os.Getenv("PORTAL_KEY"))
//	if err != nil {
//		return err
//	}
//	made, err := c.CreateKeyWithResponse(ctx, &client.CreateKeyParams{IdempotencyKey: &deployment}, client.NewKey{
//		AppId: app, Name: "Checkout worker", Grants: []client.Grant{{Api: "orders", Scope: "orders:read"}},
//	})
//	if err == nil {
//		err = client.Refused(made.StatusCode(), made.Body)
//	}
//
// Calls are not repeated by themselves. A POST with an IdempotencyKey can be sent again without fear of a second key; wait as long as Retry-After says.
package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// At returns a client of the portal at base, such as https://portal.example, which calls with key. It follows no redirects: a key belongs to one
// address alone. More options come after these. It refuses a base that is no address of the web, and one of plain http unless that is this very machine:
// whoever is on the way would read the key.
func At(base, key string, options ...ClientOption) (*ClientWithResponses, error) {
	if err := safe(base); err != nil {
		return nil, err
	}
	plain := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	own := []ClientOption{WithHTTPClient(plain), WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+key)
		return nil
	})}
	return NewClientWithResponses(base, append(own, options...)...)
}

func safe(base string) error {
	u, err := url.Parse(base)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("portal: %q is no address such as https://portal.example", base)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return fmt.Errorf("portal: http://%s is not encrypted: whoever is on the way would read the key. Use https; http is for this machine alone", u.Host)
	}
	return nil
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback() || strings.EqualFold(host, "localhost")
}

// Error is a refusal of the portal: a problem document (RFC 9457). Go by Code.
type Error struct{ Problem }

// Error implements error.
func (e *Error) Error() string {
	text := fmt.Sprintf("portal: %s: %d", e.Code, e.Status)
	if e.Detail != nil {
		text += ": " + *e.Detail
	}
	if e.Errors != nil {
		for _, one := range *e.Errors {
			text += "; " + one.Pointer + ": " + one.Detail
		}
	}
	return text + " (" + e.RequestId + ")"
}

// Refused is nil for an answer of success, else an *Error.
func Refused(status int, body []byte) error {
	if status < 300 {
		return nil
	}
	e := &Error{}
	if json.Unmarshal(body, &e.Problem) != nil || e.Code == "" {
		e.Problem = Problem{Status: status, Code: "UNKNOWN", Title: http.StatusText(status)}
	}
	return e
}
