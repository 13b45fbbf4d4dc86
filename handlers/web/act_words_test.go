package web_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/audit"
)

// U1: every act has words in every language, of its own: who reads them knows which act it was.
func TestEveryActHasWordsOfItsOwnInEveryLanguage(t *testing.T) {
	english := map[audit.Act]string{}
	for _, l := range text.Languages() {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r = r.WithContext(text.With(r.Context(), text.Locale{Language: l.Language}))
		c := echo.New().NewContext(r, httptest.NewRecorder())
		taken := map[string]audit.Act{}
		for _, act := range audit.Acts() {
			words, worded := web.ActWords(c, string(act))
			switch {
			case !worded:
				t.Errorf("%s has no words", act)
			case taken[words] != "":
				t.Errorf("%s: %s and %s are both %q", l.Language, act, taken[words], words)
			case l.Language == text.English:
				english[act] = words
			case words == english[act]:
				t.Errorf("%s: %s is told in English: %q", l.Language, act, words)
			}
			taken[words] = act
		}
	}
	if words, worded := web.ActWords(echo.New().NewContext(httptest.NewRequest(http.MethodGet, "/", nil), nil), "key.teleported"); worded || words != "key.teleported" {
		t.Errorf("an act of a later version is %q", words)
	}
}
