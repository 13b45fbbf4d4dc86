// Package index is the search index: documents by the words in them. Of who reads it knows what documents are marked with; callers filter what Find returns by their
// own rules.
//
// Text is analysed here, the same way for both databases: folded, split, stemmed (English and German), Japanese and Chinese as pairs of characters, codes and
// paths kept whole besides. The engine (FTS5, or tsvector under GIN) only keeps which documents have a term and is asked for lists of them; what
// is best is decided here, from the terms of at most MaxCandidates documents. So both databases rank alike, and nothing that somebody typed is
// ever read as a query language: a query is made of terms that this package made.
package index

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Version of the analysis. Documents put under another one are analysed again by Reindex of the guide area.
const Version = 4

// Kinds of documents.
const (
	Guide    = "guide"
	Tutorial = "tutorial"
	API      = "api"
	Question = "question"
)

// Document is something that can be found.
type Document struct {
	Kind     string
	Ref      string // slug of a page, canonical text of the id of an API or a question
	Language string // en, de, ja; empty: guessed
	Title    string
	Body     string   // all that belongs to it, such as the public words of a thread; Markdown may stay
	Codes    []string // scopes, paths, error codes: found whole, with the weight of a title
	Tags     []string
	Public   bool   // anybody may read it: its words may be suggested to everybody
	Readers  string // the mark of those who may, when not anybody may; empty: staff alone
	Solved   bool   // goes slightly ahead of its like
}

// Bounds of what is kept of one document.
const (
	maxBody    = 200_000 // bytes of the body that are analysed
	maxExcerpt = 6_000   // bytes of the body that are kept for excerpts
	maxTerms   = 4_000   // different terms
)

// Put adds the document or takes the place of the one with its kind and ref. Putting the same again costs one read. Call it in the transaction that
// changes what the document is made of.
func Put(tx *db.Tx, d Document) error {
	stamp := d.stamp()
	old, err := find(tx, d.Kind, d.Ref)
	if err != nil || old.Stamp == stamp {
		return err
	}
	a := analyse(d)
	id, err := write(tx, old.ID, d, a, stamp)
	if err != nil {
		return err
	}
	return putPublic(tx, id, old.ID != 0, d)
}

// Remove takes a document out; one that is not there is no error.
func Remove(tx *db.Tx, kind, ref string) error {
	old, err := find(tx, kind, ref)
	if err != nil || old.ID == 0 {
		return err
	}
	statements := []string{"DELETE FROM search_public_words WHERE document_id = ?", "DELETE FROM search_documents WHERE id = ?"}
	if tx.Home.Dialect == db.SQLite {
		statements = append(statements, "DELETE FROM search_index WHERE rowid = ?")
	}
	for _, statement := range statements {
		if _, err := tx.Run(statement, old.ID); err != nil {
			return err
		}
	}
	return nil
}

// IsPublic reports whether a document is in the index as one that anybody may read.
func IsPublic(tx *db.Tx, kind, ref string) (bool, error) {
	var rows []bool
	err := tx.Raw("SELECT public FROM search_documents WHERE kind = ? AND ref = ?", kind, ref).Scan(&rows).Error
	return len(rows) > 0 && rows[0], err
}

type stored struct {
	ID    int64
	Stamp string
}

func find(tx *db.Tx, kind, ref string) (stored, error) {
	var rows []stored
	if err := tx.Raw("SELECT id, digest AS stamp FROM search_documents WHERE kind = ? AND ref = ?", kind, ref).Scan(&rows).Error; err != nil || len(rows) == 0 {
		return stored{}, err
	}
	return rows[0], nil
}

// stamp is a digest of all that was put, and of the version of the analysis.
func (d Document) stamp() string {
	h := sha256.New()
	for _, part := range []string{
		strconv.Itoa(Version), d.Kind, d.Language, d.Title, d.Body, strings.Join(d.Codes, "\x1f"), strings.Join(d.Tags, "\x1f"),
		strconv.FormatBool(d.Public), d.Readers, strconv.FormatBool(d.Solved),
	} {
		_, _ = h.Write([]byte(part))
		_, _ = h.Write([]byte{0x1e})
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

const upsert = ` ON CONFLICT (kind, ref) DO UPDATE SET language = excluded.language, title = excluded.title, body = excluded.body, heads = excluded.heads, words = excluded.words,
	length = excluded.length, public = excluded.public, solved = excluded.solved, digest = excluded.digest, version = excluded.version, updated_at = excluded.updated_at`

func write(tx *db.Tx, old int64, d Document, a analysis, stamp string) (int64, error) {
	args := []any{d.Kind, d.Ref, a.language, clip(d.Title, 300), clip(plain(d.Body), maxExcerpt), a.heads(), a.words(), a.length, d.Public, d.Solved, stamp, Version, tx.Now}
	var id int64
	if tx.Home.Dialect == db.Postgres {
		err := tx.Raw(`INSERT INTO search_documents (kind, ref, language, title, body, heads, words, length, public, solved, digest, version, updated_at, terms)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, array_to_tsvector(string_to_array(?, ' ')))`+upsert+", terms = excluded.terms RETURNING id", append(args, a.terms(d))...).Scan(&id).Error
		return id, err
	}
	if err := tx.Raw(`INSERT INTO search_documents (kind, ref, language, title, body, heads, words, length, public, solved, digest, version, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`+upsert+" RETURNING id", args...).Scan(&id).Error; err != nil {
		return 0, err
	}
	if old != 0 {
		if _, err := tx.Run("DELETE FROM search_index WHERE rowid = ?", id); err != nil {
			return 0, err
		}
	}
	_, err := tx.Run("INSERT INTO search_index (rowid, terms) VALUES (?, ?)", id, a.terms(d))
	return id, err
}
