package index_test

import (
	"slices"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/index"
)

func put(t *testing.T, d *db.DB, docs ...index.Document) {
	t.Helper()
	err := d.Tx(t.Context(), func(tx *db.Tx) error {
		for _, doc := range docs {
			if err := index.Put(tx, doc); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func find(t *testing.T, d *db.DB, q index.Query) []string {
	t.Helper()
	hits, err := index.Find(t.Context(), d, q)
	if err != nil {
		t.Fatalf("%q: %v", q.Text, err)
	}
	var refs []string
	for _, h := range hits {
		refs = append(refs, h.Ref)
	}
	return refs
}

var library = []index.Document{
	{Kind: index.Guide, Ref: "rate-limits", Language: "en", Title: "Rate limits and quotas", Body: "Every plan says how many calls a minute an app may make. When you are over it, you get `429` with `Retry-After`. The code is RATE_LIMITED.", Public: true, Codes: []string{"429", "RATE_LIMITED"}},
	{Kind: index.Guide, Ref: "rotating", Language: "en", Title: "Rotating a key without downtime", Body: "Make a new key before the old one expires. Both work during the overlap that you choose.", Public: true},
	{Kind: index.Guide, Ref: "geheimnisse", Language: "de", Title: "Zugangsschlüssel sicher aufbewahren", Body: "Ein Schlüssel gehört nicht in die Versionsverwaltung. Widerrufe ihn, wenn er öffentlich wurde.", Public: true},
	{Kind: index.API, Ref: "11111111-1111-7111-8111-111111111111", Language: "en", Title: "Orders", Body: "Read and place orders.", Codes: []string{"orders:read", "orders:write", "GET /v2/orders/{id}", "POST /v2/orders"}, Public: true},
	{Kind: index.API, Ref: "22222222-2222-7222-8222-222222222222", Language: "en", Title: "Shipments", Body: "Follow parcels.", Codes: []string{"shipments:read", "GET /v2/shipments/{id}"}, Public: true},
	{Kind: index.Question, Ref: "q1", Title: "My worker is refused with INSUFFICIENT_SCOPE", Body: "The header X-Gatehouse-Code says INSUFFICIENT_SCOPE when I call the orders API. Answer: add orders:write to the key.", Tags: []string{"scopes"}, Public: true},
	{Kind: index.Question, Ref: "q2", Title: "注文のキャンセルができない", Body: "注文APIでキャンセルすると403が返ってきます。", Language: "ja", Public: true},
	{Kind: index.Question, Ref: "q3", Title: "Invoice of last month", Body: "Where do I find the zebrafish invoice", Public: false},
}

func TestWordsAndCodesAreFound(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		put(t, d, library...)

		for query, want := range map[string]string{
			"rate limits":                       "rate-limits",
			"429":                               "rate-limits",
			"throttled":                         "rate-limits",
			"why do I get too many requests":    "rate-limits",
			"gedrosselt":                        "rate-limits",
			"renew my token":                    "rotating",
			"ROTATED keys":                      "rotating",
			"Schlüssel":                         "geheimnisse",
			"schluessel aufbewahren":            "geheimnisse",
			"widerrufen":                        "geheimnisse",
			"orders:read":                       "11111111-1111-7111-8111-111111111111",
			"/v2/orders/{id}":                   "11111111-1111-7111-8111-111111111111",
			"/v2/orders/4711":                   "11111111-1111-7111-8111-111111111111",
			"GET https://x.example/v2/orders/4": "11111111-1111-7111-8111-111111111111",
			"shipments:read":                    "22222222-2222-7222-8222-222222222222",
			"INSUFFICIENT_SCOPE":                "q1",
			"insufficient scope":                "q1",
			"X-Gatehouse-Code":                  "q1",
			"キャンセル":                             "q2",
			"注文 403":                            "q2",
			"ｏｒｄｅｒｓ：ｒｅａｄ":                       "11111111-1111-7111-8111-111111111111",
			"rotatnig":                          "rotating",
			"429 after rotating a kye xyzzy":    "rotating",
			"shipmnets":                         "22222222-2222-7222-8222-222222222222",
		} {
			got := find(t, d, index.Query{Text: query})

			if len(got) == 0 || got[0] != want {
				t.Errorf("%q found %v, want %s first", query, got, want)
			}
		}
	})
}

// F1: nothing that is typed is read as the engine's language.
func TestWhatIsTypedIsNeverEngineSyntax(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		put(t, d, library...)

		for _, query := range []string{
			`"`, `""`, `"rate`, `rate"`, `'`, `rate' | 'x`, `a AND`, `NOT rate`, `AND OR NOT`, `rate*`, `^rate`, `title:rate`, `terms : rate`, `NEAR(rate limits, 2)`, `(((`, `)`, `rate)`,
			`-rate`, `rate -limits`, `rate & limits`, `rate | !`, `rate:*`, `\`, `rate\`, `\'`, `=guide`, `=public`, `~key`, `{rate}`, `{`, `rate <-> limits`, "rate\x00limits", "\xff\xfe", `%`, `_`, `?`, `@rate`, `@@`, `$1`,
			"'; DROP TABLE search_documents; --", "\u202erate", "ra\u00adte li\u200bmits", "🙂", "́",
		} {
			find(t, d, index.Query{Text: query})
		}
		if got := find(t, d, index.Query{Text: "=guide"}); slices.Contains(got, "geheimnisse") {
			t.Errorf("a mark of the index was found by typing it: %v", got)
		}
		if got := find(t, d, index.Query{Text: "ra\u00adte li\u200bmits"}); len(got) == 0 || got[0] != "rate-limits" {
			t.Errorf("what can’t be seen hid a word: %v", got)
		}
	})
}

