package edge

import "strings"

// field is a header of the request that the edge reads. All others are not even kept.
type field uint8

const (
	authorization field = iota
	apiKey
	gatewayToken
	cookie
	origin
	contentType
	forwardedFor
	forwardedMethod
	forwardedURI
	originalMethod
	originalURI
	originalURL
	rewriteURL
	methodOverride
	httpMethod
	httpMethodOverride
	fieldCount
)

// headerNames are the names as net/http writes them.
var headerNames = [fieldCount]string{ //nolint:gosec // names, no credentials
	authorization: "Authorization", apiKey: "X-Api-Key", gatewayToken: "X-Gatehouse-Token", cookie: "Cookie", origin: "Origin", contentType: "Content-Type",
	forwardedFor: "X-Forwarded-For", forwardedMethod: "X-Forwarded-Method", forwardedURI: "X-Forwarded-Uri",
	originalMethod: "X-Original-Method", originalURI: "X-Original-Uri", originalURL: "X-Original-Url", rewriteURL: "X-Rewrite-Url",
	methodOverride: "X-Method-Override", httpMethod: "X-Http-Method", httpMethodOverride: "X-Http-Method-Override",
}

// longestName is the length of the longest of them.
const longestName = len("X-Http-Method-Override")

// byLength are the fields whose names have that length.
var byLength = func() (all [longestName + 1][]field) {
	for f, name := range headerNames {
		all[len(name)] = append(all[len(name)], field(f))
	}
	return all
}()

// fieldOf returns the field of that name, in whatever case it is written. A name that merely looks alike, with _ or . for -, is another one (D7).
func fieldOf(name string) (field, bool) {
	if len(name) > longestName {
		return 0, false
	}
	for _, f := range byLength[len(name)] {
		if strings.EqualFold(name, headerNames[f]) {
			return f, true
		}
	}
	return 0, false
}

// take keeps a header of the request when it is one that the edge reads.
func (x *exchange) take(name, value string) {
	if f, ok := fieldOf(name); ok {
		x.fields[f] = append(x.fields[f], value)
	} else if posing(name) {
		x.posed = true
	}
}
