-- Second factors of people. Who has one that is confirmed has signed in once they showed one: sessions.factor_at tells when. The previous program asks for none.
-- +goose Up

ALTER TABLE sessions ADD COLUMN factor_at TIMESTAMP; -- when a factor was last shown; null: never in this session

CREATE TABLE factors (
  id            TEXT PRIMARY KEY,
  user_id       TEXT NOT NULL REFERENCES users (id),
  kind          TEXT NOT NULL CHECK (kind IN ('totp', 'passkey')),
  name          TEXT NOT NULL, -- as its owner calls it
  secret_sealed TEXT NOT NULL DEFAULT '', -- of totp: the seed, sealed for this id
  last_step     BIGINT NOT NULL DEFAULT 0, -- of totp: of the newest code that was taken; none at or before it counts again
  confirmed_at  TIMESTAMP, -- null: being set up, and of no use yet
  last_used_at  TIMESTAMP,
  created_at    TIMESTAMP NOT NULL
);
CREATE INDEX factors_user ON factors (user_id); -- each signed-in request asks whether there is one

CREATE TABLE recovery_codes (
  digest     BLOB PRIMARY KEY, -- SHA-256 over 120 random bits
  user_id    TEXT NOT NULL REFERENCES users (id),
  used_at    TIMESTAMP,
  created_at TIMESTAMP NOT NULL
);
CREATE INDEX recovery_codes_user ON recovery_codes (user_id); -- counted, and replaced together

CREATE TABLE factor_failures (
  user_id  TEXT PRIMARY KEY REFERENCES users (id),
  failures INTEGER NOT NULL -- wrong codes of apps in a row
);
