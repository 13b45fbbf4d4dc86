package key_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// bind binds the world's key anew and returns what is kept, or the problems as sentences.
func (w *world) bind(id db.ID, f key.BoundsForm) (key.Bounds, []string) {
	w.t.Helper()
	err := w.keys.SetBounds(bg, w.developer, id, f, true)
	if err != nil {
		return key.Bounds{}, problems(w.t, err)
	}
	d, err := w.keys.Get(bg, w.developer, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return d.Bounds, nil
}

// problems are the sentences of an Invalid fault, each after its field.
func problems(t *testing.T, err error) (out []string) {
	t.Helper()
	f := fault.As(err)
	if f == nil || f.Kind != fault.Invalid {
		t.Fatal(err)
	}
	for _, p := range f.Problems {
		out = append(out, p.Field+": "+fmt.Sprintf(p.Key, p.Args...))
	}
	return out
}

// K5, look.md 5
func TestNetworksAreReadOrToldWhatIsWrong(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	id := w.make(w.developer, "Worker").Key.ID
	for typed, want := range map[string]string{
		"203.0.113.0/24": "203.0.113.0/24",
		"203.0.113.7":    "203.0.113.7/32",
		"2001:DB8::1":    "2001:db8::1/128",
		"2001:db8::/32, 203.0.113.0/24\n10.0.0.0/8": "10.0.0.0/8 203.0.113.0/24 2001:db8::/32",
		"203.0.113.7 203.0.113.7/32":                "203.0.113.7/32",
		"::ffff:203.0.113.0/120":                    "203.0.113.0/24",
		"::ffff:203.0.113.7":                        "203.0.113.7/32",
		"0.0.0.0/0;::/0":                            "0.0.0.0/0 ::/0",
	} {
		b, wrong := w.bind(id, key.BoundsForm{Networks: typed})
		if got := strings.ReplaceAll(b.Form().Networks, "\n", " "); got != want || wrong != nil {
			t.Errorf("%q: %q %v", typed, got, wrong)
		}
	}
	var many []string
	for i := range 51 {
		many = append(many, fmt.Sprintf("10.%d.0.0/16", i))
	}
	const neither = " is neither a network nor an address. Write it like 203.0.113.0/24, 2001:db8::/32 or 203.0.113.7."
	for typed, want := range map[string]string{
		"203.0.113.0/33":          "203.0.113.0/33 is not a network: an IPv4 prefix is at most /32.",
		"2001:db8::/129":          "2001:db8::/129 is not a network: an IPv6 prefix is at most /128.",
		"2001:db8::/99999999999":  "2001:db8::/99999999999 is not a network: an IPv6 prefix is at most /128.",
		"203.0.113.7/24":          "203.0.113.7/24 is an address inside a network. The network is 203.0.113.0/24, the address alone is 203.0.113.7.",
		"::ffff:203.0.113.7/120":  "::ffff:203.0.113.7/120 is an address inside a network. The network is 203.0.113.0/24, the address alone is 203.0.113.7.",
		"::ffff:0.0.0.0/90":       "::ffff:0.0.0.0/90 mixes IPv4 and IPv6. Write the IPv4 network and the IPv6 network apart.",
		"fe80::1%eth0":            "fe80::1%eth0 names a zone, which only one machine knows. Leave the part from the percent sign on out.",
		"shop.example":            "shop.example" + neither,
		"203.0.113.07":            "203.0.113.07" + neither,
		"203.0.113.0/024":         "203.0.113.0/024" + neither,
		"203.0.113.0/+24":         "203.0.113.0/+24" + neither,
		"203.0.113.0/":            "203.0.113.0/" + neither,
		"203.0.113.1-203.0.113.9": "203.0.113.1-203.0.113.9" + neither,
		strings.Join(many, " "):   "A key is bound to at most 50 networks; these are 51.",
	} {
		if _, wrong := w.bind(id, key.BoundsForm{Networks: typed}); len(wrong) != 1 || wrong[0] != "networks: "+want {
			t.Errorf("%q: %q", typed, wrong)
		}
	}
}

// K5
func TestOriginsAreReadAsBrowsersWriteThem(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	id := w.make(w.developer, "Worker").Key.ID
	for typed, want := range map[string]string{
		"https://shop.example":                              "https://shop.example",
		"HTTPS://Shop.Example:443":                          "https://shop.example",
		"http://shop.example:443 http://localhost:3000":     "http://localhost:3000 http://shop.example:443",
		"https://bücher.example":                            "https://xn--bcher-kva.example",
		"https://*.Bücher.example:8443":                     "https://*.xn--bcher-kva.example:8443",
		"http://203.0.113.7:8080,https://[2001:DB8::1]:443": "http://203.0.113.7:8080 https://[2001:db8::1]",
		"chrome-extension://abcdefghijklmnop":               "chrome-extension://abcdefghijklmnop",
		"https://*.northwind.co.uk":                         "https://*.northwind.co.uk",
		"https://*.corp.internal":                           "https://*.corp.internal",
	} {
		b, wrong := w.bind(id, key.BoundsForm{Origins: typed})
		if got := strings.Join(b.Origins, " "); got != want || wrong != nil {
			t.Errorf("%q: %q %v", typed, got, wrong)
		}
	}
	for typed, want := range map[string]string{
		"null":                         "“null” is what pages without an address send",
		"shop.example":                 "is not an origin. Write it with its scheme",
		"file:///home/me/shop.html":    "is not an origin. Write it with its scheme",
		"https://shop.example/":        "https://shop.example/ holds a path. An origin has none: write https://shop.example.",
		"https://Shop.example:443/a?b": "holds a path. An origin has none: write https://shop.example.",
		"https://shop.example\\a":      "holds a path",
		"https://me@shop.example":      "holds a user name",
		"https://shop.example:0":       "names a port that is none",
		"https://shop.example:65536":   "names a port that is none",
		"https://shop.example:":        "names a port that is none",
		"https://":                     "names no host that there can be",
		"https://shop..example":        "names no host that there can be",
		"https://shop_&.example":       "names no host that there can be",
		"https://2001:db8::1":          "names no host that there can be",
		"https://[203.0.113.7]":        "names no host that there can be",
		"https://*.203.0.113.7":        "names no host that there can be",
		"https://*":                    "star in the wrong place",
		"https://a.*.example":          "star in the wrong place",
		"https://shop*.example":        "star in the wrong place",
		"https://*.*.shop.example":     "star in the wrong place",
		"https://*.com":                "would let in every site under com",
		"https://*.co.uk":              "would let in every site under co.uk",
		"https://*.github.io":          "would let in every site under github.io",
		"https://*.localhost":          "would let in every site under localhost",
	} {
		if _, wrong := w.bind(id, key.BoundsForm{Origins: typed}); len(wrong) != 1 || !strings.Contains(wrong[0], want) {
			t.Errorf("%q: %q", typed, wrong)
		}
	}
}

func TestMetadataIsAnObjectOrLines(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	made := w.make(w.developer, "Worker")
	id := made.Key.ID
	for typed, want := range map[string]string{
		"team=checkout\n\nshop = a=b ":          `{"shop":"a=b","team":"checkout"}`,
		`{"b": 1.50, "a": {"x": [true, null]}}`: `{"a":{"x":[true,null]},"b":1.50}`,
		`{"a":"<&>"}`:                           `{"a":"\u003c\u0026\u003e"}`,
		"{}":                                    "", " ": "",
	} {
		b, wrong := w.bind(id, key.BoundsForm{Metadata: typed})
		if b.Metadata != want || wrong != nil {
			t.Errorf("%q: %q %v", typed, b.Metadata, wrong)
		}
		if again, wrong := w.bind(id, b.Form()); again.Metadata != want || wrong != nil {
			t.Errorf("%q, typed again: %q %v", typed, again.Metadata, wrong)
		}
	}
	var many strings.Builder
	for i := range 21 {
		fmt.Fprintf(&many, "n%d=1\n", i)
	}
	for typed, want := range map[string]string{
		`{"a":1`: "no JSON object", `{"a":1} x`: "no JSON object", `{"a"}`: "no JSON object", "checkout": "Line 1 is not name=value.", "=x": "Line 1 is not name=value.", `{"a":1,"a":2}`: "a is there twice.", "a=1\na=2": "a is there twice.",
		many.String(): "at most 20 entries; these are 21", "a=" + strings.Repeat("x", 4096): "at most 4096 bytes", `{"a":"\u0000"}`: "can’t be kept", `{"":1}`: "A name in metadata", strings.Repeat("n", 65) + "=1": "A name in metadata",
		"key=" + made.Secret.Reveal(): "This holds an API key", `{"a":"` + strings.ReplaceAll(made.Secret.Reveal(), "_", `\u005f`) + `"}`: "This holds an API key",
	} {
		if _, wrong := w.bind(id, key.BoundsForm{Metadata: typed}); len(wrong) != 1 || !strings.Contains(wrong[0], want) {
			t.Errorf("%q: %q", typed, wrong)
		}
	}
}

func TestAKeysOwnRateIsNeverLooserThanThePlans(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		id := w.make(w.developer, "Worker").Key.ID
		for rate, want := range map[string]string{
			"100 60": "", "1 1": "", "6000 3600": "", "144000 86400": "",
			"101 60": "The plan of Orders lets through 100 calls a minute. A key’s own rate can’t be looser.", "2 1": "lets through 100 calls a minute", "6001 3600": "lets through 100 calls a minute",
			"0 60": "A rate is a whole number", "x 60": "A rate is a whole number", "1 61": "Choose for how long", "1 ": "Choose for how long",
		} {
			requests, period, _ := strings.Cut(rate, " ")
			_, wrong := w.bind(id, key.BoundsForm{RateRequests: requests, RatePeriod: period})
			if want == "" && wrong != nil || want != "" && (len(wrong) != 1 || !strings.Contains(wrong[0], want)) {
				t.Errorf("%s: %q", rate, wrong)
			}
		}
		if _, wrong := w.bind(id, key.BoundsForm{RateRequests: "1", RatePeriod: "1"}); wrong != nil {
			t.Fatal(wrong)
		}
		w.run("UPDATE plans SET rate_requests = 10")
		if _, wrong := w.bind(id, key.BoundsForm{RateRequests: "1", RatePeriod: "1", Metadata: "a=1"}); wrong != nil {
			t.Error("a rate that stays is held against a plan that was tightened:", wrong)
		}
		if _, wrong := w.bind(id, key.BoundsForm{RateRequests: "144000", RatePeriod: "86400", Metadata: "a=1"}); wrong == nil {
			t.Error("a looser rate is taken once the plan is tighter")
		}
	})
}

