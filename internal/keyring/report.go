package keyring

import (
	"slices"
	"strings"
	"time"
)

// Codes of requests that were not judged at all: no key was presented, or the question could not be read. Decide never answers with them; they are
// counted at the API that was called, where that is known.
const (
	MissingKey Code = 0x40 + iota
	BadRequest
)

var unjudgedNames = [...]string{0: "MISSING_KEY", BadRequest - MissingKey: "BAD_REQUEST"}

// passed marks the code of a refusal that let the request through, since the API is in report-only mode. It is counted apart from its refusal.
const passed Code = 0x80

// PassedPrefix begins the text of a code under which a call is counted that would have been refused, and was let through.
const PassedPrefix = "PASSED_"

// Passed reports whether c is a refusal that was passed over, and which.
func (c Code) Passed() (of Code, ok bool) { return c &^ passed, c&passed != 0 }

// PassedOver is c as it is counted when it was passed over.
func (c Code) PassedOver() Code { return c | passed }

// PassedCodes are all codes under which calls are counted that would have been refused.
func PassedCodes() []Code {
	all := []Code{MissingKey.PassedOver(), BadRequest.PassedOver()}
	for c := NotFound; c < Valid; c++ { // also those that MayPass excludes: earlier versions passed them over
		all = append(all, c.PassedOver())
	}
	return all
}

// moreText is the text of the codes above, and "" for none of them.
func (c Code) moreText() string {
	if of, ok := c.Passed(); ok && of.String() != "" {
		return PassedPrefix + of.String()
	}
	if c >= MissingKey && int(c-MissingKey) < len(unjudgedNames) {
		return unjudgedNames[c-MissingKey]
	}
	return ""
}

// parseMore is the inverse of moreText for codes under which calls are counted.
func parseMore(text string) (Code, bool) {
	if i := slices.Index(unjudgedNames[:], text); i >= 0 {
		return MissingKey + Code(i), true
	}
	if of, ok := strings.CutPrefix(text, PassedPrefix); ok {
		for _, c := range PassedCodes() {
			if plain, _ := c.Passed(); plain.String() == of {
				return c, true
			}
		}
	}
	return 0, false
}

// ReportsOnly reports whether refusals of calls to the API in an environment are passed over at now; 0 is for who names none, and takes both.
func (a *API) ReportsOnly(now time.Time, in Environment) bool {
	switch in {
	case Live:
		return now.UnixNano() < a.ReportOnlyLiveUntil
	case Test:
		return now.UnixNano() < a.ReportOnlyTestUntil
	}
	return now.UnixNano() < min(a.ReportOnlyLiveUntil, a.ReportOnlyTestUntil)
}

// MayPass reports whether a refusal for that reason is ever passed over. A key that somebody stopped, because it leaked or its holder is barred, stays
// stopped: who holds one is not a caller from before.
func (c Code) MayPass() bool { return c != Revoked && c != Paused && c != Suspended }

// CountPassed counts a call that was let through although d refuses it, or, with the codes above, although it was not judged.
func (u *Usage) CountPassed(now time.Time, facts *Facts, api *API, req *Request, d *Decision) {
	if d.Code == NotFound {
		facts = nil
	}
	marked := *d
	marked.Code = d.Code.PassedOver()
	u.Count(now, facts, api, req, &marked)
}

// RuleOf is the rule by which a call without a key would be judged, so that it is counted at its route; nil for none.
func (a *API) RuleOf(req *Request) *Rule {
	if req.Method == "" || req.Path.text == "" {
		return nil
	}
	return a.Match(req.Method, req.Path).strictest(nil, a.RefuseUndeclared)
}
