package guide_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// A page that there is in two languages is called by the reader's.
func TestPagesThatDidNotHelpAreNamedInTheReadersLanguage(t *testing.T) {
	w := newWorld(t)
	w.Visitor().Post("/guides/limits/helpful", url.Values{"helpful": {"no"}})

	english := w.as(w.Support).Get("/support/pages")
	w.Tx(func(tx *db.Tx) error {
		_, err := tx.Run("UPDATE users SET language = 'de' WHERE id = ?", w.Support.UserID)
		return err
	})
	german := w.as(w.Support).Get("/support/pages")

	has(t, english, ">Rate limits and quotas</a>", "English")
	has(t, german, ">Ratenlimits und Kontingente</a>")
	if strings.Contains(english.Body, "Ratenlimits") {
		t.Error("English staff read a German title")
	}
}
