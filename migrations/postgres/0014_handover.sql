-- Who answers for a key once its maker has left, and links that hand a new secret over once.
-- +goose Up

ALTER TABLE keys ADD COLUMN responsible_id uuid REFERENCES users (id); -- null: its maker
ALTER TABLE keys ADD COLUMN confirmed_at timestamptz; -- when an admin of the organization said so
CREATE INDEX keys_created_by ON keys (created_by); -- keys of who leaves
CREATE INDEX keys_responsible ON keys (responsible_id) WHERE responsible_id IS NOT NULL; -- the same

CREATE TABLE key_handovers (
  id             uuid PRIMARY KEY,
  key_id         uuid NOT NULL REFERENCES keys (id),
  made_by        uuid REFERENCES users (id), -- null: the operator
  digest         bytea NOT NULL,
  sealed         TEXT, -- under a key that is in the link alone; null once the link is over
  expires_at     timestamptz NOT NULL,
  opened_at      timestamptz,
  opened_network TEXT NOT NULL DEFAULT '',
  tried_again_at timestamptz, -- after it was opened: told once
  cancelled_at   timestamptz,
  created_at     timestamptz NOT NULL
);
CREATE UNIQUE INDEX key_handovers_digest ON key_handovers (digest); -- the link
CREATE INDEX key_handovers_key ON key_handovers (key_id, created_at); -- the key's page
CREATE INDEX key_handovers_sealed ON key_handovers (expires_at) WHERE sealed IS NOT NULL; -- swept
