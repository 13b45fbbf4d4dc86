-- Directories: an organization lets one of its own, such as Okta or Entra ID, say by SCIM 2.0 (RFC 7643, 7644) who belongs to it. What a directory says is read by
-- models/scim alone; who is a member is in members, as ever. The previous program knows of no directory: it takes no such call, and members stay members.
-- +goose Up

CREATE TABLE scim_directories (
  organization_id uuid PRIMARY KEY REFERENCES organizations (id),
  default_role    TEXT NOT NULL DEFAULT 'viewer' CHECK (default_role IN ('viewer', 'developer')), -- of people in no group that gives one
  created_at      timestamptz NOT NULL,
  updated_at      timestamptz NOT NULL
);

CREATE TABLE scim_tokens (
  id               uuid PRIMARY KEY,
  organization_id  uuid NOT NULL REFERENCES organizations (id),
  name             TEXT NOT NULL,
  digest           bytea NOT NULL, -- of the token's text, as keys are digested
  digest_algorithm TEXT NOT NULL,
  pepper_version   TEXT NOT NULL,
  hint             TEXT NOT NULL, -- what may be shown of it
  created_by       uuid NOT NULL REFERENCES users (id),
  created_at       timestamptz NOT NULL,
  expires_at       timestamptz NOT NULL,
  last_used_at     timestamptz, -- written at most once a minute
  revoked_at       timestamptz
);
CREATE UNIQUE INDEX scim_tokens_digest ON scim_tokens (digest); -- each call, and reports of leaks
CREATE INDEX scim_tokens_organization ON scim_tokens (organization_id); -- the organization's list

CREATE TABLE scim_users (
  id              uuid PRIMARY KEY, -- the id that the directory knows; it tells nothing of the account
  organization_id uuid NOT NULL REFERENCES organizations (id),
  user_id         uuid NOT NULL REFERENCES users (id),
  user_name       TEXT NOT NULL, -- an address, as accounts keep it; the directory's, which may differ from the account's after it was renamed
  external_id     TEXT NOT NULL DEFAULT '',
  display_name    TEXT NOT NULL DEFAULT '',
  given_name      TEXT NOT NULL DEFAULT '',
  family_name     TEXT NOT NULL DEFAULT '',
  formatted_name  TEXT NOT NULL DEFAULT '',
  stopped_at      timestamptz, -- when the directory took the person out; null: it did not
  by_group        BOOLEAN NOT NULL DEFAULT FALSE, -- the role was last given by a group
  created_at      timestamptz NOT NULL,
  updated_at      timestamptz NOT NULL
);
CREATE UNIQUE INDEX scim_users_name ON scim_users (organization_id, user_name); -- one of several who are made at once stays
CREATE UNIQUE INDEX scim_users_user ON scim_users (organization_id, user_id); -- a person stands in a directory once
CREATE INDEX scim_users_person ON scim_users (user_id); -- when an account is deleted

CREATE TABLE scim_groups (
  id              uuid PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES organizations (id),
  display_name    TEXT NOT NULL,
  name_key        TEXT NOT NULL, -- as names are compared: in small letters
  external_id     TEXT NOT NULL DEFAULT '',
  role            TEXT NOT NULL DEFAULT '' CHECK (role IN ('', 'viewer', 'developer', 'admin')), -- what owners let the group give; '': nothing
  created_at      timestamptz NOT NULL,
  updated_at      timestamptz NOT NULL
);
CREATE UNIQUE INDEX scim_groups_name ON scim_groups (organization_id, name_key);

CREATE TABLE scim_group_members (
  group_id uuid NOT NULL REFERENCES scim_groups (id) ON DELETE CASCADE,
  scim_id  uuid NOT NULL REFERENCES scim_users (id) ON DELETE CASCADE,
  PRIMARY KEY (group_id, scim_id)
);
CREATE INDEX scim_group_members_person ON scim_group_members (scim_id); -- which groups somebody is in
