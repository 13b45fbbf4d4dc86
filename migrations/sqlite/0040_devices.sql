-- Browsers in which people signed in, and by what means each session began. The previous program knows of neither: its sessions say nothing of means, and their browser is
-- noted when somebody signs in there anew.
-- +goose Up

ALTER TABLE sessions ADD COLUMN means TEXT NOT NULL DEFAULT ''; -- password, passkey, provider, setup, link; empty: before it was noted
ALTER TABLE sessions ADD COLUMN provider TEXT NOT NULL DEFAULT ''; -- of means provider: its name
ALTER TABLE sessions ADD COLUMN device_id TEXT; -- null: the second factor is yet to be shown, or from before

CREATE TABLE devices (
  id           TEXT PRIMARY KEY,
  user_id      TEXT NOT NULL REFERENCES users (id),
  digest       BLOB NOT NULL, -- SHA-256 over the user's id and 256 random bits, which are in the browser's cookie alone
  user_agent   TEXT NOT NULL DEFAULT '',
  network      TEXT NOT NULL DEFAULT '', -- as far as networks are kept
  last_seen_at TIMESTAMP NOT NULL, -- the last good sign-in there
  created_at   TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX devices_digest ON devices (digest); -- each sign-in
CREATE INDEX devices_user ON devices (user_id); -- forgotten with the password, and with the account
CREATE INDEX devices_seen ON devices (last_seen_at); -- swept