// K5: on the next call, with facts of the database; and on another replica after one poll.
func TestBoundsHoldOnTheNextCallEverywhere(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		made := w.make(w.developer, "Worker")
		rings := []*keyring.Ring{w.ring(), w.ring()}
		d.OnCommit(func(rows []db.Change) { rings[0].Apply(key.RingChanges(rows)...) })
		ask := func(ip, origin string) (codes string) {
			for _, r := range rings {
				codes += w.asked(r, made, keyring.Request{Scopes: reading.Scopes, IP: addr(ip), Origin: origin}) + " "
			}
			return codes
		}
		poll := func() {
			if err := rings[1].Poll(bg); err != nil {
				t.Fatal(err)
			}
		}
		if got := ask("", ""); got != "VALID VALID " {
			t.Fatal(got)
		}

		if _, wrong := w.bind(made.Key.ID, key.BoundsForm{Networks: "203.0.113.0/24\n2001:db8::/32", Origins: "https://*.shop.example"}); wrong != nil {
			t.Fatal(wrong)
		}
		here := ask("198.51.100.7", "https://a.shop.example")
		poll()
		for from, want := range map[string]string{
			"203.0.113.7 https://a.shop.example": "VALID", "::ffff:203.0.113.7 https://a.shop.example": "VALID", "2001:db8::7 https://a.shop.example": "VALID",
			"198.51.100.7 https://a.shop.example": "FORBIDDEN_IP", " https://a.shop.example": "FORBIDDEN_IP", "198.51.100.7 https://evil.example": "FORBIDDEN_IP",
			"203.0.113.7 ": "FORBIDDEN_ORIGIN", "203.0.113.7 https://shop.example": "FORBIDDEN_ORIGIN", "203.0.113.7 null": "FORBIDDEN_ORIGIN",
		} {
			ip, origin, _ := strings.Cut(from, " ")
			if got := ask(ip, origin); got != want+" "+want+" " {
				t.Errorf("%s: %s, want %s", from, got, want)
			}
		}
		_, wrong := w.bind(made.Key.ID, key.BoundsForm{})
		poll()

		if after := ask("", ""); wrong != nil || here != "FORBIDDEN_IP VALID " || after != "VALID VALID " {
			t.Fatal(here, after, wrong)
		}
	})
}

