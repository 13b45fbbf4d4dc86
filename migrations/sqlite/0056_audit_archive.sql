-- Archived parts of the audit log: the oldest events, written into files, closed by a signed statement, and removed. The previous program archives none, and its verification says of a log with archived parts that it is not whole.
-- +goose Up

CREATE TABLE audit_archives (
  last_seq      INTEGER PRIMARY KEY,
  first_seq     INTEGER NOT NULL,
  previous_hash BLOB NOT NULL, -- of the event before the first
  hash          BLOB NOT NULL, -- of the last event
  at            TIMESTAMP NOT NULL,
  public_key    TEXT NOT NULL, -- Ed25519, base64
  signature     TEXT NOT NULL, -- over first_seq, last_seq, both hashes and at, base64
  released_at   TIMESTAMP -- when the operator said that the file was taken elsewhere for good; NULL: it is in the folder
);
CREATE UNIQUE INDEX audit_archives_first ON audit_archives (first_seq); -- no two parts begin alike: of two replicas one archives

-- What is still to be erased from archived parts. The value itself is not kept.
CREATE TABLE audit_erasures (
  id        TEXT PRIMARY KEY,
  upto      INTEGER NOT NULL, -- the last event that was archived then
  done      INTEGER NOT NULL DEFAULT 0, -- the last event of the last part that was worked through
  person_id TEXT, -- all of what they did and what was done to them; NULL: the value
  salt      BLOB,
  digest    TEXT NOT NULL DEFAULT '', -- of salt and value
  at        TIMESTAMP NOT NULL
);

DROP TRIGGER audit_events_no_delete;
-- +goose StatementBegin
CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events WHEN OLD.seq > (SELECT COALESCE(MAX(last_seq), 0) FROM audit_archives)
BEGIN SELECT RAISE(ABORT, 'audit events are append-only'); END;
-- +goose StatementEnd
