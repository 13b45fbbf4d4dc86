-- Acts on many keys at once: a preview that fixes the keys, then a job that does it in parts; and what lists of a hundred thousand keys sort by.
-- +goose Up

CREATE TABLE key_bulks (
  id          TEXT PRIMARY KEY,
  verb        TEXT NOT NULL CHECK (verb IN ('revoke', 'pause', 'shorten', 'resume')),
  made_by     TEXT REFERENCES users (id),
  filter      TEXT NOT NULL, -- JSON; empty for resuming
  of_bulk     TEXT REFERENCES key_bulks (id), -- of resuming: whose keys
  ends_at     TIMESTAMP, -- of shortening
  reason      TEXT NOT NULL DEFAULT '',
  keys        INTEGER NOT NULL DEFAULT 0, -- fixed by the preview
  used        INTEGER NOT NULL DEFAULT 0, -- of these, used in the hour before it
  calls       BIGINT NOT NULL DEFAULT 0, -- in that hour
  done        INTEGER NOT NULL DEFAULT 0, -- changed by the act
  left_alone  INTEGER NOT NULL DEFAULT 0, -- there was nothing to change any more
  expires_at  TIMESTAMP NOT NULL, -- of the preview
  started_at  TIMESTAMP, -- null: a preview
  started_by  TEXT REFERENCES users (id),
  moved_at    TIMESTAMP, -- when the job last did something
  stopped_at  TIMESTAMP, -- when staff asked for it
  finished_at TIMESTAMP, -- also of one that was stopped
  told_at     TIMESTAMP, -- when the last mail was queued
  created_at  TIMESTAMP NOT NULL
);
CREATE INDEX key_bulks_created ON key_bulks (created_at, id); -- the list
CREATE INDEX key_bulks_stale ON key_bulks (expires_at) WHERE started_at IS NULL; -- swept
CREATE INDEX key_bulks_open ON key_bulks (moved_at) WHERE started_at IS NOT NULL AND told_at IS NULL; -- taken up again

CREATE TABLE key_bulk_keys (
  bulk_id       TEXT NOT NULL REFERENCES key_bulks (id),
  key_id        TEXT NOT NULL REFERENCES keys (id),
  result        INTEGER NOT NULL DEFAULT 0, -- 0 waits, 1 done, 2 left alone
  paused_before TEXT, -- of pausing: why it was paused already; null: it was not
  at            TIMESTAMP,
  PRIMARY KEY (bulk_id, key_id)
);
CREATE INDEX key_bulk_keys_key ON key_bulk_keys (key_id); -- a key's page
CREATE INDEX key_bulk_keys_waiting ON key_bulk_keys (bulk_id, key_id) WHERE result = 0; -- the job's next part

CREATE TABLE key_bulk_shares (
  bulk_id         TEXT NOT NULL REFERENCES key_bulks (id),
  app_id          TEXT NOT NULL REFERENCES apps (id),
  organization_id TEXT NOT NULL REFERENCES organizations (id),
  keys            INTEGER NOT NULL,
  used            INTEGER NOT NULL,
  calls           BIGINT NOT NULL,
  told_at         TIMESTAMP,
  PRIMARY KEY (bulk_id, app_id)
);
CREATE INDEX key_bulk_shares_untold ON key_bulk_shares (bulk_id, organization_id) WHERE told_at IS NULL; -- the next mail

INSERT INTO key_bulks (id, verb, made_by, filter, reason, keys, calls, done, left_alone, expires_at, started_at, started_by, moved_at, finished_at, told_at, created_at)
  SELECT id, 'revoke', made_by, filter, reason, keys, calls, revoked, keys - revoked, expires_at, finished_at, made_by, finished_at, finished_at, finished_at, created_at
  FROM key_revocations WHERE finished_at IS NOT NULL;
INSERT INTO key_bulk_keys (bulk_id, key_id, result, at) SELECT z.revocation_id, z.key_id, 1, r.finished_at
  FROM key_revocation_keys z JOIN key_revocations r ON r.id = z.revocation_id WHERE r.finished_at IS NOT NULL;

CREATE INDEX keys_name ON keys (LOWER(name), id); -- lists by name
CREATE INDEX keys_expiry ON keys (COALESCE(expires_at, 253402214400000000), id); -- lists by expiry
CREATE INDEX keys_used ON keys (COALESCE(last_used_at, 0), id); -- lists by last use
