package web

import (
	"net/url"

	"github.com/labstack/echo/v4"

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

// AskFirst leads to where the password is asked for, and the second factor of who has one, when the last time was more than ten minutes ago (A14); asked says that it did.
// The form at path comes back filled in by q, or as it is at first when that can't stand in an address.
func (k *Kit) AskFirst(c echo.Context, path string, q url.Values) (asked bool, err error) {
	if Session(c).Fresh(k.Now()) {
		return false, nil
	}
	to, ok := ConfirmFirst(path, q)
	if !ok || len(q) == 0 {
		to = "/console/account/confirm?" + url.Values{"next": {path}}.Encode()
	}
	return true, k.See(c, to)
}
