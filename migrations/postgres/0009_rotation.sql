-- A rotation can be extended once and undone; notices of expiry are told once to each reader; calendars of expiries are read by a secret address.
-- +goose Up

ALTER TABLE keys ADD COLUMN overlap_extended_at timestamptz; -- of a key in its overlap: when that was made longer, which is once
ALTER TABLE keys ADD COLUMN rotation_undone_at timestamptz; -- of the new key: the old one went on, and may be rotated again

DROP INDEX keys_rotated_from;
CREATE UNIQUE INDEX keys_rotated_from ON keys (rotated_from) WHERE rotated_from IS NOT NULL AND rotation_undone_at IS NULL; -- one new key at a time
CREATE INDEX keys_overlap_ends ON keys (overlap_ends_at) WHERE overlap_ends_at IS NOT NULL; -- mails about old keys

-- What each reader was told of a key: another end is another matter. What was told before this table was there stands in key_notices.
CREATE TABLE key_notices_told (
  user_id uuid NOT NULL REFERENCES users (id),
  key_id  uuid NOT NULL REFERENCES keys (id),
  kind    TEXT NOT NULL CHECK (kind IN ('30d', '14d', '7d', '1d', 'expired')),
  ends_at timestamptz NOT NULL,
  told_at timestamptz NOT NULL,
  PRIMARY KEY (user_id, key_id, kind, ends_at)
);
CREATE INDEX key_notices_told_at ON key_notices_told (told_at); -- swept

-- Up to which of its mornings the readers of a time zone have their digests.
CREATE TABLE key_notice_zones (
  zone  TEXT PRIMARY KEY,
  until timestamptz NOT NULL
);

CREATE TABLE key_calendars (
  organization_id uuid NOT NULL REFERENCES organizations (id),
  user_id         uuid NOT NULL REFERENCES users (id),
  digest          bytea NOT NULL, -- SHA-256 of the address's random part
  generation      INTEGER NOT NULL,
  created_at      timestamptz NOT NULL, -- of this generation
  last_read_at    timestamptz,
  PRIMARY KEY (organization_id, user_id)
);
CREATE UNIQUE INDEX key_calendars_digest ON key_calendars (digest); -- each reading
