-- Keys that were made elsewhere: one row an import, with the form of their texts and how they were digested.
-- +goose Up

CREATE TABLE key_imports (
  id         TEXT PRIMARY KEY,
  made_by    TEXT REFERENCES users (id), -- null: the operator
  label      TEXT NOT NULL,
  algorithm  TEXT NOT NULL CHECK (algorithm IN ('sha256', 'hmac-sha256')),
  secret     TEXT NOT NULL DEFAULT '', -- of the HMAC, sealed; empty once no key needs it
  prefix     TEXT NOT NULL,
  alphabet   TEXT NOT NULL,
  length     INTEGER NOT NULL,
  keys       INTEGER NOT NULL,
  finished_at TIMESTAMP, -- when the last part was stored; before that none of its keys works
  settled_at TIMESTAMP, -- since then no key is kept under the old digest
  created_at TIMESTAMP NOT NULL
);
CREATE INDEX key_imports_created ON key_imports (created_at, id); -- the list
CREATE INDEX key_imports_open ON key_imports (id) WHERE settled_at IS NULL; -- what may be settled

ALTER TABLE keys ADD COLUMN import_id TEXT REFERENCES key_imports (id); -- null: made here
CREATE INDEX keys_import ON keys (import_id, digest_algorithm) WHERE import_id IS NOT NULL; -- keys of an import, and those not used yet

CREATE UNIQUE INDEX keys_import_digest ON keys (digest) WHERE pepper_version = 'import'; -- a key is imported once
CREATE INDEX keys_revoked ON keys (created_at, id) WHERE revoked_at IS NOT NULL; -- lists of revoked keys
CREATE INDEX keys_paused ON keys (created_at, id) WHERE paused_at IS NOT NULL; -- lists of paused keys
CREATE INDEX keys_last_four_any_case ON keys (LOWER(last_four)); -- found by a hint noted down in another case
