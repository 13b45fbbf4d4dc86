-- Domains of organizations: claimed by who may, proven by a TXT record, looked for again each day. What a proof gives is read by models/org/domain alone.
-- +goose Up

CREATE TABLE domains (
  id              TEXT PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organizations (id),
  name            TEXT NOT NULL, -- as addresses of accounts keep it: lower case, IDNA's ASCII form
  token           TEXT NOT NULL, -- what the TXT record holds; no secret, whoever can ask DNS reads it
  proven_at       TIMESTAMP, -- null: not proven, or lost
  checked_at      TIMESTAMP, -- when DNS was last asked
  finding         TEXT NOT NULL DEFAULT '' CHECK (finding IN ('', 'found', 'missing', 'other', 'unreachable')),
  missing_since   TIMESTAMP, -- of a proven one: the first check in a row that did not find the record
  lost_at         TIMESTAMP, -- when a proof ended because the record was gone
  join_role       TEXT NOT NULL DEFAULT '' CHECK (join_role IN ('', 'viewer', 'developer')), -- as what people with an address there may join; '': they may not
  provider        TEXT NOT NULL DEFAULT '', -- by which they must sign in; '': by any means
  created_at      TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX domains_claim ON domains (organization_id, name); -- the organization's list
CREATE UNIQUE INDEX domains_proven ON domains (name) WHERE proven_at IS NOT NULL; -- one organization each; who has an address there
CREATE INDEX domains_name ON domains (name); -- all claims of one, locked while one is proven
CREATE INDEX domains_due ON domains (checked_at) WHERE proven_at IS NOT NULL; -- looked for again

-- Who was removed from an organization does not join it again by their address alone; an invitation lets them in.
CREATE TABLE domain_barred (
  organization_id TEXT NOT NULL REFERENCES organizations (id),
  user_id         TEXT NOT NULL REFERENCES users (id),
  created_at      TIMESTAMP NOT NULL,
  PRIMARY KEY (organization_id, user_id)
);
CREATE INDEX domain_barred_user ON domain_barred (user_id); -- when an account is deleted
