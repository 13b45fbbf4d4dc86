package apikey_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
)

// wrapped are the ways in which people hide a key without meaning to, and some in which they mean to.
var wrapped = map[string]func(key string) string{
	"alone":               func(k string) string { return k },
	"in a sentence":       func(k string) string { return "my key is " + k + ", what now?" },
	"in code":             func(k string) string { return "try `" + k + "`" },
	"in a fence":          func(k string) string { return "```sh\ncurl -H 'Authorization: Bearer " + k + "'\n```" },
	"emphasised":          func(k string) string { return "**" + k[:20] + "**" + k[20:] },
	"in underscores":      func(k string) string { return "_" + k + "_ and __" + k[:12] + "__" + k[12:] },
	"struck out":          func(k string) string { return "~~" + k + "~~" },
	"escaped underscores": func(k string) string { return strings.ReplaceAll(k, "_", `\_`) },
	"text of a link":      func(k string) string { return "[" + k + "](https://example.com)" },
	"link inside":         func(k string) string { return k[:15] + "[" + k[15:25] + "](https://example.com/a)" + k[25:] },
	"target of a link":    func(k string) string { return "[x](https://example.com/?key=" + k + ")" },
	"broken by lines":     func(k string) string { return k[:10] + "\n" + k[10:30] + "\r\n" + k[30:] },
	"spaced":              func(k string) string { return strings.Join(strings.Split(k, ""), " ") },
	"quoted lines":        func(k string) string { return "> " + k[:12] + "\n> " + k[12:] },
	"numbered lines":      func(k string) string { return "1. " + k[:18] + "\n2. " + k[18:32] + "\n3. " + k[32:] },
	"joined in code":      func(k string) string { return `const key = "` + k[:22] + "\" +\n\t\"" + k[22:] + `";` },
	"shell continuation":  func(k string) string { return k[:22] + "\\\n" + k[22:] },
	"zero width":          func(k string) string { return strings.Join(strings.Split(k, ""), "\u200b") },
	"joiners and soft hyphen": func(k string) string {
		return k[:9] + "\u00ad" + k[9:11] + "\u2060" + k[11:14] + "\u200d\ufeff" + k[14:]
	},
	"no-break spaces":      func(k string) string { return k[:9] + "\u00a0" + k[9:20] + "\u202f" + k[20:] },
	"variation selectors":  func(k string) string { return k[:9] + "\ufe0f" + k[9:20] + "\U000e0100" + k[20:] },
	"bidi marks":           func(k string) string { return "\u202d" + k[:20] + "\u200e" + k[20:] + "\u202c" },
	"full width":           wide,
	"entity underscore":    func(k string) string { return strings.ReplaceAll(k, "_", "&#95;") },
	"hex entity":           func(k string) string { return strings.ReplaceAll(k, "_", "&#x5F;") },
	"named entity":         func(k string) string { return strings.ReplaceAll(k, "_", "&lowbar;") },
	"entity escaped twice": func(k string) string { return strings.ReplaceAll(k, "_", "&amp;amp;#95;") },
	"entities between":     func(k string) string { return k[:20] + "&shy;&ZeroWidthSpace;&nbsp;" + k[20:] },
	"all entities":         func(k string) string { return each(k, "&#%d;") },
	"percent": func(k string) string {
		return "https://x.example/?k=" + strings.ReplaceAll(url.QueryEscape(k), "_", "%5F")
	},
	"all percent":            func(k string) string { return each(k, "%%%02x") },
	"json escape":            func(k string) string { return `{"key":"` + strings.ReplaceAll(k, "_", `\u005f`) + `"}` },
	"json lines":             func(k string) string { return `{"body":"` + k[:20] + `\n` + k[20:] + `"}` },
	"hex escape":             func(k string) string { return each(k, `\x%02x`) },
	"quoted-printable":       func(k string) string { return k[:20] + "=\r\n" + k[20:] },
	"quoted-printable coded": func(k string) string { return strings.ReplaceAll(k[:20]+"=\n"+k[20:], "_", "=5F") },
	"tags between":           func(k string) string { return k[:20] + "<wbr>" + k[20:30] + "</b><!-- x -->" + k[30:] },
	"in a tag":               func(k string) string { return `<a title="` + k + `">x</a>` },
	"table":                  func(k string) string { return "| " + k[:20] + " |\n|---|\n| " + k[20:] + " |" },
	"glued":                  func(k string) string { return "xyz" + k + "abc" },
	"reference link": func(k string) string {
		return k[:15] + "[" + k[15:25] + "][x]" + k[25:] + "\n\n[x]: https://example.com"
	},
	"basic authentication": func(k string) string {
		return "> Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(k+":"))
	},
	"base64 behind a name": func(k string) string { return base64.StdEncoding.EncodeToString([]byte("me:" + k)) },
	"base64 of a header": func(k string) string {
		return base64.RawURLEncoding.EncodeToString([]byte("x-api-key: " + k + "\r\n\xff\xfe"))
	},
	"base64 glued": func(k string) string { return "v1" + base64.StdEncoding.EncodeToString([]byte(k)) },
	"base64 over lines": func(k string) string {
		b := base64.StdEncoding.EncodeToString([]byte(k))
		return b[:30] + "\r\n" + b[30:]
	},
	"percent twice":        func(k string) string { return strings.ReplaceAll(k, "_", "%255F") },
	"percent thrice":       func(k string) string { return each(k, "%%2525%02x") },
	"escape in braces":     func(k string) string { return strings.ReplaceAll(k, "_", `\u{5f}`) },
	"hex escape in braces": func(k string) string { return strings.ReplaceAll(k, "_", `\x{5F}`) },
	"octal escape":         func(k string) string { return strings.ReplaceAll(k, "_", `\137`) },
	"long escape":          func(k string) string { return strings.ReplaceAll(k, "_", `\U0000005f`) },
	"entity not closed":    func(k string) string { return strings.Replace(k, "_", "&#95", 1) },
	"hex entity not closed": func(k string) string {
		return strings.ReplaceAll(k, "_live", "&#x5Flive")
	},
	"log lines": func(k string) string {
		return "2026-11-21T21:52:00.123Z " + k[:20] + "\n2026-11-21T21:52:01.004Z " + k[20:]
	},
	"log lines with a blank": func(k string) string {
		return "[2026/11/21 21:52:00] " + k[:20] + "\n[2026-11-21 21:52:01,004] " + k[20:]
	},
	"spoilt bytes": func(k string) string { return k[:20] + "\xff\x00" + k[20:] },
}

