package demo

import (
	"context"
	"fmt"

	"github.com/gatehouse-dev/gatehouse/models/guide"
)

// rating is what somebody said of a page.
type rating struct {
	path, by string
	ago      int // days
	helpful  bool
	words    string
}

var ratings = []rating{
	{"/guides/quick-start", "emily", 18, true, ""},
	{"/guides/quick-start", "raj", 14, true, "The call in step 5 worked at once."},
	{"/guides/quick-start", "anna", 14, true, ""},
	{"/guides/quick-start", "tanya", 26, false, "The command does not work in the Windows command prompt."},
	{"/guides/quick-start", "ruth", 24, true, ""},
	{"/guides/quick-start", "bruno", 79, true, ""},
	{"/guides/errors", "owen", 43, true, "The list of codes is what I was after."},
	{"/guides/errors", "henrik", 39, false, "BAD_REQUEST is missing."},
	{"/guides/errors", "marta", 24, true, ""},
	{"/guides/errors", "matthias", 11, false, "Ich hätte gern ein Beispiel für WRONG_API."},
	{"/guides/limits", "nils", 64, true, ""},
	{"/guides/limits", "katrin", 50, false, "Wann der Monat beginnt, steht erst ganz unten."},
	{"/guides/limits", "raj", 13, true, ""},
	{"/guides/rotating-keys", "dev", 84, true, ""},
	{"/guides/rotating-keys", "silje", 57, true, "We did it during opening hours."},
	{"/guides/rotating-keys", "uwe", 34, false, "What if the key has expired already?"},
	{"/guides/keys-and-scopes", "claire", 55, false, "I could not find out which role I need."},
	{"/guides/keys-and-scopes", "marcus", 71, true, ""},
	{"/guides/keeping-secrets", "grace", 95, true, ""},
	{"/guides/keeping-secrets", "mateo", 63, true, "Short, and it convinced me."},
	{"/guides/nginx", "priya", 115, true, ""},
	{"/guides/verifying-keys", "priya", 101, false, "A Java example would help one of our teams."},
	{"/tutorials/first-call", "emily", 18, true, ""},
	{"/tutorials/first-call", "lena", 43, true, ""},
	{"/tutorials/rotate-without-downtime", "kenji", 47, true, ""},
}

// miss is a search that found nothing, some days ago and as often as it says.
type miss struct {
	words string
	ago   int
	times int
}

var misses = []miss{
	{"graphql", 31, 9},
	{"webhook signature", 12, 7},
	{"java sdk", 20, 5},
	{"oauth client credentials", 44, 4},
	{"terraform", 27, 3},
	{"postman collection", 9, 6},
	{"soap", 70, 1},
	{"csv import of customers", 16, 2},
	{"gutschein einlösen", 22, 2},
	{"lieferantenrechnung", 6, 1},
}

// plotPages lets readers say whether a page helped, and look for what is not there.
func (f *filler) plotPages() {
	for _, r := range ratings {
		f.happens(f.at(r.ago, 15.5), "rate "+r.path, func(ctx context.Context) error {
			language := "en"
			for _, p := range people {
				if p.handle == r.by {
					language = p.language
				}
			}
			return f.pages.Rate(ctx, f.as(r.by), guide.RatingInput{Path: r.path, Helpful: r.helpful, Words: r.words, Language: language})
		})
	}
	for _, m := range misses {
		for n := range m.times {
			d := dice{hashOf(fmt.Sprintf("miss %s %d", m.words, n))}
			f.happens(f.at(m.ago-int(d.part()*float64(m.ago)), 7+float64(int(d.part()*40))/4), "search for "+m.words, func(ctx context.Context) error {
				return f.searcher.RecordMiss(ctx, m.words)
			})
		}
	}
}
