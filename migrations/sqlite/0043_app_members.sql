-- Apps that only some members of their organization reach, besides its owners and admins.
-- +goose Up

ALTER TABLE apps ADD COLUMN limited BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX apps_limited ON apps (organization_id) WHERE limited; -- what a reader must not see: few

CREATE TABLE app_members (
  app_id     TEXT NOT NULL REFERENCES apps (id),
  user_id    TEXT NOT NULL REFERENCES users (id),
  created_at TIMESTAMP NOT NULL,
  PRIMARY KEY (app_id, user_id)
);
CREATE INDEX app_members_user ON app_members (user_id); -- when somebody leaves
