-- The house as it stands at the first release: people, organizations, the catalogue, access, keys, usage, and what every change carries.
-- +goose Up

CREATE TABLE settings (
  name       TEXT PRIMARY KEY,
  value      TEXT NOT NULL,
  updated_at TIMESTAMP NOT NULL
);

-- account

CREATE TABLE users (
  id                  TEXT PRIMARY KEY,
  email               TEXT NOT NULL,
  name                TEXT NOT NULL,
  display_name        TEXT NOT NULL,
  language            TEXT NOT NULL DEFAULT 'en',
  time_zone           TEXT NOT NULL DEFAULT 'UTC',
  password_sealed     TEXT,
  password_changed_at TIMESTAMP,
  email_verified_at   TIMESTAMP,
  approved_at         TIMESTAMP,
  staff_role          TEXT NOT NULL DEFAULT '',
  suspended_at        TIMESTAMP,
  suspended_until     TIMESTAMP,
  suspended_reason    TEXT NOT NULL DEFAULT '',
  deleted_at          TIMESTAMP,
  last_signed_in_at   TIMESTAMP,
  created_at          TIMESTAMP NOT NULL,
  updated_at          TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX users_email ON users (email); -- sign-in and sign-up; a deleted user's address is replaced
CREATE INDEX users_created ON users (created_at, id); -- the admin's list

CREATE TABLE signups (
  id              TEXT PRIMARY KEY,
  email           TEXT NOT NULL,
  name            TEXT NOT NULL,
  display_name    TEXT NOT NULL,
  language        TEXT NOT NULL,
  time_zone       TEXT NOT NULL,
  password_sealed TEXT NOT NULL,
  browser_digest  BLOB NOT NULL,
  link_digest     BLOB NOT NULL,
  code_digest     BLOB NOT NULL,
  code_tries      INTEGER NOT NULL DEFAULT 0,
  code_expires_at TIMESTAMP NOT NULL,
  expires_at      TIMESTAMP NOT NULL,
  created_at      TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX signups_link ON signups (link_digest); -- the link in the mail
CREATE UNIQUE INDEX signups_browser ON signups (browser_digest); -- the code typed where the sign-up began
CREATE INDEX signups_email ON signups (email); -- ended together when one of them is verified
CREATE INDEX signups_expires ON signups (expires_at); -- swept

CREATE TABLE one_time_links (
  id            TEXT PRIMARY KEY,
  user_id       TEXT NOT NULL REFERENCES users (id),
  purpose       TEXT NOT NULL CHECK (purpose IN ('reset_password', 'change_email', 'undo_email')),
  digest        BLOB NOT NULL,
  email         TEXT NOT NULL DEFAULT '',
  expires_at    TIMESTAMP NOT NULL,
  used_at       TIMESTAMP,
  created_at    TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX one_time_links_digest ON one_time_links (digest); -- the link in the mail
CREATE INDEX one_time_links_user ON one_time_links (user_id, purpose); -- a newer one ends the older

CREATE TABLE sessions (
  id                 TEXT PRIMARY KEY,
  digest             BLOB NOT NULL,
  user_id            TEXT NOT NULL REFERENCES users (id),
  user_agent         TEXT NOT NULL DEFAULT '',
  network            TEXT NOT NULL DEFAULT '',
  factor_pending     BOOLEAN NOT NULL DEFAULT FALSE,
  reauthenticated_at TIMESTAMP NOT NULL,
  last_seen_at       TIMESTAMP NOT NULL,
  expires_at         TIMESTAMP NOT NULL,
  created_at         TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX sessions_digest ON sessions (digest); -- each signed-in request
CREATE INDEX sessions_user ON sessions (user_id); -- listed and ended by person
CREATE INDEX sessions_expires ON sessions (expires_at); -- swept

CREATE TABLE throttles (
  bucket     TEXT PRIMARY KEY,
  taken      INTEGER NOT NULL,
  resets_at  TIMESTAMP NOT NULL
);
CREATE INDEX throttles_resets ON throttles (resets_at); -- swept

CREATE TABLE form_tokens (
  digest     BLOB PRIMARY KEY,
  user_id    TEXT NOT NULL REFERENCES users (id),
  purpose    TEXT NOT NULL,
  made_id    TEXT,
  used_at    TIMESTAMP,
  expires_at TIMESTAMP NOT NULL
);
CREATE INDEX form_tokens_expires ON form_tokens (expires_at); -- swept

-- org

CREATE TABLE organizations (
  id               TEXT PRIMARY KEY,
  kind             TEXT NOT NULL CHECK (kind IN ('personal', 'ordinary', 'company')),
  personal_user_id TEXT REFERENCES users (id),
  name             TEXT NOT NULL,
  technical_email  TEXT NOT NULL DEFAULT '',
  suspended_at     TIMESTAMP,
  suspended_until  TIMESTAMP,
  suspended_reason TEXT NOT NULL DEFAULT '',
  deleted_at       TIMESTAMP,
  created_at       TIMESTAMP NOT NULL,
  updated_at       TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX organizations_personal ON organizations (personal_user_id) WHERE personal_user_id IS NOT NULL; -- one each
CREATE UNIQUE INDEX organizations_company ON organizations (kind) WHERE kind = 'company'; -- the company has one
CREATE INDEX organizations_created ON organizations (created_at, id); -- the admin's list

CREATE TABLE members (
  organization_id TEXT NOT NULL REFERENCES organizations (id),
  user_id         TEXT NOT NULL REFERENCES users (id),
  role            TEXT NOT NULL CHECK (role IN ('viewer', 'developer', 'admin', 'owner')),
  created_at      TIMESTAMP NOT NULL,
  PRIMARY KEY (organization_id, user_id)
);
CREATE INDEX members_user ON members (user_id, organization_id); -- what a person may see

CREATE TABLE apps (
  id               TEXT PRIMARY KEY,
  organization_id  TEXT NOT NULL REFERENCES organizations (id),
  name             TEXT NOT NULL,
  description      TEXT NOT NULL DEFAULT '',
  homepage_url     TEXT NOT NULL DEFAULT '',
  created_by       TEXT REFERENCES users (id),
  suspended_at     TIMESTAMP,
  suspended_until  TIMESTAMP,
  suspended_reason TEXT NOT NULL DEFAULT '',
  deleted_at       TIMESTAMP,
  created_at       TIMESTAMP NOT NULL,
  updated_at       TIMESTAMP NOT NULL
);
CREATE INDEX apps_organization ON apps (organization_id, created_at, id); -- the console's list

-- catalog

CREATE TABLE apis (
  id                  TEXT PRIMARY KEY,
  slug                TEXT NOT NULL,
  name                TEXT NOT NULL,
  publisher_id        TEXT NOT NULL REFERENCES organizations (id),
  summary             TEXT NOT NULL DEFAULT '',
  description         TEXT NOT NULL DEFAULT '',
  data_domain         TEXT NOT NULL DEFAULT '',
  visibility          TEXT NOT NULL DEFAULT 'public' CHECK (visibility IN ('public', 'signed_in', 'invited')),
  refuses_undeclared  BOOLEAN NOT NULL DEFAULT FALSE,
  is_portal           BOOLEAN NOT NULL DEFAULT FALSE,
  terms               TEXT NOT NULL DEFAULT '',
  terms_version       INTEGER NOT NULL DEFAULT 1,
  first_checked_at    TIMESTAMP,
  last_checked_at     TIMESTAMP,
  retired_at          TIMESTAMP,
  created_at          TIMESTAMP NOT NULL,
  updated_at          TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX apis_slug ON apis (slug); -- its page
CREATE INDEX apis_publisher ON apis (publisher_id); -- what a gateway may ask about

CREATE TABLE api_versions (
  id               TEXT PRIMARY KEY,
  api_id           TEXT NOT NULL REFERENCES apis (id),
  name             TEXT NOT NULL,
  state            TEXT NOT NULL CHECK (state IN ('draft', 'live', 'deprecated', 'retired')),
  openapi_document TEXT,
  sunset_at        TIMESTAMP,
  created_at       TIMESTAMP NOT NULL,
  updated_at       TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX api_versions_name ON api_versions (api_id, name); -- one of each name

CREATE TABLE api_environments (
  api_id         TEXT NOT NULL REFERENCES apis (id),
  environment    TEXT NOT NULL CHECK (environment IN ('live', 'test')),
  base_url       TEXT NOT NULL DEFAULT '',
  example_method TEXT NOT NULL DEFAULT 'GET',
  example_path   TEXT NOT NULL DEFAULT '',
  example_body   TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (api_id, environment)
);

CREATE TABLE api_organizations (
  api_id          TEXT NOT NULL REFERENCES apis (id),
  organization_id TEXT NOT NULL REFERENCES organizations (id),
  created_at      TIMESTAMP NOT NULL,
  PRIMARY KEY (api_id, organization_id)
);

CREATE TABLE scopes (
  id           TEXT PRIMARY KEY,
  api_id       TEXT NOT NULL REFERENCES apis (id),
  name         TEXT NOT NULL,
  sentence     TEXT NOT NULL,
  sensitive    BOOLEAN NOT NULL DEFAULT FALSE,
  withdrawn_at TIMESTAMP,
  created_at   TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX scopes_name ON scopes (api_id, name); -- one of each name, never reused

CREATE TABLE route_rules (
  id            TEXT PRIMARY KEY,
  api_id        TEXT NOT NULL REFERENCES apis (id),
  version_id    TEXT REFERENCES api_versions (id),
  method        TEXT NOT NULL,
  path_template TEXT NOT NULL,
  scope_id      TEXT NOT NULL REFERENCES scopes (id),
  created_at    TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX route_rules_route ON route_rules (api_id, method, path_template); -- one answer a route

CREATE TABLE plans (
  id                  TEXT PRIMARY KEY,
  api_id              TEXT NOT NULL REFERENCES apis (id),
  name                TEXT NOT NULL,
  summary             TEXT NOT NULL DEFAULT '',
  rate_requests       INTEGER NOT NULL,
  rate_period_seconds INTEGER NOT NULL,
  burst               INTEGER NOT NULL,
  quota_month         INTEGER,
  needs_approval      BOOLEAN NOT NULL,
  retired_at          TIMESTAMP,
  created_at          TIMESTAMP NOT NULL,
  updated_at          TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX plans_name ON plans (api_id, name); -- one of each name

CREATE TABLE access (
  id               TEXT PRIMARY KEY,
  app_id           TEXT NOT NULL REFERENCES apps (id),
  api_id           TEXT NOT NULL REFERENCES apis (id),
  plan_id          TEXT NOT NULL REFERENCES plans (id),
  state            TEXT NOT NULL CHECK (state IN ('requested', 'approved', 'refused', 'withdrawn', 'suspended', 'ended')),
  purpose          TEXT NOT NULL,
  terms_version    INTEGER NOT NULL DEFAULT 0,
  terms_agreed_at  TIMESTAMP,
  terms_agreed_by  TEXT REFERENCES users (id),
  requested_by     TEXT REFERENCES users (id),
  decided_by       TEXT REFERENCES users (id),
  decided_at       TIMESTAMP,
  reason           TEXT NOT NULL DEFAULT '',
  suspended_until  TIMESTAMP,
  created_at       TIMESTAMP NOT NULL,
  updated_at       TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX access_in_force ON access (app_id, api_id) WHERE state IN ('approved', 'suspended'); -- one in force
CREATE UNIQUE INDEX access_waiting ON access (app_id, api_id) WHERE state = 'requested'; -- one waiting
CREATE INDEX access_api ON access (api_id, state); -- who uses an API
CREATE INDEX access_app ON access (app_id, api_id); -- what a key rests on, read at each miss of verification
CREATE INDEX access_state ON access (state, created_at, id); -- staff's list of requests

CREATE TABLE access_scopes (
  access_id TEXT NOT NULL REFERENCES access (id),
  scope_id  TEXT NOT NULL REFERENCES scopes (id),
  PRIMARY KEY (access_id, scope_id)
);
CREATE INDEX access_scopes_scope ON access_scopes (scope_id); -- whom a withdrawal hits

-- key

CREATE TABLE keys (
  id                TEXT PRIMARY KEY,
  app_id            TEXT NOT NULL REFERENCES apps (id),
  environment       TEXT NOT NULL CHECK (environment IN ('live', 'test')),
  name              TEXT NOT NULL,
  data_domain       TEXT NOT NULL DEFAULT '',
  prefix            TEXT NOT NULL,
  last_four         TEXT NOT NULL,
  foreign_prefix    TEXT NOT NULL DEFAULT '',
  digest_algorithm  TEXT NOT NULL,
  pepper_version    TEXT NOT NULL,
  digest            BLOB NOT NULL,
  metadata          TEXT NOT NULL DEFAULT '{}',
  rate_requests     INTEGER,
  rate_period_seconds INTEGER,
  rate_burst        INTEGER,
  created_by        TEXT REFERENCES users (id),
  expires_at        TIMESTAMP,
  paused_at         TIMESTAMP,
  suspended_at      TIMESTAMP,
  suspended_until   TIMESTAMP,
  suspended_reason  TEXT NOT NULL DEFAULT '',
  revoked_at        TIMESTAMP,
  revoked_by        TEXT REFERENCES users (id),
  revoked_reason    TEXT NOT NULL DEFAULT '',
  rotated_from      TEXT REFERENCES keys (id),
  overlap_ends_at   TIMESTAMP,
  last_used_at      TIMESTAMP,
  last_used_network TEXT NOT NULL DEFAULT '',
  created_at        TIMESTAMP NOT NULL,
  updated_at        TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX keys_digest ON keys (digest_algorithm, pepper_version, digest); -- verification
CREATE UNIQUE INDEX keys_rotated_from ON keys (rotated_from) WHERE rotated_from IS NOT NULL; -- a key is rotated once
CREATE INDEX keys_app ON keys (app_id, created_at, id); -- the console's list
CREATE INDEX keys_created ON keys (created_at, id); -- the admin's list
CREATE INDEX keys_last_four ON keys (last_four); -- found by hint
CREATE INDEX keys_expires ON keys (expires_at); -- notices of expiry

CREATE TABLE key_grants (
  key_id   TEXT NOT NULL REFERENCES keys (id),
  api_id   TEXT NOT NULL REFERENCES apis (id),
  scope_id TEXT NOT NULL REFERENCES scopes (id),
  PRIMARY KEY (key_id, scope_id)
);
CREATE INDEX key_grants_scope ON key_grants (scope_id); -- whom a withdrawal hits
CREATE INDEX key_grants_api ON key_grants (api_id, key_id); -- whose keys an API change touches

CREATE TABLE key_grant_uses (
  key_id       TEXT NOT NULL REFERENCES keys (id),
  scope_id     TEXT NOT NULL REFERENCES scopes (id),
  last_used_at TIMESTAMP NOT NULL,
  PRIMARY KEY (key_id, scope_id)
);

CREATE TABLE key_network_uses (
  key_id        TEXT NOT NULL REFERENCES keys (id),
  network       TEXT NOT NULL,
  first_used_at TIMESTAMP NOT NULL,
  last_used_at  TIMESTAMP NOT NULL,
  PRIMARY KEY (key_id, network)
);

CREATE TABLE key_notices (
  key_id  TEXT NOT NULL REFERENCES keys (id),
  kind    TEXT NOT NULL,
  sent_at TIMESTAMP NOT NULL,
  PRIMARY KEY (key_id, kind)
);

CREATE TABLE key_revocations (
  id          TEXT PRIMARY KEY,
  made_by     TEXT REFERENCES users (id),
  filter      TEXT NOT NULL,
  keys        INTEGER NOT NULL,
  calls       INTEGER NOT NULL,
  reason      TEXT NOT NULL DEFAULT '',
  revoked     INTEGER NOT NULL DEFAULT 0,
  expires_at  TIMESTAMP NOT NULL,
  finished_at TIMESTAMP,
  created_at  TIMESTAMP NOT NULL
);
CREATE INDEX key_revocations_expires ON key_revocations (expires_at) WHERE finished_at IS NULL; -- swept

CREATE TABLE key_revocation_keys (
  revocation_id TEXT NOT NULL REFERENCES key_revocations (id),
  key_id        TEXT NOT NULL REFERENCES keys (id),
  PRIMARY KEY (revocation_id, key_id)
);

-- usage

CREATE TABLE usage_series (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  key_id          TEXT NOT NULL,
  app_id          TEXT NOT NULL,
  organization_id TEXT NOT NULL,
  api_id          TEXT NOT NULL,
  environment     TEXT NOT NULL,
  route_template  TEXT NOT NULL,
  code            TEXT NOT NULL
);
CREATE UNIQUE INDEX usage_series_what ON usage_series (key_id, api_id, environment, route_template, code); -- each flush
CREATE INDEX usage_series_organization ON usage_series (organization_id, app_id); -- a developer's usage page
CREATE INDEX usage_series_api ON usage_series (api_id); -- usage of one API

CREATE TABLE usage_minutes (
  series_id INTEGER NOT NULL REFERENCES usage_series (id),
  at        TIMESTAMP NOT NULL,
  calls     INTEGER NOT NULL,
  PRIMARY KEY (series_id, at)
) WITHOUT ROWID;
CREATE INDEX usage_minutes_at ON usage_minutes (at); -- all series of a span; retention

CREATE TABLE usage_hours (
  series_id INTEGER NOT NULL REFERENCES usage_series (id),
  at        TIMESTAMP NOT NULL,
  calls     INTEGER NOT NULL,
  PRIMARY KEY (series_id, at)
) WITHOUT ROWID;
CREATE INDEX usage_hours_at ON usage_hours (at); -- all series of a span; retention

CREATE TABLE usage_days (
  series_id INTEGER NOT NULL REFERENCES usage_series (id),
  at        TIMESTAMP NOT NULL,
  calls     INTEGER NOT NULL,
  PRIMARY KEY (series_id, at)
) WITHOUT ROWID;
CREATE INDEX usage_days_at ON usage_days (at); -- all series of a span

CREATE TABLE usage_batches (
  replica TEXT NOT NULL,
  boot    TEXT NOT NULL,
  seq     INTEGER NOT NULL,
  at      TIMESTAMP NOT NULL,
  PRIMARY KEY (replica, boot, seq)
);

CREATE TABLE quota_counters (
  app_id       TEXT NOT NULL REFERENCES apps (id),
  api_id       TEXT NOT NULL REFERENCES apis (id),
  environment  TEXT NOT NULL,
  period_start TIMESTAMP NOT NULL,
  used         INTEGER NOT NULL,
  PRIMARY KEY (app_id, api_id, environment, period_start)
);

-- what every change carries

CREATE TABLE audit_events (
  seq             INTEGER PRIMARY KEY,
  id              TEXT NOT NULL,
  at              TIMESTAMP NOT NULL,
  actor_kind      TEXT NOT NULL,
  actor_id        TEXT,
  act             TEXT NOT NULL,
  target_kind     TEXT NOT NULL,
  target_id       TEXT,
  organization_id TEXT,
  result          TEXT NOT NULL,
  request_id      TEXT NOT NULL,
  details         TEXT NOT NULL,
  personal        TEXT NOT NULL,
  previous_hash   BLOB NOT NULL,
  hash            BLOB NOT NULL
);
CREATE UNIQUE INDEX audit_events_id ON audit_events (id); -- one page an event
CREATE INDEX audit_events_organization ON audit_events (organization_id, seq); -- an organization's activity
CREATE INDEX audit_events_actor ON audit_events (actor_id, seq); -- what one person did
CREATE INDEX audit_events_target ON audit_events (target_id, seq); -- what happened to one thing
CREATE INDEX audit_events_act ON audit_events (act, seq); -- filter

CREATE TABLE audit_head (
  id     INTEGER PRIMARY KEY CHECK (id = 1),
  seq    INTEGER NOT NULL,
  events INTEGER NOT NULL,
  hash   BLOB NOT NULL
);

CREATE TABLE audit_personal (
  event_id TEXT NOT NULL,
  field    TEXT NOT NULL,
  salt     BLOB NOT NULL,
  value    TEXT NOT NULL,
  PRIMARY KEY (event_id, field)
);

CREATE TABLE changes (
  seq        INTEGER PRIMARY KEY AUTOINCREMENT,
  kind       TEXT NOT NULL,
  subject_id TEXT NOT NULL,
  at         TIMESTAMP NOT NULL
);

CREATE TABLE jobs (
  id           TEXT PRIMARY KEY,
  kind         TEXT NOT NULL,
  once         TEXT,
  payload      TEXT NOT NULL,
  run_at       TIMESTAMP NOT NULL,
  attempts     INTEGER NOT NULL DEFAULT 0,
  leased_by    TEXT NOT NULL DEFAULT '',
  leased_until TIMESTAMP,
  finished_at  TIMESTAMP,
  failed_at    TIMESTAMP,
  last_error   TEXT NOT NULL DEFAULT '',
  created_at   TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX jobs_once ON jobs (once) WHERE once IS NOT NULL; -- one job a period
CREATE INDEX jobs_due ON jobs (run_at) WHERE finished_at IS NULL AND failed_at IS NULL; -- what to lease next

CREATE TABLE mails (
  id              TEXT PRIMARY KEY,
  user_id         TEXT REFERENCES users (id),
  kind            TEXT NOT NULL,
  recipient       TEXT NOT NULL,
  subject         TEXT NOT NULL,
  body_sealed     TEXT,
  state           TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'failed')),
  attempts        INTEGER NOT NULL DEFAULT 0,
  next_attempt_at TIMESTAMP NOT NULL,
  leased_by       TEXT NOT NULL DEFAULT '',
  leased_until    TIMESTAMP,
  sent_at         TIMESTAMP,
  last_error      TEXT NOT NULL DEFAULT '',
  expires_at      TIMESTAMP,
  created_at      TIMESTAMP NOT NULL
);
CREATE INDEX mails_due ON mails (next_attempt_at) WHERE state = 'waiting'; -- what to send next
CREATE INDEX mails_created ON mails (created_at, id); -- the admin's list
CREATE INDEX mails_user ON mails (user_id); -- erased with the person

-- +goose StatementBegin
CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events BEGIN SELECT RAISE(ABORT, 'audit events are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events BEGIN SELECT RAISE(ABORT, 'audit events are append-only'); END;
-- +goose StatementEnd

INSERT INTO audit_head (id, seq, events, hash) VALUES (1, 0, 0, X'0000000000000000000000000000000000000000000000000000000000000000');
