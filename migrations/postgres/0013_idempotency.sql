-- An act by the management API is done once, however often its call is repeated.
-- +goose Up

CREATE TABLE idempotency_keys (
  caller_id      uuid NOT NULL REFERENCES keys (id), -- the key that called
  digest         bytea NOT NULL, -- SHA-256 of the operation and the text that the caller chose
  request_digest bytea NOT NULL, -- SHA-256 of what was asked
  status         INTEGER, -- of the answer; NULL while the call runs
  answer         TEXT NOT NULL DEFAULT '', -- its body, without secrets
  created_at     timestamptz NOT NULL,
  PRIMARY KEY (caller_id, digest)
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at); -- swept
