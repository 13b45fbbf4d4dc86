-- Invitations into organizations. A row is an invitation that nobody took: who accepts, declines or revokes one deletes it, and the audit log tells.
-- +goose Up

CREATE TABLE invitations (
  id              uuid PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES organizations (id),
  email           TEXT NOT NULL, -- as accounts keep addresses; only the account with this verified address can accept (Z8)
  role            TEXT NOT NULL CHECK (role IN ('viewer', 'developer', 'admin', 'owner')),
  digest          bytea NOT NULL, -- SHA-256 of the token in the newest mail
  invited_by      uuid NOT NULL REFERENCES users (id), -- who sent it last; it works while they may give the role
  sent            INTEGER NOT NULL DEFAULT 1, -- mails
  sent_at         timestamptz NOT NULL,
  expires_at      timestamptz NOT NULL,
  created_at      timestamptz NOT NULL
);
CREATE UNIQUE INDEX invitations_digest ON invitations (digest); -- the link
CREATE UNIQUE INDEX invitations_address ON invitations (organization_id, email); -- one each; the organization's list
CREATE INDEX invitations_email ON invitations (email); -- what an account finds on its console
CREATE INDEX invitations_expires ON invitations (expires_at); -- swept
