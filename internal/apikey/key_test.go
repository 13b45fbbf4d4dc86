package apikey_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
)

func mint(t testing.TB, brand string, env apikey.Environment) string {
	t.Helper()
	s, err := apikey.Mint(brand, env, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return s.Reveal()
}

func TestMintedKeyHasThePublishedShape(t *testing.T) { // K3
	for _, env := range []apikey.Environment{apikey.Live, apikey.Test} {
		text := mint(t, "gk", env)

		got, ok := apikey.Parse("gk", text)

		if !ok || got != env {
			t.Errorf("Parse = %q, %v; want %q, true", got, ok, env)
		}
		if !regexp.MustCompile(`^gk_(live|test)_[0-9A-Za-z]{38}$`).MatchString(text) {
			t.Error("minted key has another shape")
		}
	}
}

func TestChecksumIsTheDocumentedOne(t *testing.T) { // K3
	// CRC-32 (IEEE) of the first 40 characters, computed apart from this package.
	const body = "gk_live_0123456789ABCDEFGHIJKLMNOPQRSTUV"

	if !apikey.Check("gk", body+knownCheck) {
		t.Errorf("the known key %s%s is refused", body, knownCheck)
	}
}

func TestOneWrongCharacterIsRefused(t *testing.T) { // K3
	const alien = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-. \x00é"
	rapid.Check(t, func(t *rapid.T) {
		brand := rapid.StringMatching(`[a-z][a-z0-9]{1,9}`).Draw(t, "brand")
		env := rapid.SampledFrom([]apikey.Environment{apikey.Live, apikey.Test}).Draw(t, "env")
		s, err := apikey.Mint(brand, env, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		text := s.Reveal()
		for i := range text {
			if apikey.Check(brand, text[:i]+text[i+1:]) {
				t.Fatalf("accepted with character %d dropped", i)
			}
			for _, c := range alien {
				if byte(c) != text[i] && apikey.Check(brand, text[:i]+string(c)+text[i+1:]) {
					t.Fatalf("accepted with character %d changed to %q", i, c)
				}
				if apikey.Check(brand, text[:i]+string(c)+text[i:]) || apikey.Check(brand, text+string(c)) {
					t.Fatalf("accepted with %q added at %d", c, i)
				}
			}
		}
	})
}

func TestMintRefusesWhatItCannotName(t *testing.T) {
	for _, brand := range []string{"", "g", "Gk", "1k", "g_k", "abcdefghijk", "gé"} {
		if _, err := apikey.Mint(brand, apikey.Live, rand.Reader); !errors.Is(err, apikey.ErrBrand) {
			t.Errorf("brand %q: %v", brand, err)
		}
	}
	if _, err := apikey.Mint("gk", "prod", rand.Reader); !errors.Is(err, apikey.ErrEnvironment) {
		t.Errorf("environment: %v", err)
	}
	if _, err := apikey.Mint("gk", apikey.Live, strings.NewReader("short")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("short randomness: %v", err)
	}
}

func TestBodyIsUniform(t *testing.T) { // C5: every byte value fed equally often gives every character equally often
	feed := make([]byte, 0, 256*32)
	for range 32 {
		for b := range 256 {
			feed = append(feed, byte(b))
		}
	}
	source := bytes.NewReader(feed)
	counts := map[rune]int{}
	for {
		// One byte at a time, or the buffer of one Mint would swallow what the next needs.
		s, err := apikey.Mint("gk", apikey.Live, oneByte{source})
		if err != nil {
			break
		}
		for _, c := range s.Reveal()[8:40] {
			counts[c]++
		}
	}

	if len(counts) != 62 {
		t.Fatalf("%d characters seen, want 62", len(counts))
	}
	for c, n := range counts {
		if n < 120 || n > 136 {
			t.Errorf("%q came %d times, want about 128", c, n)
		}
	}
}

type oneByte struct{ from io.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.from.Read(p[:1]) }

func TestSecretNeverPrintsItself(t *testing.T) { // K1, K2
	s, err := apikey.Mint("gk", apikey.Live, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text := s.Reveal()
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("made", "key", s, "holder", struct{ K apikey.Secret }{s})
	asJSON, _ := json.Marshal(map[string]any{"a": s, "b": &s, "c": struct{ K apikey.Secret }{s}})

	shown := log.String() + string(asJSON)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		shown += fmt.Sprintf(verb, s) + fmt.Sprintf(verb, &s) + fmt.Sprintf(verb, struct{ hidden apikey.Secret }{s}) +
			fmt.Sprintf(verb, []apikey.Secret{s})
	}

	for _, leak := range []string{text, text[8:40], fmt.Sprintf("%x", text), fmt.Sprintf("%X", text)} {
		if strings.Contains(shown, leak) {
			t.Fatal("the text of a key was printed")
		}
	}
	if want := "gk_live_…" + text[len(text)-4:]; s.String() != want || s.Hint() != want {
		t.Errorf("String = %s, want %s", s, want)
	}
	if (apikey.Secret{}).Reveal() != "" {
		t.Error("the zero Secret reveals something")
	}
}

func TestScannersFindKeysByThePublishedPattern(t *testing.T) { // K3
	key := mint(t, "gk", apikey.Live)
	pattern := regexp.MustCompile(apikey.Pattern("gk"))

	for _, where := range []string{
		`const key = "` + key + `";`, "Authorization: Bearer " + key, "curl -H 'X-API-Key: " + key + "'",
		"https://x.example/?key=" + key + "&a=b", key,
	} {
		if got := pattern.FindString(where); got != key {
			t.Errorf("not found in %q", apikey.Redact(where))
		}
	}
	if pattern.MatchString("bgk_live_" + key[8:]) {
		t.Error("found inside a longer word")
	}
}

func TestRedactHidesKeysOfAnyBrandAnywhere(t *testing.T) { // K1
	a, b := mint(t, "gk", apikey.Live), mint(t, "northwind1", apikey.Test)

	got := apikey.Redact("x" + a + b + `?k=` + a + "_" + b + "\n")

	want := "x" + apikey.Hint(a) + apikey.Hint(b) + `?k=` + apikey.Hint(a) + "_" + apikey.Hint(b) + "\n"
	if got != want {
		t.Errorf("Redact = %s\nwant     %s", got, want)
	}
	plain := "nothing_live_ here " + a[:len(a)-1]
	if apikey.Redact(plain) != plain {
		t.Error("text without a key was changed")
	}
}

func TestDigestIsHMACUnderThePepper(t *testing.T) {
	pepper := apikey.Pepper{Version: "v", Key: bytes.Repeat([]byte{7}, 32)}
	text := mint(t, "gk", apikey.Live)
	mac := hmac.New(sha256.New, pepper.Key)
	mac.Write([]byte(text))
	want := apikey.Digest(mac.Sum(nil))
	d := apikey.NewDigester(pepper)

	for range 3 {
		if d.Sum(text) != want || apikey.Sum(pepper.Key, text) != want {
			t.Fatal("digest differs from HMAC-SHA-256")
		}
	}
	long := strings.Repeat("long", 100)
	if d.Sum(long) != apikey.Sum(pepper.Key, long) {
		t.Error("digest of a long text differs")
	}
	if other := apikey.NewDigester(apikey.Pepper{Key: []byte("other")}); other.Sum(text) == want || d.Version() != "v" {
		t.Error("another pepper gives the same digest")
	}
}

func TestHotPathAllocatesNothing(t *testing.T) {
	text := mint(t, "gk", apikey.Live)
	d := apikey.NewDigester(apikey.Pepper{Key: make([]byte, 32)})

	if n := testing.AllocsPerRun(200, func() { apikey.Check("gk", text) }); n != 0 {
		t.Errorf("Check allocates %v times", n)
	}
	if n := testing.AllocsPerRun(200, func() { d.Sum(text) }); n != 0 && !poolForgets {
		t.Errorf("Sum allocates %v times", n)
	}
}

func FuzzRedactLeavesNoKey(f *testing.F) { // K1
	key := mint(f, "gk", apikey.Live)
	f.Add("a", "b")
	f.Add("gk_live_", "_test_")
	f.Add(key, key)
	f.Fuzz(func(t *testing.T, before, after string) {
		got := apikey.Redact(before + key + after)

		if strings.Contains(got, key) {
			t.Fatalf("key survived between %q and %q", before, after)
		}
		if apikey.Redact(got) != got {
			t.Fatalf("redacting twice differs from once: %q", got)
		}
	})
}

func FuzzParseNeverPanics(f *testing.F) {
	f.Add("gk", mint(f, "gk", apikey.Test))
	f.Add("", "")
	f.Fuzz(func(t *testing.T, brand, text string) {
		if env, ok := apikey.Parse(brand, text); ok && (!env.Valid() || !strings.HasPrefix(text, brand+"_"+string(env)+"_")) {
			t.Fatalf("Parse(%q) accepted a text without its prefix", brand)
		}
		apikey.Hint(text)
	})
}

func BenchmarkCheck(b *testing.B) {
	text := mint(b, "gk", apikey.Live)
	b.ReportAllocs()
	for b.Loop() {
		apikey.Check("gk", text)
	}
}

func BenchmarkDigest(b *testing.B) {
	text := mint(b, "gk", apikey.Live)
	d := apikey.NewDigester(apikey.Pepper{Key: make([]byte, 32)})
	b.ReportAllocs()
	for b.Loop() {
		d.Sum(text)
	}
}

// knownCheck was computed with Python's zlib.
const knownCheck = "1TQnH8"
