-- Which processes run over this database, how they stand, and how many share its limits.
-- +goose Up

CREATE TABLE replicas (
  boot_id    uuid PRIMARY KEY, -- one start of one process
  name       TEXT NOT NULL, -- host and process, as in leases of jobs and in batches of usage
  version    TEXT NOT NULL,
  edge_addr  TEXT NOT NULL DEFAULT '', -- of the listener for verification alone; '' for none
  started_at timestamptz NOT NULL,
  seen_at    timestamptz NOT NULL, -- by the database's clock, as started_at is
  skew_ms    bigint NOT NULL DEFAULT 0, -- by how much its clock is ahead of the database's
  feed_seq   bigint NOT NULL DEFAULT 0, -- the change up to which it has read
  feed_ms    bigint NOT NULL DEFAULT 0, -- how long ago it last read the changes to their end
  hint       TEXT NOT NULL DEFAULT '', -- whether it is told of changes: on, off; '' where nothing tells
  redis      TEXT NOT NULL DEFAULT '', -- on, off; '' without Redis
  spooled    bigint NOT NULL DEFAULT 0, -- batches of usage that wait for the database
  keys_held  bigint NOT NULL DEFAULT 0,
  lookups    bigint NOT NULL DEFAULT 0, -- of keys, since the last beat
  reads      bigint NOT NULL DEFAULT 0 -- of them, those that asked the database
);
CREATE INDEX replicas_seen ON replicas (seen_at); -- who lives, and whom to forget
