-- What people download about themselves: made by a job, sealed, kept for some days. The previous program knows of none, and leaves them alone.
-- +goose Up

CREATE TABLE downloads (
  id          uuid PRIMARY KEY,
  user_id     uuid NOT NULL REFERENCES users (id),
  run         uuid, -- which of the runs of its job made it; null: none is done
  size        BIGINT NOT NULL DEFAULT 0, -- bytes of the file
  ready_at    timestamptz, -- null: it is being made
  fetched_at  timestamptz, -- when it was last downloaded
  expires_at  timestamptz NOT NULL,
  created_at  timestamptz NOT NULL
);
CREATE UNIQUE INDEX downloads_user ON downloads (user_id); -- one at a time
CREATE INDEX downloads_expiry ON downloads (expires_at); -- swept

CREATE TABLE download_parts (
  download_id uuid NOT NULL REFERENCES downloads (id) ON DELETE CASCADE,
  run         uuid NOT NULL, -- two runs of one job don't mix
  part        INTEGER NOT NULL, -- in order, from 0
  body_sealed TEXT NOT NULL,
  PRIMARY KEY (download_id, run, part)
);
