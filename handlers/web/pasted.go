package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// mostPasted bounds how many keys of one form are looked up.
const mostPasted = 10

// Unkeyed puts the hint in the place of every API key in what was entered, before it is shown again, and adds to the fault what to do about the first: with
// a link to rotate it when the reader manages it. That it was pasted is recorded (K1). Without a key, failed comes back as it is.
func (k *Kit) Unkeyed(c echo.Context, failed error, entered ...*string) error {
	var all [][]apikey.Found
	for _, e := range entered {
		all = append(all, apikey.Find(*e))
		*e = apikey.Mask(*e)
	}
	found := apikey.Distinct(mostPasted, all...)
	if len(found) == 0 || failed != nil && !fault.Is(failed, fault.Invalid) {
		return failed
	}
	name, path, err := k.pasted(c, found)
	if err != nil {
		return err
	}
	told := fault.BadField("/console/keys", text.N("This held an API key, which was not stored: %s. If it is yours, rotate it now."), found[0].Hint())
	if path != "" {
		told = fault.BadField(path, text.N("This held your key %[1]s, which was not stored: %[2]s. If anybody else may have seen it, rotate it now."), name, found[0].Hint())
	}
	if f := fault.As(failed); f != nil {
		both, problems := *f, fault.As(told).Problems
		if both.Problems = slices.Concat(f.Problems, problems); len(f.Problems) == 0 {
			both.Problems = append([]fault.Problem{{Key: f.Key, Args: f.Args}}, problems...)
		}
		return &both
	}
	return told
}

// pasted records keys that stood in what somebody entered. path is where the reader rotates the first that they manage, name its name.
func (k *Kit) pasted(c echo.Context, found []apikey.Secret) (name, path string, err error) {
	if k.Keys == nil || !Actor(c).SignedIn() {
		return "", "", nil
	}
	for _, s := range found {
		row, ok, err := k.Keys.Pasted(Ctx(c), Actor(c), s)
		if err != nil {
			return "", "", err
		}
		if ok && path == "" {
			name, path = row.Name, "/console/keys/"+row.ID.Show(key.IDPrefix)+"/rotate"
		}
	}
	return name, path, nil
}

// keyless refuses a page of the forum or the desk whose query holds an API key, as the search does: it leads to where this is told, at an address without
// the key; a feed is not there (K1). done reports that it answered.
func (k *Kit) keyless(c echo.Context) (done bool, err error) {
	r := c.Request()
	if r.URL.RawQuery == "" || !under(r.URL.Path, "/forum") && !under(r.URL.Path, "/support") || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false, nil
	}
	found := keysIn(c)
	if len(found) == 0 {
		return false, nil
	}
	NoReferrer(c)
	if strings.HasSuffix(r.URL.Path, ".atom") {
		return true, fault.Missing()
	}
	_, path, err := k.pasted(c, found)
	if err != nil {
		return true, err
	}
	words := strings.TrimSuffix(strings.TrimPrefix(path, "/console/keys/"), "/rotate")
	if words == "" {
		words = "1"
	}
	return true, k.See(c, "/search?refused="+words)
}

// keysIn finds keys in the query, as it was sent and as it is read.
func keysIn(c echo.Context) []apikey.Secret {
	var all [][]apikey.Found
	find := func(s string) { all = append(all, apikey.Find(s)) }
	find(c.Request().URL.RawQuery)
	for name, values := range c.QueryParams() {
		find(name)
		for _, v := range values {
			find(v)
		}
	}
	return apikey.Distinct(mostPasted, all...)
}

// holdsKey reports whether an address of ours holds an API key, plain or encoded: such a one is carried no further.
func holdsKey(uri string) bool { return len(apikey.Find(uri)) > 0 }
