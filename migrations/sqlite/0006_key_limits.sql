-- What a key may be bound to beyond its scopes, and which unused scopes were taken away from it.
-- +goose Up

ALTER TABLE keys ADD COLUMN networks TEXT NOT NULL DEFAULT ''; -- parted by spaces; empty: any
ALTER TABLE keys ADD COLUMN origins TEXT NOT NULL DEFAULT ''; -- parted by spaces; empty: any
ALTER TABLE key_grants ADD COLUMN granted_at TIMESTAMP; -- null: when the key was made

CREATE TABLE key_grants_taken (
  key_id   TEXT NOT NULL REFERENCES keys (id),
  scope_id TEXT NOT NULL REFERENCES scopes (id),
  taken_at TIMESTAMP NOT NULL,
  PRIMARY KEY (key_id, scope_id)
);
