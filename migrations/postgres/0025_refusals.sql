-- Why calls were refused, by request id, for seven days: as many as are kept, and how many of a storm were left out. The previous program writes none.
-- +goose Up

CREATE TABLE refusals (
  id              uuid PRIMARY KEY,
  request_id      TEXT NOT NULL, -- as the answer told it
  at              timestamptz NOT NULL,
  key_id          uuid NOT NULL, -- this and the next four: all zeros where unknown
  app_id          uuid NOT NULL,
  organization_id uuid NOT NULL, -- whose key it is
  api_id          uuid NOT NULL,
  publisher_id    uuid NOT NULL, -- the organization that asked
  environment     TEXT NOT NULL, -- of the key, or else what was asked for
  door            TEXT NOT NULL, -- authz, verify, whoami, api
  code            TEXT NOT NULL,
  cause           TEXT NOT NULL DEFAULT '', -- finer than the code; '' where no key was judged
  detail          TEXT NOT NULL DEFAULT '', -- what the answer said, where no key was judged
  status          bigint NOT NULL,
  method          TEXT NOT NULL DEFAULT '',
  path            TEXT NOT NULL DEFAULT '', -- canonical, without query and keys, cut
  address         TEXT NOT NULL DEFAULT '', -- a network, but for FORBIDDEN_IP
  origin          TEXT NOT NULL DEFAULT '',
  seen            TEXT NOT NULL DEFAULT '{}' -- JSON of keyring.Seen
);
CREATE UNIQUE INDEX refusals_request ON refusals (request_id); -- opens one; a batch that is sent again counts once
CREATE INDEX refusals_at ON refusals (at, id); -- staff's list, and what is swept
CREATE INDEX refusals_organization ON refusals (organization_id, at, id); -- the list of whose keys they are
CREATE INDEX refusals_publisher ON refusals (publisher_id, at, id); -- the list of whose APIs they are
CREATE INDEX refusals_key ON refusals (key_id, at, id); -- the list of one key

CREATE TABLE refusals_left_out (
  minute          timestamptz NOT NULL,
  app_id          uuid NOT NULL,
  organization_id uuid NOT NULL,
  api_id          uuid NOT NULL,
  publisher_id    uuid NOT NULL,
  code            TEXT NOT NULL,
  refusals        bigint NOT NULL,
  PRIMARY KEY (minute, app_id, api_id, code, organization_id, publisher_id)
);
