-- Signing in from elsewhere: who somebody is at a provider, and which sessions a provider began, so that it can end them. The previous program knows of no provider: it lets
-- nobody in by one, and ends sessions as ever.
-- +goose Up

CREATE TABLE identities (
  id           uuid PRIMARY KEY,
  user_id      uuid NOT NULL REFERENCES users (id),
  issuer       TEXT NOT NULL, -- with subject, who it is for good: names and addresses may become another person's
  subject      TEXT NOT NULL,
  address      TEXT NOT NULL DEFAULT '', -- as the provider last told
  last_used_at timestamptz,
  created_at   timestamptz NOT NULL
);
CREATE UNIQUE INDEX identities_subject ON identities (issuer, subject); -- each sign-in
CREATE INDEX identities_user ON identities (user_id); -- shown to their owner

CREATE TABLE provider_visits (
  id          uuid PRIMARY KEY,
  digest      bytea NOT NULL, -- SHA-256 over 256 random bits, which are in the browser's cookie alone
  provider    TEXT NOT NULL, -- its name in the settings
  issuer      TEXT NOT NULL,
  subject     TEXT NOT NULL,
  sid         TEXT NOT NULL DEFAULT '', -- of the session there
  address     TEXT NOT NULL DEFAULT '', -- canonical; empty: none was told
  verified    BOOLEAN NOT NULL DEFAULT FALSE, -- the provider says that the address is theirs, or a mail to it showed that
  name        TEXT NOT NULL DEFAULT '',
  factor      BOOLEAN NOT NULL DEFAULT FALSE, -- a second factor that counts was shown there
  next_path   TEXT NOT NULL DEFAULT '',
  link_digest bytea, -- SHA-256 over the token of the newest mail; null: none was sent
  expires_at  timestamptz NOT NULL,
  created_at  timestamptz NOT NULL
);
CREATE UNIQUE INDEX provider_visits_digest ON provider_visits (digest); -- each step of a visit
CREATE INDEX provider_visits_expiry ON provider_visits (expires_at); -- swept

CREATE TABLE provider_sessions (
  session_id uuid PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
  issuer     TEXT NOT NULL,
  subject    TEXT NOT NULL,
  sid        TEXT NOT NULL DEFAULT ''
);
CREATE INDEX provider_sessions_subject ON provider_sessions (issuer, subject); -- ended when the provider says so

CREATE TABLE provider_logouts (
  digest     bytea PRIMARY KEY, -- SHA-256 over issuer and id of a logout token that was taken
  expires_at timestamptz NOT NULL
);
CREATE INDEX provider_logouts_expiry ON provider_logouts (expires_at); -- swept
