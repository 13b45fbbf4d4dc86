package index

import (
	"context"
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// sampled is the number of documents from which on PostgreSQL counts a sixteenth of them.
const sampled = 20_000

type counted struct {
	Term string
	Docs int64
}

// Recount counts which terms are common, and sweeps spellings of words that no public document has any more. Run it now and then: until then a common term costs
// a longer list, nothing else. It reads the engine's whole vocabulary.
func Recount(ctx context.Context, d *db.DB) error {
	q := d.Read(ctx)
	var total int64
	if err := q.Raw("SELECT COUNT(*) FROM search_documents").Scan(&total).Error; err != nil {
		return err
	}
	terms, err := vocabulary(d, q, total)
	if err != nil {
		return err
	}
	return d.Tx(ctx, func(tx *db.Tx) error {
		if _, err := tx.Run("DELETE FROM search_terms"); err != nil {
			return err
		}
		for part := range slices.Chunk(append(terms, counted{"", total}), 400) {
			rows := make([]any, 0, 2*len(part))
			for _, t := range part {
				rows = append(rows, t.Term, t.Docs)
			}
			if _, err := tx.Run("INSERT INTO search_terms (term, docs) VALUES "+strings.TrimSuffix(strings.Repeat("(?, ?), ", len(part)), ", ")+" ON CONFLICT DO NOTHING", rows...); err != nil {
				return err
			}
		}
		_, err := tx.Run("DELETE FROM search_spellings WHERE NOT EXISTS (SELECT 1 FROM search_public_words p WHERE p.word = search_spellings.word)")
		return err
	})
}

// vocabulary counts common terms, but for those under a mark of readers, which are never asked for as common.
func vocabulary(d *db.DB, q *gorm.DB, total int64) ([]counted, error) {
	var terms []counted
	switch {
	case d.Dialect == db.SQLite:
		return terms, q.Raw("SELECT term, doc AS docs FROM search_vocabulary WHERE doc >= ? AND term NOT LIKE '@%'", common).Scan(&terms).Error
	case total < sampled:
		return terms, q.Raw("SELECT word AS term, ndoc AS docs FROM ts_stat('SELECT terms FROM search_documents') WHERE ndoc >= ? AND word NOT LIKE '@%'", common).Scan(&terms).Error
	}
	return terms, q.Raw("SELECT word AS term, CAST(ndoc AS bigint) * 16 AS docs FROM ts_stat('SELECT terms FROM search_documents WHERE id % 16 = 7') WHERE ndoc >= ? AND word NOT LIKE '@%'", common/16).Scan(&terms).Error
}

// compactPages is how much one transaction of Compact writes, in pages of SQLite: others wait for it.
const compactPages = 200

// Compact makes the engine's index one piece again, without what was replaced or removed in it: searches step over that, and its words stay readable in the file until then
// (U8). Run it each day, and when all was put anew. It does nothing where the database tends its index itself.
func Compact(ctx context.Context, d *db.DB) error {
	if d.Dialect != db.SQLite {
		return nil
	}
	for pages := -compactPages; ; pages = compactPages { // the first, by its sign, lays all pieces together to be merged
		var before, after int64
		err := d.Tx(ctx, func(tx *db.Tx) error {
			if err := tx.Raw("SELECT total_changes()").Scan(&before).Error; err != nil {
				return err
			}
			if _, err := tx.Run("INSERT INTO search_index (search_index, rank) VALUES ('merge', ?)", pages); err != nil {
				return err
			}
			return tx.Raw("SELECT total_changes()").Scan(&after).Error
		})
		if err != nil {
			return err
		}
		if after-before < 2 { // the documented sign that there was nothing to merge
			return d.Scrub(ctx)
		}
	}
}
