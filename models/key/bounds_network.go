package key

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/audit"
)

// typedList parts what was typed at spaces, commas, semicolons and lines. It holds no API key (K1).
func typedList(field, typed string, bad *fault.Problems) []string {
	before := len(*bad)
	audit.NoKey(bad, field, typed)
	bad.Check(len(typed) <= mostOfListLength, field, "This is too long for a list of %d.", MaxAllowed)
	if len(*bad) > before {
		return nil
	}
	all := strings.FieldsFunc(typed, func(r rune) bool { return strings.ContainsRune(" \t\r\n,;\u00a0", r) })
	return all
}

// shortened is what was typed, for a sentence about it.
func shortened(typed string) string {
	if r := []rune(typed); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return typed
}

// maxSaid is how many problems of one list are told at once.
const maxSaid = 5

// readNetworks reads networks and single addresses; each one that is wrong is a problem of its own. The result is in the order of addresses,
// each network once.
func readNetworks(typed string, bad *fault.Problems) []netip.Prefix {
	var out []netip.Prefix
	wrong := 0
	for _, text := range typedList("networks", typed, bad) {
		p, problem := readNetwork(text)
		if problem.Key != "" {
			if wrong++; wrong <= maxSaid {
				bad.Add("networks", problem.Key, problem.Args...)
			}
			continue
		}
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b netip.Prefix) int {
		if c := a.Addr().Compare(b.Addr()); c != 0 {
			return c
		}
		return a.Bits() - b.Bits()
	})
	out = slices.Compact(out)
	bad.Check(len(out) <= MaxAllowed, "networks", "A key is bound to at most %[1]d networks; these are %[2]d.", MaxAllowed, len(out))
	return out
}

// readNetwork reads one network (RFC 4632; RFC 4291 section 2.3) or address.
func readNetwork(text string) (netip.Prefix, fault.Problem) {
	shown := shortened(text)
	if strings.Contains(text, "%") {
		return netip.Prefix{}, fault.Problem{Key: "%s names a zone, which only one machine knows. Leave the part from the percent sign on out.", Args: []any{shown}}
	}
	address, length, hasLength := strings.Cut(text, "/")
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return netip.Prefix{}, fault.Problem{Key: "%s is neither a network nor an address. Write it like 203.0.113.0/24, 2001:db8::/32 or 203.0.113.7.", Args: []any{shown}}
	}
	bits := ip.BitLen()
	if hasLength {
		if bits, err = prefixLength(length); err != nil {
			return netip.Prefix{}, fault.Problem{Key: "%s is neither a network nor an address. Write it like 203.0.113.0/24, 2001:db8::/32 or 203.0.113.7.", Args: []any{shown}}
		}
	}
	switch {
	case bits > ip.BitLen() && ip.Is4():
		return netip.Prefix{}, fault.Problem{Key: "%s is not a network: an IPv4 prefix is at most /32.", Args: []any{shown}}
	case bits > ip.BitLen():
		return netip.Prefix{}, fault.Problem{Key: "%s is not a network: an IPv6 prefix is at most /128.", Args: []any{shown}}
	case ip.Is4In6() && bits < 96:
		return netip.Prefix{}, fault.Problem{Key: "%s mixes IPv4 and IPv6. Write the IPv4 network and the IPv6 network apart.", Args: []any{shown}}
	case ip.Is4In6():
		ip, bits = ip.Unmap(), bits-96
	}
	p := netip.PrefixFrom(ip, bits)
	if p != p.Masked() {
		return netip.Prefix{}, fault.Problem{Key: "%[1]s is an address inside a network. The network is %[2]s, the address alone is %[3]s.", Args: []any{shown, p.Masked().String(), ip.String()}}
	}
	return p, fault.Problem{}
}

var errLength = errors.New("no length of a prefix")

// prefixLength reads digits alone; what is beyond any prefix is 999.
func prefixLength(text string) (int, error) {
	if text == "" || strings.Trim(text, "0123456789") != "" || len(text) > 1 && text[0] == '0' {
		return 0, errLength
	}
	if len(text) > 3 {
		return 999, nil
	}
	return strconv.Atoi(text)
}

func networkTexts(networks []netip.Prefix) []string {
	out := make([]string, len(networks))
	for i, n := range networks {
		out[i] = n.String()
	}
	return out
}
