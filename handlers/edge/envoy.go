package edge

import "strings"

// envoy answers Envoy's HTTP check (ext_authz), which asks with the method of the request that it holds back, at its path_prefix with the target
// of that request after it: EnvoyPath, the slug of the API, a slash, the environment, and the target as it came. It makes of it the question that
// other gateways ask at AuthzPath. Who brings X-Forwarded-Uri and the like besides is refused, as anywhere: they are there twice then.
func (e *Edge) envoy(x *exchange) {
	slug, rest, _ := strings.Cut(x.path[len(EnvoyPath):], "/")
	environment, path, there := strings.Cut(rest, "/")
	target := "/" + path
	if x.query != "" {
		target += "?" + x.query
	}
	x.path, x.query = AuthzPath, "api="+slug+"&env="+environment
	if !there || !plain(slug) || !plain(environment) {
		x.query = "malformed"
	}
	x.fields[forwardedMethod] = append(x.fields[forwardedMethod], x.method)
	x.fields[forwardedURI] = append(x.fields[forwardedURI], target)
	e.authz(x)
}

// plain reports whether text is made as slugs are, so that nothing of it means something else in a query.
func plain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return text != ""
}