func addr(text string) netip.Addr {
	if text == "" {
		return netip.Addr{}
	}
	return netip.MustParseAddr(text)
}

// A broken row must not open the key.
func TestAKeyWhoseBoundsCantBeReadIsNotJudged(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	made := w.make(w.developer, "Worker")
	w.run("UPDATE keys SET networks = 'everywhere'")

	facts, err := w.keys.Loader().LoadKey(bg, w.digest(made))

	if facts != nil || err == nil {
		t.Fatal(facts, err)
	}
}

func TestWideningIsProvenAuditedAndMailed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		id := w.make(w.developer, "Worker").Key.ID
		set := func(f key.BoundsForm, proven bool) error { return w.keys.SetBounds(bg, w.developer, id, f, proven) }
		narrow := key.BoundsForm{Networks: "203.0.113.0/24", Origins: "https://*.shop.example", RateRequests: "50", RatePeriod: "60"}
		before := w.events()
		if err := set(narrow, false); err != nil {
			t.Fatal(err)
		}
		if err := set(key.BoundsForm{Networks: "203.0.113.64/26 203.0.113.7", Origins: "https://a.shop.example", RateRequests: "5", RatePeriod: "60", Metadata: "team=a"}, false); err != nil {
			t.Fatal("narrowing:", err)
		}
		if err := set(key.BoundsForm{Networks: "203.0.113.64/26 203.0.113.7", Origins: "https://a.shop.example", RateRequests: "5", RatePeriod: "60", Metadata: "team=a"}, false); err != nil || len(w.acts(before)) != 2 || len(w.mails()) != 0 {
			t.Fatal("the same again:", err, w.acts(before), w.mails())
		}

		refused, done := set(narrow, false), set(narrow, true)

		if !errors.Is(refused, key.ErrWidens) || done != nil {
			t.Fatal(refused, done)
		}
		if acts := w.acts(before); !slices.Equal(acts, []string{"key.limits_changed", "key.limits_changed", "key.limits_changed"}) {
			t.Error(acts)
		}
		if mails := w.mails(); !slices.Equal(mails, []string{"dev key_widened", "ops key_widened"}) {
			t.Error(mails)
		}
		var details string
		if err := d.Read(bg).Raw("SELECT details FROM audit_events ORDER BY seq DESC LIMIT 1").Scan(&details).Error; err != nil || !strings.Contains(details, `"networks_after":"203.0.113.0/24"`) ||
			!strings.Contains(details, `"networks_before":"203.0.113.7/32 203.0.113.64/26"`) || !strings.Contains(details, `"widens":"networks origins rate"`) || strings.Contains(details, "team=a") {
			t.Error(details, err)
		}
		for _, f := range []key.BoundsForm{
			{Origins: narrow.Origins, RateRequests: "50", RatePeriod: "60"},
			{Networks: narrow.Networks, RateRequests: "50", RatePeriod: "60"},
			{Networks: narrow.Networks, Origins: narrow.Origins},
			{Networks: "203.0.113.0/23", Origins: narrow.Origins, RateRequests: "50", RatePeriod: "60"},
			{Networks: narrow.Networks, Origins: narrow.Origins + " https://shop.example", RateRequests: "50", RatePeriod: "60"},
			{Networks: narrow.Networks, Origins: narrow.Origins, RateRequests: "51", RatePeriod: "60"},
			{Networks: narrow.Networks, Origins: narrow.Origins, RateRequests: "51", RatePeriod: "3600"},
		} {
			if f.Networks == "203.0.113.0/23" {
				f.Networks = "203.0.112.0/23"
			}
			if err := set(f, false); !errors.Is(err, key.ErrWidens) {
				t.Errorf("%+v: %v", f, err)
			}
		}
	})
}

