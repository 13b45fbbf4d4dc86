package static_test

import (
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/static"
)

// colour is linear sRGB, clipped to what a screen shows as browsers do.
type colour [3]float64

// oklch converts as CSS Color 4 says (section 9.2, Ottosson's matrices).
func oklch(l, c, h float64) colour {
	a, b := c*math.Cos(h*math.Pi/180), c*math.Sin(h*math.Pi/180)
	cube := func(v float64) float64 { return v * v * v }
	x, y, z := cube(l+.3963377774*a+.2158037573*b), cube(l-.1055613458*a-.0638541728*b), cube(l-.0894841775*a-1.291485548*b)
	rgb := colour{
		4.0767416621*x - 3.3077115913*y + .2309699292*z,
		-1.2684380046*x + 2.6097574011*y - .3413193965*z,
		-.0041960863*x - .7034186147*y + 1.707614701*z,
	}
	for i := range rgb {
		rgb[i] = math.Min(1, math.Max(0, rgb[i]))
	}
	return rgb
}

func (c colour) luminance() float64 { return .2126*c[0] + .7152*c[1] + .0722*c[2] }

func contrast(a, b colour) float64 {
	light, dark := math.Max(a.luminance(), b.luminance()), math.Min(a.luminance(), b.luminance())
	return (light + .05) / (dark + .05)
}

var (
	token   = regexp.MustCompile(`--([a-z-]+): light-dark\(((?:#fff)|oklch\((?:[^()]|\([^()]*\))*\)),\s*(oklch\((?:[^()]|\([^()]*\))*\))\)`)
	numbers = regexp.MustCompile(`oklch\(([\d.]+)% ([\d.]+) (\S+)\)`)
)

// tokens reads the colours of the style sheet for one scheme (0 light, 1 dark) and one hue of the brand.
func tokens(t *testing.T, css string, scheme, hue int) map[string]colour {
	t.Helper()
	all := map[string]colour{}
	for _, m := range token.FindAllStringSubmatch(css, -1) {
		value := m[2+scheme]
		if value == "#fff" {
			all[m[1]] = colour{1, 1, 1}
			continue
		}
		n := numbers.FindStringSubmatch(strings.ReplaceAll(value, "var(--brand-h)", strconv.Itoa(hue)))
		if n == nil {
			t.Fatalf("--%s: cannot read %s", m[1], value)
		}
		l, _ := strconv.ParseFloat(n[1], 64)
		c, _ := strconv.ParseFloat(n[2], 64)
		h, _ := strconv.ParseFloat(n[3], 64)
		all[m[1]] = oklch(l/100, c, h)
	}
	return all
}

// WCAG 2.2: 1.4.3 text 4.5 to 1, 1.4.11 borders of fields 3 to 1, for each hue that an operator may pick.
func TestEveryHueKeepsItsContrast(t *testing.T) {
	css := body(t, get(t, http.MethodGet, static.URL("css/app.css"), http.Header{}).Body)
	pairs := map[string]float64{
		"ink/paper": 4.5, "ink/surface": 4.5, "ink/raised": 4.5, "muted/paper": 4.5, "muted/surface": 4.5, "muted/raised": 4.5,
		"accent/paper": 4.5, "accent/surface": 4.5, "accent/accent-wash": 4.5, "accent-ink/accent": 4.5, "ink/accent-wash": 4.5,
		"ok/surface": 4.5, "warn/surface": 4.5, "bad/surface": 4.5, "bad/paper": 4.5, "warn/warn-wash": 4.5, "ink/ok-wash": 4.5, "ink/bad-wash": 4.5,
		"line-input/surface": 3, "line-input/paper": 3, "accent/raised": 4.5,
	}
	for scheme, name := range []string{"light", "dark"} {
		failed := map[string]bool{}
		for hue := range 360 {
			all := tokens(t, css, scheme, hue)
			for pair, least := range pairs {
				first, second, _ := strings.Cut(pair, "/")
				a, known := all[first]
				b, alsoKnown := all[second]
				if !known || !alsoKnown {
					t.Fatalf("no colour for %s", pair)
				}
				if got := contrast(a, b); got < least && !failed[pair] {
					failed[pair] = true
					t.Errorf("%s %s at hue %d: %.2f, at least %.1f", name, pair, hue, got, least)
				}
			}
		}
	}
}
