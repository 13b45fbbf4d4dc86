package text_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/text"
)

func in(lang text.Language) context.Context {
	return text.With(context.Background(), text.Locale{Language: lang})
}

func TestUnknownSentenceShowsItsEnglishKey(t *testing.T) {
	got := text.T(in(text.German), "A sentence that nobody translated: %d", 1204331)

	if got != "A sentence that nobody translated: 1.204.331" {
		t.Error(got)
	}
}

func TestPluralsFollowTheNumber(t *testing.T) {
	cases := []struct {
		lang text.Language
		n    int
		want string
	}{
		{text.English, 1, "In 1 day"},
		{text.English, 3, "In 3 days"},
		{text.German, 1, "In 1 Tag"},
		{text.German, 1000, "In 1.000 Tagen"},
	}
	for _, c := range cases {
		if got := text.T(in(c.lang), "In %d days", c.n); got != c.want {
			t.Errorf("%s %d: %q, want %q", c.lang, c.n, got, c.want)
		}
	}
}

func TestMatchPicksTheReadersLanguage(t *testing.T) {
	cases := map[string]text.Language{
		"":                                 text.English,
		"de":                               text.German,
		"de-AT,de;q=0.9,en;q=0.8":          text.German,
		"fr-FR,de;q=0.5":                   text.German,
		"fr":                               text.English,
		"en-XA":                            text.English,
		"de;q=x,,;":                        text.English,
		strings.Repeat("de,", 1000) + "de": text.English,
	}
	for header, want := range cases {
		if got := text.Match(header); got != want {
			t.Errorf("%.40q: %s, want %s", header, got, want)
		}
	}
}

func TestPseudoLocaleMarksWhatWasTranslatedAndIsOffUnlessEnabled(t *testing.T) {
	if _, ok := text.Parse("en-XA"); ok {
		t.Fatal("the pseudo-locale is on by itself")
	}

	plain := text.T(in(text.Pseudo), "Sign out")
	plural := text.T(in(text.Pseudo), "In %d days", 2)
	never := text.T(in(text.Pseudo), "Nobody translated this")

	if plain != "⟦Sígñ óút⟧" || plural != "⟦Íñ 2 dáýs⟧" || never != "Nobody translated this" {
		t.Error(plain, plural, never)
	}
}

func TestNumbersAreWrittenAsTheLanguageWritesThem(t *testing.T) {
	cases := []struct{ got, want string }{
		{text.Number(in(text.English), 1204331), "1,204,331"},
		{text.Number(in(text.German), 1204331), "1.204.331"},
		{text.Percent(in(text.English), .0038), "0.38%"},
		{text.Compact(in(text.English), 4_100_000), "4.1 M"},
		{text.Compact(in(text.English), 9_999), "9,999"},
		{text.CompactLike(in(text.English), 5_000, 20_000), "5 K"},
		{text.CompactLike(in(text.English), 0, 20_000), "0"},
		{text.Compact(in(text.German), 4_100_000), "4,1 Mio."},
	}
	for _, c := range cases {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestTimesAreWrittenInTheReadersZone(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 21, 23, 5, 0, 0, time.UTC)
	german := text.With(context.Background(), text.Locale{Language: text.German, Zone: berlin})

	cases := []struct{ got, want string }{
		{text.DateTime(in(text.English), at), "21 Nov 2026, 23:05 UTC"},
		{text.DateTime(german, at), "22. Nov. 2026, 00:05 CET"},
		{text.Date(german, at), "22. Nov. 2026"},
		{text.DayMonth(german, at), "22. Nov."},
		{text.Clock(german, at), "00:05"},
		{text.Date(german, time.Time{}), "–"},
	}
	for _, c := range cases {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestRelativeTimesSayTheNearestWholeStep(t *testing.T) {
	now := time.Date(2026, 11, 21, 14, 5, 0, 0, time.UTC)
	day := 24 * time.Hour
	cases := []struct {
		distance time.Duration
		want     string
	}{
		{0, "Just now"},
		{-2 * time.Minute, "2 min ago"},
		{-time.Hour, "1 hour ago"},
		{-11 * time.Hour, "11 hours ago"},
		{-20 * time.Hour, "Yesterday"},
		{-5 * day, "5 days ago"},
		{-22 * day, "3 weeks ago"},
		{-100 * day, "3 months ago"},
		{-800 * day, "12 Sep 2024"},
		{30 * time.Second, "In less than a minute"},
		{11 * time.Minute, "In 11 min"},
		{3 * time.Hour, "In 3 hours"},
		{20 * time.Hour, "Tomorrow"},
		{90 * day, "In 90 days"},
	}
	for _, c := range cases {
		if got := text.Relative(in(text.English), now, now.Add(c.distance)); got != c.want {
			t.Errorf("%v: %q, want %q", c.distance, got, c.want)
		}
	}
	if got := text.Relative(in(text.German), now, now.Add(-20*time.Hour)); got != "Gestern" {
		t.Error(got)
	}
	if got := text.Relative(in(text.English), now, time.Time{}); got != "Never" {
		t.Error(got)
	}
}

func TestMessageIsTranslatedWhereItIsRead(t *testing.T) {
	m := text.M("In %d days", 2)

	if got := m.In(in(text.German)); got != "In 2 Tagen" {
		t.Error(got)
	}
	if got := m.String(); got != "In 2 days" {
		t.Error(got)
	}
}

func BenchmarkPlainSentence(b *testing.B) {
	ctx := in(text.German)
	b.ReportAllocs()
	for b.Loop() {
		text.T(ctx, "Sign out")
	}
}