// Whatever is not called a widening lets nothing in that was not let in before.
func TestNothingGetsInByAChangeThatIsNoWidening(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	id := w.make(w.developer, "Worker").Key.ID
	rapid.Check(t, func(rt *rapid.T) {
		networks := func(name string) (texts []string, list keyring.Networks) {
			var all []netip.Prefix
			for range rapid.IntRange(0, 4).Draw(rt, name) {
				p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(rapid.IntRange(0, 255).Draw(rt, name))}), rapid.IntRange(26, 32).Draw(rt, name)).Masked()
				all, texts = append(all, p), append(texts, p.String())
			}
			return texts, keyring.NewNetworks(all)
		}
		was, before := networks("before")
		is, after := networks("after")
		if _, wrong := w.bind(id, key.BoundsForm{Networks: strings.Join(was, " ")}); wrong != nil {
			rt.Fatal(wrong)
		}
		err := w.keys.SetBounds(bg, w.developer, id, key.BoundsForm{Networks: strings.Join(is, " ")}, false)

		if err == nil {
			for i := range 256 {
				ip := netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
				if (len(after) == 0 || after.Contains(ip)) && len(before) > 0 && !before.Contains(ip) {
					rt.Fatalf("%v gets in by %v after %v", ip, is, was)
				}
			}
		} else if !errors.Is(err, key.ErrWidens) {
			rt.Fatal(err)
		}
	})
}

