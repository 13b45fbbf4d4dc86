-- Who answers for a key once its maker has left, and links that hand a new secret over once.
-- +goose Up

ALTER TABLE keys ADD COLUMN responsible_id TEXT REFERENCES users (id); -- null: its maker
ALTER TABLE keys ADD COLUMN confirmed_at TIMESTAMP; -- when an admin of the organization said so
CREATE INDEX keys_created_by ON keys (created_by); -- keys of who leaves
CREATE INDEX keys_responsible ON keys (responsible_id) WHERE responsible_id IS NOT NULL; -- the same

CREATE TABLE key_handovers (
  id             TEXT PRIMARY KEY,
  key_id         TEXT NOT NULL REFERENCES keys (id),
  made_by        TEXT REFERENCES users (id), -- null: the operator
  digest         BLOB NOT NULL,
  sealed         TEXT, -- under a key that is in the link alone; null once the link is over
  expires_at     TIMESTAMP NOT NULL,
  opened_at      TIMESTAMP,
  opened_network TEXT NOT NULL DEFAULT '',
  tried_again_at TIMESTAMP, -- after it was opened: told once
  cancelled_at   TIMESTAMP,
  created_at     TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX key_handovers_digest ON key_handovers (digest); -- the link
CREATE INDEX key_handovers_key ON key_handovers (key_id, created_at); -- the key's page
CREATE INDEX key_handovers_sealed ON key_handovers (expires_at) WHERE sealed IS NOT NULL; -- swept
