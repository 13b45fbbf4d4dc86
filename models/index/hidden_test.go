package index_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/index"
)

// Nothing of what visitors find, nor its worth and order, tells that there are documents that they may not read: however many, newer and fuller of the same words (Z2).
func TestHiddenDocumentsChangeNothingForVisitors(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		put := func(n int, public bool, title, body string) {
			t.Helper()
			err := d.Tx(t.Context(), func(tx *db.Tx) error {
				for i := range n {
					doc := index.Document{Kind: index.Question, Ref: fmt.Sprintf("%s %t %d", title, public, i), Language: "en", Title: title, Body: body + fmt.Sprintf(" w%dx", i), Public: public}
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
		find := func(public bool) (hits []index.Hit) {
			t.Helper()
			hits, err := index.Find(t.Context(), d, index.Query{Text: "rotate the ledger key", Public: public, Limit: index.MaxCandidates})
			if err != nil {
				t.Fatal(err)
			}
			return hits
		}
		put(3, true, "How do I rotate a key", "The ledger says no.")
		put(5, true, "Where is the ledger", "I look for the key.")
		before := find(true)

		put(700, false, "Rotate the ledger key", "rotate ledger key")
		after, signedIn := find(true), find(false)
		if err := index.Recount(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		counted := find(true)

		same := cmpopts.IgnoreUnexported(index.Hit{})
		if diff := cmp.Diff(before, after, same); len(before) != 8 || diff != "" {
			t.Errorf("%d before, and then: %s", len(before), diff)
		}
		if diff := cmp.Diff(before, counted, same, cmpopts.IgnoreFields(index.Hit{}, "Score")); diff != "" {
			t.Errorf("after the count: %s", diff)
		}
		if len(signedIn) < 100 {
			t.Errorf("who may read more is offered %d", len(signedIn))
		}
	})
}

// An index in one piece finds what it found before.
func TestCompactKeepsWhatIsFound(t *testing.T) {
	d := dbtest.SQLite(t, nil)
	for round := range 4 {
		for i := range 60 {
			err := d.Tx(t.Context(), func(tx *db.Tx) error {
				return index.Put(tx, index.Document{Kind: index.Question, Ref: fmt.Sprint(i), Language: "en", Title: fmt.Sprintf("Question w%dx", i), Body: fmt.Sprintf("round%dx", round), Public: i%2 == 0})
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	found := func(text string) int {
		hits, err := index.Find(t.Context(), d, index.Query{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		return len(hits)
	}
	pieces := func() (n int) {
		if err := d.Read(t.Context()).Raw("SELECT COUNT(DISTINCT segid) FROM search_index_idx").Scan(&n).Error; err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := pieces()

	if err := index.Compact(t.Context(), d); err != nil {
		t.Fatal(err)
	}

	if n := pieces(); before < 2 || n != 1 {
		t.Errorf("%d pieces, and then %d", before, n)
	}
	if old, now, one := found("round0x"), found("round3x"), found("w7x"); old != 0 || now != 50 || one != 1 {
		t.Errorf("found %d of the first round, %d of the last, %d of one", old, now, one)
	}
}

// U8: the words of a document that was removed, or that were taken out of one, are not left in the database's file.
func TestCompactLeavesNoWordOfWhatWasRemoved(t *testing.T) {
	d := dbtest.SQLite(t, nil)
	put := func(ref, body string) {
		t.Helper()
		err := d.Tx(t.Context(), func(tx *db.Tx) error {
			return index.Put(tx, index.Document{Kind: index.Question, Ref: ref, Language: "en", Title: "Question", Body: body, Public: true})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	left := func(word string) bool {
		t.Helper()
		if err := d.Scrub(t.Context()); err != nil {
			t.Fatal(err)
		}
		file, err := os.ReadFile(d.Path)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(file, []byte(word))
	}
	put("gone", "quzephyrine")
	put("changed", "kwyjibobo")
	put("stays", "bystander")
	before := left("quzephyrine") && left("kwyjibobo")

	put("changed", "nothing")
	if err := d.Tx(t.Context(), func(tx *db.Tx) error { return index.Remove(tx, index.Question, "gone") }); err != nil {
		t.Fatal(err)
	}
	for range 2 { // a second time there is one piece
		if err := errors.Join(index.Recount(t.Context(), d), index.Compact(t.Context(), d)); err != nil {
			t.Fatal(err)
		}
	}

	if !before || left("quzephyrine") || left("kwyjibobo") || !left("bystander") {
		t.Error(before, left("quzephyrine"), left("kwyjibobo"), left("bystander"))
	}
}
