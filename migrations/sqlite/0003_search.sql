-- Search: what is found by which words. The program analyses text; the engine keeps, for each term, the documents that have it.
-- +goose Up

CREATE TABLE search_documents (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  kind       TEXT NOT NULL CHECK (kind IN ('guide', 'tutorial', 'api', 'question')),
  ref        TEXT NOT NULL, -- slug of a page, id of an API or a question
  language   TEXT NOT NULL,
  title      TEXT NOT NULL,
  body       TEXT NOT NULL, -- how it begins, for excerpts
  heads      TEXT NOT NULL, -- terms of title, tags and codes: a line each
  words      TEXT NOT NULL, -- terms of the body: each once, with how often
  length     INTEGER NOT NULL, -- terms of the body in all
  public     BOOLEAN NOT NULL, -- anybody may read it
  solved     BOOLEAN NOT NULL,
  digest     TEXT NOT NULL, -- of what was put, so that the same again costs nothing
  version    INTEGER NOT NULL, -- of the analysis
  updated_at TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX search_documents_ref ON search_documents (kind, ref); -- one a document

CREATE VIRTUAL TABLE search_index USING fts5(terms, content='', contentless_delete=1, detail=none, tokenize="ascii tokenchars '-_./:{}@#=~^+'"); -- rowid is the document's id
CREATE VIRTUAL TABLE search_vocabulary USING fts5vocab(search_index, row);

CREATE TABLE search_terms ( -- terms that many documents have, counted now and then
  term TEXT PRIMARY KEY, -- the empty one counts the documents
  docs INTEGER NOT NULL
);

-- what may be suggested to anybody: words of public documents

CREATE TABLE search_public_words (
  word        TEXT NOT NULL,
  document_id INTEGER NOT NULL REFERENCES search_documents (id),
  PRIMARY KEY (word, document_id)
);
CREATE INDEX search_public_words_document ON search_public_words (document_id); -- replaced with the document

CREATE TABLE search_spellings ( -- each word with one letter left out
  variant TEXT NOT NULL,
  word    TEXT NOT NULL,
  PRIMARY KEY (variant, word)
);
CREATE INDEX search_spellings_word ON search_spellings (word); -- swept when no public document has it any more

-- searches that found nothing: the words, and nothing of who asked

CREATE TABLE search_misses (
  id       TEXT PRIMARY KEY,
  text     TEXT NOT NULL,
  times    INTEGER NOT NULL,
  first_at TIMESTAMP NOT NULL,
  last_at  TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX search_misses_text ON search_misses (text); -- counted by their text
CREATE INDEX search_misses_times ON search_misses (times, id); -- the list, most often first
CREATE INDEX search_misses_last ON search_misses (last_at, id); -- the list, newest first; the oldest are swept
