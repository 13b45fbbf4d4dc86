package edge

import (
	"slices"
	"strings"
)

// ourPrefix begins the name of every header of ours.
const ourPrefix = "x-gatehouse-"

// managed are the names that every gateway's file overwrites or takes off itself, so a client that sends them harms nobody.
var managed = [...]string{
	"X-Gatehouse-Token", "X-Gatehouse-Key-Id", "X-Gatehouse-App-Id", "X-Gatehouse-Organization-Id", "X-Gatehouse-Scopes", "X-Gatehouse-Environment",
	"X-Gatehouse-Code", "X-Gatehouse-Would-Refuse", "X-Gatehouse-Quota-Warning",
}

// acting are the fields by which a client asks a service for another method or route than the one that is judged.
var acting = [...]field{originalURL, rewriteURL, methodOverride, httpMethod, httpMethodOverride}

// posing reports whether a service could read a header of this name as one of ours, or as one that overrides what is judged, while the gateway may know nothing
// of it: programs fold _ and . to -, and nginx takes headers off by their exact names alone, so that its question is the place to find such a one (D9, K5).
func posing(name string) bool {
	if len(name) < 2 || name[0]|0x20 != 'x' {
		return false
	}
	if len(name) > len(ourPrefix) && readsAs(name[:len(ourPrefix)], ourPrefix) {
		return !slices.ContainsFunc(managed[:], func(own string) bool { return strings.EqualFold(name, own) })
	}
	return slices.ContainsFunc(acting[:], func(f field) bool { return readsAs(name, headerNames[f]) && !strings.EqualFold(name, headerNames[f]) })
}

// readsAs reports whether name is like but for case, and for _ and . in place of -.
func readsAs(name, like string) bool {
	if len(name) != len(like) {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if c == '_' || c == '.' {
			c = '-'
		}
		if c != like[i] && c|0x20 != like[i]|0x20 || c == '-' != (like[i] == '-') {
			return false
		}
	}
	return true
}
