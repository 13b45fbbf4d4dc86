package apikey_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
)

const (
	base62    = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	base64url = base62 + "-_"
	digitsHex = "0123456789abcdef"
)

func shape(t testing.TB, prefix, alphabet string, length int) apikey.Shape {
	t.Helper()
	s, err := apikey.NewShape(prefix, alphabet, length)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// drawn is a text of the shape as its maker draws it.
func drawn(s apikey.Shape) string {
	b := []byte(s.Prefix)
	for range s.Length {
		b = append(b, s.Alphabet[rand.IntN(len(s.Alphabet))])
	}
	return string(b)
}

// worn are ways in which a text of another maker stands in what people write.
var worn = map[string]func(key string) string{
	"alone": func(k string) string { return k }, "in a sentence": func(k string) string { return "It is " + k + ", or " + k + "." }, "in code": func(k string) string { return "`" + k + "`" },
	"in a header": func(k string) string { return "X-API-Key:" + k + "\r\n" }, "in an address": func(k string) string { return "https://x.example/?a=1&key=" + k + "&b=2" },
	"emphasised": func(k string) string { return "_" + k + "_ **" + k + "**" }, "in a cell": func(k string) string { return "|" + k + "|" }, "assigned": func(k string) string { return `KEY="` + k + `"` },
	"escaped underscores": func(k string) string { return strings.ReplaceAll(k, "_", `\_`) }, "entities": func(k string) string { return strings.ReplaceAll(k, "_", "&#95;") },
	"json lines": func(k string) string { return `{"log":"a\n` + k + `\nb"}` }, "percent": func(k string) string { return "%20" + strings.ReplaceAll(k, "_", "%5F") + "%20" },
	"zero width": func(k string) string { return k[:9] + "\u200b" + k[9:12] + "\u00ad" + k[12:] }, "tags": func(k string) string { return k[:9] + "<wbr>" + k[9:] + "</b>" },
	"full width": wide, "basic authentication": func(k string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(k+":")) },
	"coloured": func(k string) string { return "key\x1b[01;31m" + k + "\x1b[0m" }, "coloured by grep": func(k string) string { return "\x1b[01;31m\x1b[K" + k[:4] + "\x1b[m\x1b[K" + k[4:] },
	"escaped colour": func(k string) string { return `"\e[31m` + k[:4] + `\u001b[0m` + k[4:] + `"` }, "caret colour": func(k string) string { return "^[[1m" + k[:4] + "^[[0m" + k[4:] },
	"hexadecimal": func(k string) string { return hex.EncodeToString([]byte("key " + k)) }, "link inside": func(k string) string { return "[" + k + "](https://example.com)" },
}

// K1: what has a declared shape with a prefix of its own is found however people write it, and of it only the hint is left.
func TestTextsOfDeclaredShapesAreFoundAndMasked(t *testing.T) {
	for name, s := range map[string]apikey.Shape{"base62": shape(t, "acme_", base62, 24), "base64url": shape(t, "ak-", base64url, 32), "hex": shape(t, "key_", digitsHex, 32), "no separator": shape(t, "AKIZ", base62, 22)} {
		apikey.Declare(s)
		for how, wear := range worn {
			for range 50 {
				key := drawn(s)
				text := "Hello, 12 people\n" + wear(key) + "\n3 more."
				hint := s.Prefix + "…" + key[len(key)-4:]

				found, masked := apikey.Find(text), apikey.Mask(text)

				if len(found) == 0 || found[0].Key.Reveal() != key || found[0].Key.Hint() != hint {
					t.Fatalf("%s, %s: found %v of %s in %q", name, how, found, key, text)
				}
				if strings.Contains(masked, key[len(s.Prefix):len(key)-4]) || !strings.Contains(masked, hint) || len(apikey.Find(masked)) != 0 || apikey.Mask(masked) != masked {
					t.Fatalf("%s, %s: masked to %q", name, how, masked)
				}
				if how == "in a sentence" && strings.Contains(apikey.Redact(text), key) {
					t.Fatalf("%s: redacted to %q", name, apikey.Redact(text))
				}
			}
		}
	}
}

