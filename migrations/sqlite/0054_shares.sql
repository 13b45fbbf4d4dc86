-- Apps shared with another organization: some rights, for a time. What a share opens is asked by models/actor alone.
-- +goose Up

CREATE TABLE app_shares (
  id          TEXT PRIMARY KEY,
  app_id      TEXT NOT NULL REFERENCES apps (id),
  lender_id   TEXT NOT NULL REFERENCES organizations (id), -- that offered it; a share holds while the app is this one's
  receiver_id TEXT NOT NULL, -- no reference: an offer may name an organization that does not exist, and whoever offers is not told
  usage_read  BOOLEAN NOT NULL DEFAULT FALSE,
  keys_read   BOOLEAN NOT NULL DEFAULT FALSE, -- true where one of the next two is
  rotate_test BOOLEAN NOT NULL DEFAULT FALSE, -- true where the next one is
  rotate_all  BOOLEAN NOT NULL DEFAULT FALSE,
  reason      TEXT NOT NULL,
  ends_at     TIMESTAMP NOT NULL,
  accepted_at TIMESTAMP, -- null: an offer
  ended_at    TIMESTAMP,
  ended_cause TEXT NOT NULL DEFAULT '' CHECK (ended_cause IN ('', 'withdrawn', 'declined', 'lender', 'receiver', 'expired', 'lapsed', 'moved', 'gone')),
  reminded_at TIMESTAMP, -- when both were told that it ends soon
  created_at  TIMESTAMP NOT NULL,
  CHECK (usage_read OR keys_read)
);
CREATE INDEX app_shares_app ON app_shares (app_id) WHERE ended_at IS NULL; -- the lender's list
CREATE INDEX app_shares_receiver ON app_shares (receiver_id) WHERE ended_at IS NULL; -- what others lend to one
CREATE INDEX app_shares_ends ON app_shares (ends_at) WHERE ended_at IS NULL; -- ended, and told ahead
CREATE INDEX app_shares_ended ON app_shares (ended_at) WHERE ended_at IS NOT NULL; -- swept