func TestKindsAndPublicNarrow(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		put(t, d, library...)

		if got := find(t, d, index.Query{Text: "orders", Kinds: []string{index.Question}}); len(got) != 1 || got[0] != "q1" {
			t.Errorf("questions: %v", got)
		}
		if got := find(t, d, index.Query{Text: "orders", Kinds: []string{index.API}}); len(got) == 0 || got[0][0] != '1' || slices.Contains(got, "q1") {
			t.Errorf("APIs: %v", got)
		}
		if got := find(t, d, index.Query{Text: "invoice zebrafish"}); len(got) == 0 || got[0] != "q3" {
			t.Errorf("all: %v", got)
		}
		if got := find(t, d, index.Query{Text: "invoice zebrafish", Public: true}); slices.Contains(got, "q3") {
			t.Errorf("public: %v", got)
		}
	})
}

func TestPuttingAgainReplacesAndRemovingRemoves(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		put(t, d, library...)
		changed := library[1]
		changed.Title, changed.Body = "Changing credentials", "Nothing else."

		put(t, d, changed)

		if got := find(t, d, index.Query{Text: "overlap"}); len(got) != 0 {
			t.Errorf("old words still find %v", got)
		}
		if got := find(t, d, index.Query{Text: "changing credentials"}); len(got) == 0 || got[0] != "rotating" {
			t.Errorf("new words find %v", got)
		}
		err := d.Tx(t.Context(), func(tx *db.Tx) error { return index.Remove(tx, index.Guide, "rotating") })
		if err != nil {
			t.Fatal(err)
		}
		if got := find(t, d, index.Query{Text: "changing credentials"}); slices.Contains(got, "rotating") {
			t.Errorf("removed, and found: %v", got)
		}
	})
}

// Z2: words that only a private document has are never suggested.
func TestOnlyPublicWordsAreSuggested(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		put(t, d, library...)
		put(t, d, index.Document{Kind: index.Question, Ref: "q9", Title: "Project Nightingale", Body: "secret", Public: false})
		suggest := func(text string) string {
			got, err := index.Suggest(t.Context(), d, text)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}

		for typed, want := range map[string]string{
			"rotatng a kye": "rotating a key", "kex": "", "shipmets": "shipments", "Rotating": "", "rate limits": "", "nightingal": "", "Nightingale": "", "zebrafsh": "", "ordres:read": "orders:read",
			"qoutas": "quotas", "shipm": "shipments", "rotat": "rotating", "shi": "", "night": "",
		} {
			if got := suggest(typed); got != want {
				t.Errorf("%q: suggested %q, want %q", typed, got, want)
			}
		}
		hidden := library[4]
		hidden.Public = false
		put(t, d, hidden)
		if got := suggest("shipmets"); got != "" {
			t.Errorf("no public document has it any more, and %q was suggested", got)
		}
	})
}