func wide(k string) string {
	return strings.Map(func(r rune) rune { return r - '!' + '！' }, k)
}

func each(k, format string) string {
	var b strings.Builder
	for i := range len(k) {
		_, _ = fmt.Fprintf(&b, format, k[i])
	}
	return b.String()
}

func TestKeyIsFoundHoweverItIsWrapped(t *testing.T) { // K1
	for name, wrap := range wrapped {
		t.Run(name, func(t *testing.T) {
			for range 20 {
				key := mint(t, "gk", apikey.Live)
				text := wrap(key)

				found := apikey.Find("Hello, 12 people\n" + text + "\n3 more.")

				if len(found) == 0 || found[0].Key.Reveal() != key {
					t.Fatalf("found %v in %s", found, strings.ReplaceAll(name, key, ""))
				}
				masked := apikey.Mask(text)
				if len(apikey.Find(masked)) != 0 || strings.Contains(masked, key[10:25]) || !strings.Contains(masked, apikey.Hint(key)) {
					t.Fatalf("masked to %q", masked)
				}
			}
		})
	}
}

func TestKeysOfEveryBrandAreFoundInPlace(t *testing.T) { // K1
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.StringN(0, 40, 200), 3, 3).Draw(t, "words")
		brand := rapid.StringMatching(`[a-z][a-z0-9]{1,9}`).Draw(t, "brand")
		s, err := apikey.Mint(brand, apikey.Test, rand.NewChaCha8([32]byte([]byte(brand + strings.Repeat("x", 32))[:32])))
		if err != nil {
			t.Fatal(err)
		}
		text := words[0] + "\n" + s.Reveal() + " " + words[1] + s.Reveal() + "." + words[2]

		found := apikey.Find(text)

		if len(found) != 2 {
			t.Fatalf("found %d of 2 keys", len(found))
		}
		for _, f := range found {
			if f.Key.Reveal() != s.Reveal() || !strings.Contains(text[f.Start:f.End], s.Reveal()) {
				t.Fatalf("found %q", text[f.Start:f.End])
			}
		}
	})
}

