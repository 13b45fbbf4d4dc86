package account

import (
	"strings"
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
)

const maxEmail = 254 // RFC 5321, section 4.5.3.1.3, without the angle brackets

// CanonicalEmail is the one spelling of an address, under which it is stored, compared and counted (A5): trimmed, NFKC, lower case, the
// domain in ASCII. Faults: Invalid about the field "email".
func CanonicalEmail(address string) (string, error) {
	wrong := fault.BadField("email", "Enter an e-mail address, such as ada@example.com.")
	if len(address) > 4*maxEmail {
		return "", wrong
	}
	if len(apikey.Find(address)) > 0 { // in small letters nothing would know it any more (K1)
		return "", wrong
	}
	address = strings.ToLower(norm.NFKC.String(strings.TrimSpace(address)))
	at := strings.LastIndexByte(address, '@')
	if at < 1 || !localPart(address[:at]) {
		return "", wrong
	}
	domain, err := idna.Lookup.ToASCII(address[at+1:])
	if err != nil || !strings.Contains(domain, ".") || strings.Contains("."+domain+".", "..") || strings.ContainsAny(domain, "[]: ") {
		return "", wrong
	}
	address = address[:at] + "@" + strings.ToLower(domain)
	if len(address) > maxEmail {
		return "", wrong
	}
	return address, nil
}

// localPart takes dot-atoms (RFC 5322, section 3.2.3), also beyond ASCII (RFC 6531), and no quoted ones.
func localPart(s string) bool {
	if len(s) > 64 || strings.HasPrefix(s, ".") || strings.HasSuffix(s, ".") || strings.Contains(s, "..") {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		switch {
		case r <= unicode.MaxASCII:
			return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789.!#$%&'*+/=?^_`{|}~-", r)
		default:
			return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r)
		}
	})
}

func domainOf(email string) string { return email[strings.LastIndexByte(email, '@')+1:] }
