-- Styles, scripts, fonts and icons of every version that runs, or ran lately: while an upgrade rolls, a page of one version asks a replica of another for them.
-- +goose Up

CREATE TABLE assets (
  url     TEXT PRIMARY KEY, -- with the digest of the content, so a row never changes
  body    BLOB NOT NULL,
  gzipped INTEGER NOT NULL, -- 1 when body is compressed
  seen_at TIMESTAMP NOT NULL -- when a process that has it last said so
);
CREATE INDEX assets_seen ON assets (seen_at); -- what to forget
