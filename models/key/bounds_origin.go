package key

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
)

// readOrigins reads origins; each one that is wrong is a problem of its own. The result is sorted, each origin once, as browsers write it.
func readOrigins(typed string, bad *fault.Problems) []string {
	var out []string
	wrong := 0
	for _, text := range typedList("origins", typed, bad) {
		origin, problem := readOrigin(text)
		if problem.Key != "" {
			if wrong++; wrong <= maxSaid {
				bad.Add("origins", problem.Key, problem.Args...)
			}
			continue
		}
		out = append(out, origin)
	}
	slices.Sort(out)
	out = slices.Compact(out)
	bad.Check(len(out) <= MaxAllowed, "origins", "A key is bound to at most %[1]d origins; these are %[2]d.", MaxAllowed, len(out))
	return out
}

// defaultPorts are those that browsers leave out (WHATWG URL, section 4.2).
var defaultPorts = map[string]string{"http": "80", "https": "443"}

// readOrigin reads one origin (RFC 6454): scheme://host[:port], as a browser writes it.
func readOrigin(text string) (string, fault.Problem) {
	shown := shortened(text)
	if strings.EqualFold(text, "null") {
		return "", fault.Problem{Key: "“null” is what pages without an address send, and anybody can make one. Name real origins."}
	}
	scheme, rest, ok := strings.Cut(text, "://")
	scheme = strings.ToLower(scheme)
	if !ok || !isScheme(scheme) {
		return "", fault.Problem{Key: "%s is not an origin. Write it with its scheme, like https://shop.example or http://localhost:3000.", Args: []any{shown}}
	}
	if strings.Contains(rest, "@") {
		return "", fault.Problem{Key: "%s holds a user name. An origin is scheme, host and port alone.", Args: []any{shown}}
	}
	authority := rest
	if end := strings.IndexAny(rest, "/?#\\"); end >= 0 {
		authority = rest[:end]
	}
	host, problem := readAuthority(scheme, authority, shown)
	switch {
	case problem.Key != "":
		return "", problem
	case authority != rest:
		return "", fault.Problem{Key: "%[1]s holds a path. An origin has none: write %[2]s.", Args: []any{shown, shortened(scheme + "://" + host)}}
	}
	return scheme + "://" + host, fault.Problem{}
}

func isScheme(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (i == 0 || (c < '0' || c > '9') && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return s != "" && s != "file" && s != "data" && s != "blob" && s != "javascript" && s != "about" // their pages send "null"
}

// readAuthority brings host and port into the form in which browsers write them.
func readAuthority(scheme, authority, shown string) (string, fault.Problem) {
	host, port := authority, ""
	if i := strings.LastIndexByte(authority, ':'); i >= 0 && !strings.HasSuffix(authority, "]") {
		host, port = authority[:i], authority[i+1:]
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 || port[0] == '+' || port[0] == '0' {
			return "", fault.Problem{Key: "%s names a port that is none: ports are 1 to 65535.", Args: []any{shown}}
		}
	}
	host, problem := readHost(scheme, host, shown)
	if problem.Key == "" && port != "" && port != defaultPorts[scheme] {
		host += ":" + port
	}
	return host, problem
}

func readHost(scheme, host, shown string) (string, fault.Problem) {
	none := fault.Problem{Key: "%s names no host that there can be.", Args: []any{shown}}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		ip, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		if err != nil || !ip.Is6() || ip.Zone() != "" || !strings.HasSuffix(inner, "]") {
			return "", none
		}
		return "[" + ip.String() + "]", fault.Problem{}
	}
	domain, wild := strings.CutPrefix(host, "*.")
	if strings.Contains(domain, "*") {
		return "", fault.Problem{Key: "%s has a star in the wrong place. It stands for one whole label at the front: https://*.shop.example.", Args: []any{shown}}
	}
	if ip, err := netip.ParseAddr(domain); err == nil {
		if wild || !ip.Is4() {
			return "", none
		}
		return ip.String(), fault.Problem{}
	}
	ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(domain, "."))
	if _, web := defaultPorts[scheme]; err != nil && !web && isPlainHost(strings.ToLower(domain)) { // chrome-extension://, where the host is an id
		ascii, err = strings.ToLower(domain), nil
	}
	if err != nil || ascii == "" || len(ascii) > 253 || !isPlainHost(ascii) {
		return "", none
	}
	if !wild {
		return ascii, fault.Problem{}
	}
	if suffix, _ := publicsuffix.PublicSuffix(ascii); suffix == ascii {
		return "", fault.Problem{Key: "%[1]s would let in every site under %[2]s, whoever it belongs to. Name the domain that is yours.", Args: []any{shown, ascii}}
	}
	return "*." + ascii, fault.Problem{}
}

// isPlainHost reports whether the host has only characters that a browser leaves as they are.
func isPlainHost(s string) bool {
	for _, label := range strings.Split(s, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for i := range len(label) {
			if c := label[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}
