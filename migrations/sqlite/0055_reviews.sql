-- Reviews of roles: who looked through the staff, or the members of an organization, when, and what they decided.
-- +goose Up

CREATE TABLE reviews (
  id              TEXT PRIMARY KEY,
  scope           TEXT NOT NULL, -- 'staff', or the organization's id
  organization_id TEXT REFERENCES organizations (id), -- null: of the staff
  opened_by       TEXT NOT NULL REFERENCES users (id), -- who decided first
  opened_at       TIMESTAMP NOT NULL,
  finished_by     TEXT REFERENCES users (id),
  finished_at     TIMESTAMP, -- null: decisions are added to it
  left_open       INTEGER NOT NULL DEFAULT 0, -- people who still waited when it was finished
  CHECK (scope = COALESCE(CAST(organization_id AS TEXT), 'staff'))
);
CREATE UNIQUE INDEX reviews_open ON reviews (scope) WHERE finished_at IS NULL; -- one at a time
CREATE INDEX reviews_scope ON reviews (scope, id); -- listed, the newest first
CREATE INDEX reviews_organization ON reviews (organization_id); -- purged with it

CREATE TABLE review_decisions (
  id         TEXT PRIMARY KEY,
  review_id  TEXT NOT NULL REFERENCES reviews (id),
  user_id    TEXT NOT NULL REFERENCES users (id), -- about whom
  role       TEXT NOT NULL, -- that they had
  unused     BOOLEAN NOT NULL, -- why they were on the list
  factorless BOOLEAN NOT NULL,
  used_at    TIMESTAMP, -- when they had last used the portal; null: never
  act        TEXT NOT NULL CHECK (act IN ('keep', 'demote', 'remove')),
  to_role    TEXT NOT NULL DEFAULT '', -- of demote
  note       TEXT NOT NULL DEFAULT '',
  decided_by TEXT NOT NULL REFERENCES users (id),
  decided_at TIMESTAMP NOT NULL
);
CREATE INDEX review_decisions_review ON review_decisions (review_id, id); -- a record; who is kept
CREATE INDEX review_decisions_user ON review_decisions (user_id); -- erased with the person

CREATE TABLE review_reminders (
  scope      TEXT NOT NULL,
  quarter    TEXT NOT NULL, -- such as 2026Q4
  created_at TIMESTAMP NOT NULL,
  PRIMARY KEY (scope, quarter) -- one mail each quarter, whatever the number of replicas
);