// A reader sees neither the signs of Markdown nor words marked that they did not type.
func TestExcerptsArePlainWords(t *testing.T) {
	d := dbtest.SQLite(t, nil)
	put(t, d, index.Document{Kind: index.Guide, Ref: "loop", Language: "en", Title: "Loop", Public: true, Body: "## *Start* a [loop](/guides/loop)\n\n| code | calls |\n| --- | --: |\n| 429 | __12__ |\n\n" +
		"> [!NOTE]\n> The burst is `a * b * c`.\n\n```sh\nuntil [ -s calls.log ]; do\n```\n- one_two_three"})

	hits, err := index.Find(t.Context(), d, index.Query{Text: "429"})
	if err != nil {
		t.Fatal(err)
	}
	excerpts, err := index.Excerpts(t.Context(), d, "429", hits)
	if err != nil || len(excerpts) != 1 {
		t.Fatal(excerpts, err)
	}

	var all, marked string
	for _, p := range excerpts[0] {
		if all += p.Text; p.Match {
			marked += p.Text
		}
	}
	if want := "Start a loop code calls 429 12 The burst is a * b * c. until [ -s calls.log ]; do one_two_three"; all != want || marked != "429" {
		t.Errorf("%q, marked %q", all, marked)
	}
}

func TestSuggestionsKeepTheCaseOfCodes(t *testing.T) {
	d := dbtest.SQLite(t, nil)
	put(t, d, library...)
	if err := index.Recount(t.Context(), d); err != nil {
		t.Fatal(err)
	}

	for query, want := range map[string]string{"RATE_LIMTED": "RATE_LIMITED", "Shipmnets": "shipments"} {
		if got, err := index.Suggest(t.Context(), d, query); err != nil || got != want {
			t.Errorf("%q: %q, %v", query, got, err)
		}
	}
}

func TestExcerptsMarkTheWords(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		put(t, d, library...)
		hits, err := index.Find(t.Context(), d, index.Query{Text: "retry-after 429"})
		if err != nil || len(hits) == 0 {
			t.Fatal(hits, err)
		}

		excerpts, err := index.Excerpts(t.Context(), d, "retry-after 429", hits)
		if err != nil {
			t.Fatal(err)
		}
		var marked []string
		for _, p := range excerpts[0] {
			if p.Match {
				marked = append(marked, p.Text)
			}
		}
		if !slices.Contains(marked, "429") || !slices.Contains(marked, "Retry") {
			t.Errorf("marked %q in %v", marked, excerpts[0])
		}
	})
}

func TestCommonTermsDoNotHideWhatIsRare(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		put(t, d, library...)
		for n := range 9 {
			var many []index.Document
			for i := range 60 {
				many = append(many, index.Document{Kind: index.Question, Ref: "f" + string(rune('a'+n)) + string(rune('A'+i)), Title: "Key of an app", Body: "a key and a limit for calls of orders", Public: true})
			}
			put(t, d, many...)
		}
		if err := index.Recount(t.Context(), d); err != nil {
			t.Fatal(err)
		}

		for query, want := range map[string]string{"key overlap": "rotating", "rotating a key": "rotating", "INSUFFICIENT_SCOPE with my key": "q1", "limit 429": "rate-limits", "key": ""} {
			got := find(t, d, index.Query{Text: query})

			if len(got) == 0 || want != "" && got[0] != want {
				t.Errorf("%q found %v, want %s first", query, got[:min(3, len(got))], want)
			}
		}
	})
}
