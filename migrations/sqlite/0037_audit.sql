-- Signed checkpoints of the audit log: what its head was, and when. The previous program makes none and reads none.
-- +goose Up

CREATE TABLE audit_checkpoints (
  seq        INTEGER PRIMARY KEY, -- of the last event that it covers
  hash       BLOB NOT NULL, -- of that event
  at         TIMESTAMP NOT NULL,
  public_key TEXT NOT NULL, -- Ed25519, base64
  signature  TEXT NOT NULL, -- over seq, hash and at, base64
  told_at    TIMESTAMP -- when it was written down outside; NULL: it waits, or nothing outside is set
);
CREATE INDEX audit_checkpoints_waiting ON audit_checkpoints (seq) WHERE told_at IS NULL; -- what to write down next
