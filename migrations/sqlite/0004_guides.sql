-- Guides and tutorials: which steps an app has done, and whether pages helped.
-- +goose Up

CREATE TABLE tutorial_ticks (
  app_id    TEXT NOT NULL REFERENCES apps (id),
  tutorial  TEXT NOT NULL, -- its slug
  step      TEXT NOT NULL, -- id of its heading
  how       TEXT NOT NULL CHECK (how IN ('seen', 'person')),
  user_id   TEXT REFERENCES users (id), -- who ticked it by hand
  ticked_at TIMESTAMP NOT NULL,
  PRIMARY KEY (app_id, tutorial, step)
);
CREATE INDEX tutorial_ticks_user ON tutorial_ticks (user_id) WHERE user_id IS NOT NULL; -- erased with the person

CREATE TABLE page_ratings (
  id         TEXT PRIMARY KEY,
  path       TEXT NOT NULL,
  helpful    BOOLEAN NOT NULL,
  words      TEXT NOT NULL DEFAULT '',
  language   TEXT NOT NULL DEFAULT '',
  user_id    TEXT REFERENCES users (id),
  visitor    TEXT, -- digest of the cookie of somebody who is not signed in
  created_at TIMESTAMP NOT NULL,
  CHECK ((user_id IS NULL) <> (visitor IS NULL))
);
CREATE UNIQUE INDEX page_ratings_user ON page_ratings (user_id, path) WHERE user_id IS NOT NULL; -- one vote a person; erased with them
CREATE UNIQUE INDEX page_ratings_visitor ON page_ratings (visitor, path) WHERE visitor IS NOT NULL; -- one vote a browser
CREATE INDEX page_ratings_not_helpful ON page_ratings (created_at, id) WHERE NOT helpful; -- what staff read
CREATE INDEX page_ratings_path ON page_ratings (path, helpful); -- how many of one page