// K10
func TestRotationKeepsWhatAKeyIsBoundTo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		form := key.BoundsForm{Networks: "203.0.113.0/24", Origins: "https://*.shop.example", RateRequests: "50", RatePeriod: "60", Metadata: "team=checkout"}
		made, err := w.keys.Create(bg, w.developer, key.CreateRequest{Token: w.token(w.developer), AppID: w.app, Environment: "live", Name: "Worker", Pairs: []key.Pair{readOrders}, Bounds: form})
		if err != nil {
			t.Fatal(err)
		}

		next, err := w.keys.Rotate(bg, w.developer, made.Key.ID, key.RotateRequest{Token: w.keys.NewFormToken(w.developer, key.RotatePurpose(made.Key.ID)), OverlapDays: 3})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []key.Made{made, next} {
			got, err := w.keys.Get(bg, w.developer, m.Key.ID)
			if err != nil || got.Bounds.Form() != form {
				t.Fatal(got.Bounds.Form(), err)
			}
			facts, err := w.keys.Loader().LoadKey(bg, w.digest(m))
			if err != nil || string(facts.Extra.Metadata) != `{"team":"checkout"}` || facts.Extra.Limit.Requests != 50 {
				t.Fatal(facts, err)
			}
		}
	})
}

func TestAGatewaysKeyIsNotBoundToOrigins(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	id := w.make(w.developer, "Gateway", verifyKeys).Key.ID

	if _, wrong := w.bind(id, key.BoundsForm{Origins: "https://shop.example"}); len(wrong) != 1 || !strings.Contains(wrong[0], "used by a gateway") {
		t.Fatal(wrong)
	}
	if _, wrong := w.bind(id, key.BoundsForm{Networks: "10.0.0.0/8"}); wrong != nil {
		t.Fatal(wrong)
	}
}

// Z2, Z5
func TestBoundsAndScopesAreOthersToKeep(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		id := w.make(w.developer, "Worker", readOrders, writeOrders).Key.ID
		clock.Advance(31 * day)
		before := w.events()

		for name, err := range map[string]error{
			"stranger bounds": w.keys.SetBounds(bg, w.stranger, id, key.BoundsForm{Networks: "10.0.0.0/8"}, true), "stranger takes": w.keys.TakeScope(bg, w.stranger, id, writeOrders), "stranger gives": w.keys.GiveScopeBack(bg, w.stranger, id, writeOrders),
		} {
			if !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for name, err := range map[string]error{
			"viewer bounds": w.keys.SetBounds(bg, w.viewer, id, key.BoundsForm{Networks: "10.0.0.0/8"}, true), "other takes": w.keys.TakeScope(bg, w.other, id, writeOrders), "viewer gives": w.keys.GiveScopeBack(bg, w.viewer, id, writeOrders),
		} {
			if !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if len(w.acts(before)) != 0 {
			t.Error(w.acts(before))
		}
	})
}
