-- Presets: sets of scopes that the publisher of an API puts together for those who make keys.
-- +goose Up

CREATE TABLE scope_presets (
  id         uuid PRIMARY KEY,
  api_id     uuid NOT NULL REFERENCES apis (id),
  name       TEXT NOT NULL,
  purpose    TEXT NOT NULL, -- one sentence
  position   INTEGER NOT NULL, -- the smallest stands first
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL -- of name, purpose and scopes; a move leaves it
);
CREATE UNIQUE INDEX scope_presets_name ON scope_presets (api_id, LOWER(name)); -- one of each name
CREATE INDEX scope_presets_order ON scope_presets (api_id, position, id); -- the key form, the API's pages

CREATE TABLE scope_preset_scopes (
  preset_id uuid NOT NULL REFERENCES scope_presets (id),
  scope_id  uuid NOT NULL REFERENCES scopes (id),
  PRIMARY KEY (preset_id, scope_id)
);
