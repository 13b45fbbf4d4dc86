package scim

import (
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Which says which users or groups of a directory are listed: those of whom an attribute, written in small letters, is a text, as filters compare it. Attributes
// that the database is not asked about leave all: whoever asks has to look at what comes. The zero value is all.
type Which struct{ Attribute, Text string }

// idOf is the id that the text is, with a prefix; not ok when it is none as ids are written.
func (w Which) idOf(prefix string) (db.ID, bool) {
	id, err := db.ParseID(prefix, w.Text)
	return id, err == nil && id.Show(prefix) == w.Text
}

// unfit is true of what nothing is called, and PostgreSQL would not take.
func (w Which) unfit() bool {
	return w.Text == "" || strings.ContainsRune(w.Text, 0) || !utf8.ValidString(w.Text)
}