// What people write beside keys is no key: words behind the prefix, slugs, names in code, digests, and texts of another length.
func TestOrdinaryWordsAreNoTextOfADeclaredShape(t *testing.T) {
	s, wide := shape(t, "acme_", base62, 24), shape(t, "note-", base64url, 22)
	apikey.Declare(s, wide, shape(t, "plain", base62, 24), shape(t, "", base62, 32), shape(t, "hexed_", digitsHex, 32))
	key := drawn(s)
	for _, text := range []string{
		"acme_ is the prefix of all the keys that our old gateway made", "acme_\n" + key[5:], "acme_ " + key[5:], key[:len(key)-1], key + "x", "acme_" + strings.Repeat("a", 24), "acme_thequickbrownfoxjumpsove",
		"acme_" + strings.Repeat("1", 24), "ACME_MAXIMUM_NUMBER_OF_CONNECTIONS", "note-to-all-of-us-in-the-team", "see note-taking-with-what-you-have-at-hand.", "note-" + strings.Repeat("-", 22), "hexed_" + strings.Repeat("0a", 16) + "z", "plain" + drawn(s)[5:],
		"d41d8cd98f00b204e9800998ecf8427e", "b64a1f4ab3cb31cae7b1d72e9aeb1a3f5c0a54d6f10e44aa41f0f9a2cf0aa1b2", "acme_…" + key[len(key)-4:],
	} {
		if found := apikey.Find(text); len(found) != 0 || apikey.Mask(text) != text || apikey.Redact(text) != text {
			t.Errorf("%q: %v, %q, %q", text, found, apikey.Mask(text), apikey.Redact(text))
		}
	}
	for _, guide := range []string{shapesInProse(400)} {
		if found := apikey.Find(guide); len(found) != 0 {
			t.Errorf("found %v", found)
		}
	}
}

// shapesInProse is a long text about such keys.
func shapesInProse(n int) string {
	return strings.Repeat("Keys of acme_ and note- were plain; `acme_client_id` and acme_orders_read are none, nor is https://x.example/acme_orders/note-book?acme_page=2. ", n)
}

// F4 of the review sec4b, K1: a prefix with a mark of its own begins a text whatever stands before it, and behind the text its alphabet may go on with punctuation; also where text is redacted as it is,
// as it is in logs.
func TestTextsGluedToOthersAreFoundAndRedacted(t *testing.T) {
	s, url, bare := shape(t, "acme_", base62, 24), shape(t, "tok_", base64url, 24), shape(t, "AKIX", base62, 24)
	apikey.Declare(s, url, bare)
	key, random, plain := "acme_3ZHq9TmWx2LpVb7RfKd1YcNs", "tok_3ZHq9TmWx2LpVb7RfKd1YcNs", "AKIX3ZHq9TmWx2LpVb7RfKd1YcNs"
	for _, text := range []string{
		"\x1b[31m" + key + "\x1b[0m", "key%3D" + key, "key%3D" + plain, `\u003d` + key, "x" + key, "1" + key, "a\u200b" + key, "_" + key, `\e[31m` + key, `\033[1m` + key,
		"KEY=" + random + "-prod", random + "_2", random + "-" + random, random + "-.", "https://x.example/" + random + "--",
	} {
		masked, redacted := apikey.Mask(text), apikey.Redact(text)
		if strings.Contains(masked, "Wx2LpVb7") || strings.Contains(redacted, "Wx2LpVb7") || apikey.Mask(masked) != masked {
			t.Errorf("%q: %q, %q", text, masked, redacted)
		}
	}
	for _, text := range []string{"x" + plain, random + "a-b"} {
		if apikey.Mask(text) != text {
			t.Errorf("%q: %q", text, apikey.Mask(text))
		}
	}
}

// Control sequences of terminals are one more reading: nothing is hidden behind what only looks like one.
func TestWhatLooksLikeAColourHidesNoKey(t *testing.T) {
	s := shape(t, "acme_", base62, 24)
	apikey.Declare(s)
	const key = "acme_3ZHq9TmWx2LpVb7RfKd1YcNs"
	for _, text := range []string{"^[[" + key, "\x1b[" + key, `\e[` + key, "%1b[" + key, "^[[" + strings.Repeat("0", 40) + key} {
		if found := apikey.Find(text); len(found) != 1 || found[0].Key.Reveal() != key {
			t.Errorf("%q: %v", text, found)
		}
	}
}

// F9 of the review sec4b: of what was found each is taken once, and no more than asked for.
func TestDistinctKeysAreCountedOnceAndBounded(t *testing.T) {
	f := apikey.NewFinder(shape(t, "acme_", base62, 24))
	const a, b, c = "acme_3ZHq9TmWx2LpVb7RfKd1YcNs ", "acme_4ZHq9TmWx2LpVb7RfKd1YcNs ", "acme_5ZHq9TmWx2LpVb7RfKd1YcNs "
	first, second := f.Find(strings.Repeat(a+b, 100)), f.Find(a+c)

	all, some := apikey.Distinct(10, first, second), apikey.Distinct(2, first, second)

	if len(all) != 3 || len(some) != 2 || some[0].Reveal()+" " != a || some[1].Reveal()+" " != b {
		t.Error(all, some)
	}
}