func TestTextWithoutAKeyStaysAsItIs(t *testing.T) {
	key := mint(t, "gk", apikey.Live)
	wrong := key[:len(key)-1] + "0"
	if wrong == key {
		wrong = key[:len(key)-1] + "1"
	}
	for _, text := range []string{
		"", "nothing", "a_live_stream and a_test_case", apikey.Hint(key), "gk_live_" + strings.Repeat("a", 38), wrong, key[:len(key)-1],
		strings.ToUpper(key), key[8:], strings.Repeat("_", 500), strings.Repeat("gk_live_", 300), strings.Repeat("&", 300), strings.Repeat("<", 300) + "](",
	} {
		if found := apikey.Find(text); len(found) != 0 {
			t.Errorf("found a key in %q", text)
		}
		if apikey.Mask(text) != text {
			t.Errorf("%q was changed", text)
		}
	}
}

func TestFindingTakesLinearTime(t *testing.T) { // L1
	for name, unit := range map[string]string{
		"environments": "_live", "underscores": "_", "live runs": "ab_live" + strings.Repeat("_", 63), "entities": "&amp;", "tags": "<a", "links": "](",
		"percent": "%5", "lines": "1\n", "escapes": `\u005f`, "wide": "＿ｌｉｖｅ", "equals": "=5F=\n",
		"base64": "Z2tfbGl2ZV8", "encoded again": "%25", "references": "][", "open entities": "&#9", "braces": `\u{5`, "times": "2026-11-21 21:52:00 \n",
	} {
		long := strings.Repeat(unit, 1_000_000/len(unit))
		begin := time.Now() //nolint:forbidigo // a duration

		apikey.Find(long)

		if took := time.Since(begin); took > 5*time.Second { // quadratic would take minutes
			t.Errorf("%s: %v for a megabyte", name, took)
		}
	}
}

func FuzzFindSeesEveryPlantedKey(f *testing.F) { // K1
	key := mint(f, "gk", apikey.Live)
	for _, wrap := range wrapped {
		f.Add(wrap(key), "after")
	}
	f.Add("_live_", "\n12 ")
	f.Fuzz(func(t *testing.T, before, after string) {
		text := before + "\n" + key + "\n" + after
		covered := false
		for _, found := range apikey.Find(text) {
			if found.Start < 0 || found.End > len(text) || found.Start >= found.End {
				t.Fatalf("found at %d to %d of %d", found.Start, found.End, len(text))
			}
			covered = covered || found.Start <= len(before)+1 && found.End >= len(before)+1+len(key)
		}
		if !covered && !strings.Contains(before, "live") && !strings.Contains(before, "test") {
			t.Fatal("the planted key was not found")
		}
		if masked := apikey.Mask(text); strings.Contains(masked, key) {
			t.Fatal("the planted key is still there")
		}
	})
}

func BenchmarkFindInALongPost(b *testing.B) {
	text := strings.Repeat("The **orders** API answers `403` when the key lacks the scope; see [the guide](https://example.com/guides/scopes).\n", 260)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		apikey.Find(text)
	}
}
