package web

import (
	"net/url"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
)

// mostAddress is how long an address may be that leads back to a filled-in form.
const mostAddress = 1900

// ConfirmFirst is where the password is asked for before somebody goes on to path with a form filled in by q. ok is false when the form can't
// stand in an address: it is too long, or holds a key (D2).
func ConfirmFirst(path string, q url.Values) (to string, ok bool) {
	next := path + "?" + q.Encode()
	for _, values := range q {
		for _, v := range values {
			if len(apikey.Find(v)) > 0 {
				return "", false
			}
		}
	}
	if len(next) > mostAddress || SafeNext(next, "") == "" {
		return "", false
	}
	return "/console/account/confirm?next=" + queryEscape(next), true
}