func TestOnlyShapesWithADistinctivePrefixAreSearchedInText(t *testing.T) {
	for prefix, want := range map[string]bool{"acme_": true, "sk_": true, "pk-": true, "AKIA": true, "SG.": true, "k3y": true, "": false, "a_": false, "key": false, "secret": false, "__-": false} {
		if got := shape(t, prefix, base62, 32).Distinctive(); got != want {
			t.Errorf("%q: %t", prefix, got)
		}
	}
}

// A maker that writes random bytes as a number leaves its first zeros out: such texts are a few characters shorter.
func TestTextsOfANumberMayBeShorter(t *testing.T) {
	s, err := shape(t, "num_", base62, 24).DownTo(22)
	if err != nil {
		t.Fatal(err)
	}
	for length, want := range map[int]bool{21: false, 22: true, 23: true, 24: true, 25: false} {
		text := "num_" + drawn(shape(t, "", base62, 64))[:length]
		if s.Fits(text) != want || len(apikey.NewFinder(s).Find("is "+text+".")) > 0 != want {
			t.Error(length, s.Fits(text))
		}
	}
	for _, shortest := range []int{25, 20, 0} {
		if _, err := shape(t, "num_", base62, 24).DownTo(shortest); err == nil {
			t.Error(shortest)
		}
	}
}

// A text that has several forms is looked up once for each way in which they were digested.
func TestATextIsDigestedOnceForEachWay(t *testing.T) {
	calls := 0
	sum := func(text string) apikey.Digest { calls++; return apikey.PlainSum(text) }
	s, o := shape(t, "", base62, 24), shape(t, "", base64url, 24)
	forms := []apikey.Form{{Shape: s, Sum: sum, Way: 1}, {Shape: o, Sum: sum, Way: 1}, {Shape: o, Sum: sum, Way: 2}, {Shape: s}, {Shape: shape(t, "x_", base62, 24), Sum: sum, Way: 3}}

	sums, fits := apikey.Sums(forms, drawn(s))
	none, other := apikey.Sums(forms, "x")

	if len(sums) != 2 || calls != 2 || !fits || none != nil || other {
		t.Error(len(sums), calls, fits, none, other)
	}
}

func hostileTexts() map[string]string {
	return map[string]string{
		"prefixes": "acme_", "of the alphabet": "a1", "prefix and punctuation": "ak-", "runs": "ak-" + strings.Repeat("a1", 15) + "-", "empty prefix": strings.Repeat("Ab3", 10) + " ", "entities": "&#97;", "base64": "YWNtZV8",
	}
}

func TestFindingDeclaredShapesTakesLinearTime(t *testing.T) { // L1
	var all []apikey.Shape
	for n := range 32 {
		all = append(all, shape(t, "ak-", base64url, 22+n), shape(t, "", base62, 22+n))
	}
	f := apikey.NewFinder(all...)
	for name, unit := range hostileTexts() {
		long := strings.Repeat(unit, 500_000/len(unit)) + strings.Repeat("-", 500_000)
		begin := time.Now() //nolint:forbidigo // a duration

		f.Find(long)

		if took := time.Since(begin); took > 10*time.Second { // quadratic would take minutes
			t.Errorf("%s: %v for a megabyte and 64 shapes", name, took)
		}
	}
}

func FuzzFinderSeesEveryPlantedText(f *testing.F) { // K1
	s := shape(f, "acme_", base62, 24)
	key := "acme_3ZHq9TmWx2LpVb7RfKd1YcNs"
	finder := apikey.NewFinder(s)
	for _, wear := range worn {
		f.Add(wear(key), "after")
	}
	f.Add("acme_", "_")
	f.Fuzz(func(t *testing.T, before, after string) {
		text := before + "\n" + key + "\n" + after
		covered := false
		for _, found := range finder.Find(text) {
			if found.Start < 0 || found.End > len(text) || found.Start >= found.End {
				t.Fatalf("found at %d to %d of %d", found.Start, found.End, len(text))
			}
			if !s.Fits(found.Key.Reveal()) {
				t.Fatalf("found %q", found.Key.Reveal())
			}
			covered = covered || found.Start <= len(before)+1 && found.End >= len(before)+1+len(key)
		}
		if !covered {
			t.Fatalf("the planted text was not found in %q", text)
		}
	})
}

func BenchmarkFinderInALongPost(b *testing.B) {
	text := strings.Repeat("The **orders** API answers `403` when the key lacks the scope; see [the guide](https://example.com/guides/scopes).\n", 260)
	for _, n := range []int{1, 32} {
		var all []apikey.Shape
		for i := range n {
			all = append(all, shape(b, fmt.Sprintf("maker%d_", i), base62, 24))
		}
		f := apikey.NewFinder(all...)
		b.Run(fmt.Sprint(n, " shapes"), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				f.Find(text)
			}
		})
	}
}
