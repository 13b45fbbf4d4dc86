package key_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// Whatever is typed is refused with a sentence, or read into a form that reads the same again and that verification understands.
func FuzzBounds(f *testing.F) {
	for _, s := range [][3]string{
		{"203.0.113.0/24 2001:db8::/32", "https://*.shop.example", "team=checkout"},
		{"203.0.113.0/33", "null", `{"a":1}`},
		{"::ffff:10.0.0.0/104", "https://b\u00fccher.example:443/", "{}"},
		{"", "", `{"a":null,"b":"c"}`},
		{"", "", `{"a":"\u2028","{":"="}`},
		{"0/0", "HTTP://[::1]:80", `{"a":{"b":[1e400]}}`},
		{"fe80::1%eth0/64", "https://*.co.uk", "a=\u0000"},
		{"1.2.3.4,,;", "chrome-extension://abc", "=\n="},
		{"", "https://xn--a.example https://a_b.example", `{"a":1}{"b":2}`},
	} {
		f.Add(s[0], s[1], s[2])
	}
	f.Fuzz(func(t *testing.T, networks, origins, metadata string) {
		typed := key.BoundsForm{Networks: networks, Origins: origins, Metadata: metadata}

		b, err := typed.Read()
		if err != nil {
			if !fault.Is(err, fault.Invalid) || len(fault.As(err).Problems) == 0 {
				t.Fatal(err)
			}
			return
		}
		if len(b.Networks) > key.MaxAllowed || len(b.Origins) > key.MaxAllowed || len(b.Metadata) > key.MaxMetadata || strings.TrimSpace(networks) == "" && len(b.Networks) > 0 {
			t.Fatalf("%+v of %+v", b, typed)
		}
		for _, n := range b.Networks {
			if n != n.Masked() || n.Addr().Is4In6() || !keyring.NewNetworks(b.Networks).Contains(n.Addr()) {
				t.Fatalf("%v of %q", n, networks)
			}
		}
		for _, o := range b.Origins {
			example := strings.Replace(o, "://*.", "://www.", 1)
			if !keyring.NewOrigins(b.Origins).Allow(example) || o != strings.ToLower(o) || strings.ContainsAny(strings.SplitN(o, "://", 2)[1], "/?#@\\ ") {
				t.Fatalf("%q of %q", o, origins)
			}
		}
		if b.Metadata != "" && (!json.Valid([]byte(b.Metadata)) || len(apikey.Find(b.Metadata)) > 0) {
			t.Fatalf("%q of %q", b.Metadata, metadata)
		}
		again, err := b.Form().Read()
		if err != nil || !slices.Equal(again.Networks, b.Networks) || !slices.Equal(again.Origins, b.Origins) || again.Metadata != b.Metadata {
			t.Fatalf("%+v reads again as %+v: %v", b, again, err)
		}
	})
}
