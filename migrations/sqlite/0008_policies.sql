-- Rules for the life of keys by subject, what is planned to change in them, and what is due to keys that break them.
-- +goose Up

ALTER TABLE keys ADD COLUMN paused_cause TEXT NOT NULL DEFAULT ''; -- while paused: '' a person, else idle, age, networks, leak or bulk
ALTER TABLE keys ADD COLUMN resumed_at TIMESTAMP; -- null: never

-- subject_id of the installation is all zeros. Until its row is there, the setting key_policy says what holds.
CREATE TABLE key_policies (
  subject_kind  TEXT NOT NULL CHECK (subject_kind IN ('installation', 'organization', 'api', 'plan', 'scope')),
  subject_id    TEXT NOT NULL,
  default_days  INTEGER,
  max_days      INTEGER,
  never_allowed BOOLEAN,
  idle_days     INTEGER,
  rotate_days   INTEGER,
  keys_per_app  INTEGER,
  networks      BOOLEAN,
  updated_at    TIMESTAMP NOT NULL,
  PRIMARY KEY (subject_kind, subject_id)
);

-- First a preview, which fixes the keys that it hits; then, once, saved: from made_at on for new keys, from effective_at on for those that were there.
CREATE TABLE key_policy_changes (
  id           TEXT PRIMARY KEY,
  subject_kind TEXT NOT NULL,
  subject_id   TEXT NOT NULL,
  made_by      TEXT REFERENCES users (id),
  rules_before TEXT NOT NULL,
  rules_after  TEXT NOT NULL,
  notice_days  INTEGER NOT NULL DEFAULT 0,
  keys         INTEGER NOT NULL,
  summary      TEXT NOT NULL DEFAULT '{}', -- JSON: what it hits, by rule and organization
  expires_at   TIMESTAMP NOT NULL, -- of the preview
  made_at      TIMESTAMP, -- null: a preview
  effective_at TIMESTAMP,
  created_at   TIMESTAMP NOT NULL
);
CREATE INDEX key_policy_changes_pending ON key_policy_changes (effective_at) WHERE effective_at IS NOT NULL;

CREATE TABLE key_policy_change_keys (
  change_id TEXT NOT NULL REFERENCES key_policy_changes (id),
  key_id    TEXT NOT NULL REFERENCES keys (id),
  breaks    INTEGER NOT NULL, -- the rules that it breaks: 1 life, 2 idle, 4 age, 8 networks
  told_at   TIMESTAMP,
  PRIMARY KEY (change_id, key_id)
);
CREATE INDEX key_policy_change_keys_key ON key_policy_change_keys (key_id);

-- What a key's people were told: nothing is paused or given an end without such a row, and not before its day.
CREATE TABLE key_policy_dues (
  key_id       TEXT NOT NULL REFERENCES keys (id),
  rule         TEXT NOT NULL CHECK (rule IN ('life', 'idle', 'age', 'networks')),
  subject_kind TEXT NOT NULL,
  subject_id   TEXT NOT NULL,
  days         INTEGER NOT NULL, -- that the rule names; 0 for networks
  due_at       TIMESTAMP NOT NULL,
  told         INTEGER NOT NULL DEFAULT 0, -- warnings that were mailed
  created_at   TIMESTAMP NOT NULL,
  PRIMARY KEY (key_id, rule)
);
CREATE INDEX key_policy_dues_due ON key_policy_dues (due_at, key_id, rule);
CREATE INDEX keys_unpaused_created ON keys (created_at) WHERE revoked_at IS NULL AND paused_at IS NULL; -- idle and old keys
