-- Passkeys of people: what they prove is kept beside the other factors, so that whoever removes factors removes them, too. The previous program never makes one; it
-- takes a recovery code from who has nothing else.
-- +goose Up

ALTER TABLE factors ADD COLUMN credential_id bytea; -- of a passkey: by which its authenticator names it
ALTER TABLE factors ADD COLUMN public_key bytea; -- of a passkey: a COSE key
ALTER TABLE factors ADD COLUMN sign_count BIGINT NOT NULL DEFAULT 0; -- of a passkey: the highest that was seen; 0: its authenticator doesn't count
ALTER TABLE factors ADD COLUMN backup_eligible boolean NOT NULL DEFAULT FALSE; -- of a passkey: whether it may live on several devices, which never changes
ALTER TABLE factors ADD COLUMN transports TEXT NOT NULL DEFAULT ''; -- of a passkey: how its authenticator is reached, parted by spaces
ALTER TABLE factors ADD COLUMN counted_back_at timestamptz; -- of a passkey: when somebody last showed it with a count that had been there before
CREATE UNIQUE INDEX factors_credential ON factors (credential_id);

CREATE TABLE ceremonies (
  digest     bytea PRIMARY KEY, -- SHA-256 of the challenge, which is answered once
  kind       TEXT NOT NULL CHECK (kind IN ('add', 'show', 'enter')),
  bound      TEXT NOT NULL, -- the session for which it is; of signing in, the digest of the browser's cookie
  user_id    uuid REFERENCES users (id) ON DELETE CASCADE, -- null: signing in, by whom is not known yet
  expires_at timestamptz NOT NULL
);
CREATE INDEX ceremonies_expire ON ceremonies (expires_at); -- swept
