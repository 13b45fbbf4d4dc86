package edge

import "strings"

// ourPrefix begins the name of every header of ours.
const ourPrefix = "x-gatehouse-"

// managed are the names that every gateway's file overwrites or takes off itself, so a client that sends them harms nobody.
var managed = [...]string{
	"X-Gatehouse-Token", "X-Gatehouse-Key-Id", "X-Gatehouse-App-Id", "X-Gatehouse-Organization-Id", "X-Gatehouse-Scopes", "X-Gatehouse-Environment",
	"X-Gatehouse-Code", "X-Gatehouse-Would-Refuse", "X-Gatehouse-Quota-Warning",
}

// posing reports whether a service could read a header of this name as one of ours, while the gateway may know nothing of it: programs fold _ and . to -, and
// nginx takes headers off by their exact names alone, so that its question is the place to find such a one (D9).
func posing(name string) bool {
	if len(name) <= len(ourPrefix) || name[0]|0x20 != 'x' {
		return false
	}
	for i := range len(ourPrefix) {
		c := name[i]
		switch {
		case c == '_' || c == '.':
			c = '-'
		case 'A' <= c && c <= 'Z':
			c |= 0x20
		}
		if c != ourPrefix[i] {
			return false
		}
	}
	for _, own := range managed {
		if strings.EqualFold(name, own) {
			return false
		}
	}
	return true
}
