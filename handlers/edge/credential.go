package edge

import (
	"context"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
)

const (
	sayTwoKeys = "The request presents two different keys. Send one, as Authorization: Bearer or as X-API-Key."
	sayLeaked  = "There is a key in the address or in a cookie, where logs and histories keep it. Rotate that key, and send keys in the Authorization header alone."
)

// presented returns the one key that a request presents in the two places where one may be (D2), "" for none. ok is false for
// two that differ. A text that is no key at all counts: whoever presents it means it as one.
func presented(x *exchange) (key string, ok bool) {
	for _, value := range x.all(authorization) {
		if key, ok = agreed(key, bearer(value)); !ok {
			return "", false
		}
	}
	for _, value := range x.all(apiKey) {
		if key, ok = agreed(key, strings.TrimSpace(value)); !ok {
			return "", false
		}
	}
	return key, true
}

// bearer returns the token of a Bearer header; "" for another scheme, which is none of ours.
func bearer(value string) string {
	const scheme = "bearer "
	if len(value) < len(scheme) || !strings.EqualFold(value[:len(scheme)], scheme) {
		return ""
	}
	return strings.TrimSpace(value[len(scheme):])
}

// leaked reports whether a key lies where it must not: in the address or in a cookie.
func leaked(x *exchange) bool {
	if holdsKey(x.query) {
		return true
	}
	for _, value := range x.all(cookie) {
		if holdsKey(value) {
			return true
		}
	}
	return false
}

// holdsKey finds a key of any brand in text, also one with escapes in it. Text without an underscore costs nothing.
func holdsKey(text string) bool {
	if apikey.Redact(text) != text {
		return true
	}
	if strings.IndexByte(text, '%') < 0 {
		return false
	}
	plain, err := url.PathUnescape(text)
	return err == nil && apikey.Redact(plain) != plain
}

// lookup returns the facts of the key with that text; nil when there is none. Noise of our own form is refused by its checksum, and every other text that has
// none of the forms of imported keys by that, both with no look-up (K3).
func (e *Edge) lookup(ctx context.Context, now time.Time, text string) (*keyring.Facts, error) {
	if apikey.Check(e.Brand, text) {
		if facts, err := e.own(ctx, now, text); facts != nil || err != nil {
			return facts, err
		}
	} else if apikey.Ours(e.Brand, text) {
		return nil, nil
	}
	return e.foreign(ctx, now, text)
}

// own looks text up under our peppers.
func (e *Edge) own(ctx context.Context, now time.Time, text string) (*keyring.Facts, error) {
	for _, d := range e.Digesters {
		facts, err := e.Ring.Lookup(ctx, now, keyring.Digest(d.Sum(text)))
		if facts != nil || err != nil {
			return facts, err
		}
	}
	return nil, nil
}

// foreign looks up a text that was made elsewhere: as ours, under which it is kept from its first use on, and then as its maker digested it.
func (e *Edge) foreign(ctx context.Context, now time.Time, text string) (*keyring.Facts, error) {
	forms, err := e.Ring.Forms(ctx)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(forms, func(f apikey.Form) bool { return f.Fits(text) }) {
		return nil, nil
	}
	if !apikey.Check(e.Brand, text) { // of our own form it was looked up already
		if facts, err := e.own(ctx, now, text); facts != nil || err != nil {
			return facts, err
		}
	}
	sums, _ := apikey.Sums(forms, text)
	for _, sum := range sums {
		facts, err := e.Ring.Lookup(ctx, now, keyring.Digest(sum))
		if err != nil {
			return nil, err
		}
		if facts != nil {
			if e.Recognised != nil {
				e.Recognised(facts.ID, keyring.Digest(sum), keyring.Digest(e.Digesters[0].Sum(text)))
			}
			return facts, nil
		}
	}
	return nil, nil
}

// PortalSlug is the API that the portal's own keys are for; VerifyScope is what a caller needs of it.
const (
	PortalSlug  = "portal"
	VerifyScope = "keys:verify"
)

var verifyScopes = []string{VerifyScope}

// identify returns who calls by text: nil when that is nobody, and the code of a key that may not verify. The caller's own calls are
// neither limited nor counted; that its key is in use is noted.
func (e *Edge) identify(x *exchange, text string, ip netip.Addr) (*keyring.Facts, keyring.Code, *keyring.Catalogue, error) {
	facts, err := e.lookup(x.ctx, x.now, text)
	if err != nil || facts == nil {
		return nil, keyring.NotFound, nil, err
	}
	catalogue, portal, err := e.portal(x.ctx)
	if err != nil {
		return nil, 0, nil, err
	}
	ask := keyring.Request{Environment: keyring.Any, Scopes: verifyScopes, IP: ip}
	d := keyring.Decide(x.ctx, x.now, facts, portal, &ask, keyring.Limits{})
	if d.Allowed() {
		e.Counters.Asked(x.now, facts, portal, VerifyScope)
	}
	return facts, d.Code, catalogue, nil
}

// portal returns all APIs and, of these, the portal's own. Without that one nobody can be identified.
func (e *Edge) portal(ctx context.Context) (*keyring.Catalogue, *keyring.API, error) {
	catalogue, err := e.Ring.Catalogue(ctx)
	if err != nil {
		return nil, nil, err
	}
	portal := catalogue.BySlug(PortalSlug)
	if portal == nil {
		return nil, nil, errNoPortal
	}
	return catalogue, portal, nil
}
