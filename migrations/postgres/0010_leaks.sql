-- What is known of leaked keys: an incident for each leak of a key, who reported it from where, and which signed reports were taken. Never a key's text.
-- +goose Up

ALTER TABLE keys ADD COLUMN paused_under TEXT NOT NULL DEFAULT ''; -- while paused for a leak: 'bulk' when staff paused it with others too, which then holds

CREATE TABLE leak_incidents (
  id           uuid PRIMARY KEY,
  key_id       uuid NOT NULL REFERENCES keys (id),
  opened_at    timestamptz NOT NULL,
  reported_at  timestamptz NOT NULL, -- the last report
  reports      INTEGER NOT NULL DEFAULT 0,
  done         TEXT NOT NULL CHECK (done IN ('revoked', 'paused', 'nothing', 'over')), -- over: it was revoked or expired before
  revoke_at    timestamptz, -- when the notice ends; null once that is settled
  resumed_at   timestamptz,
  closed_at    timestamptz,
  closed_by    uuid REFERENCES users (id),
  closed_word  TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX leak_incidents_open ON leak_incidents (key_id) WHERE closed_at IS NULL; -- one open incident a key
CREATE INDEX leak_incidents_key ON leak_incidents (key_id, opened_at); -- a key's page
CREATE INDEX leak_incidents_reported ON leak_incidents (reported_at, id); -- the admin's list
CREATE INDEX leak_incidents_due ON leak_incidents (revoke_at) WHERE revoke_at IS NOT NULL; -- what the job revokes

CREATE TABLE leak_reports (
  incident_id uuid NOT NULL REFERENCES leak_incidents (id),
  report_id   uuid NOT NULL, -- one act may report many keys
  source      TEXT NOT NULL CHECK (source IN ('github', 'page', 'api')),
  place       TEXT NOT NULL DEFAULT '', -- where the sender found it, in words or by its kind
  url         TEXT NOT NULL DEFAULT '',
  at          timestamptz NOT NULL,
  PRIMARY KEY (incident_id, report_id, url)
);

CREATE TABLE leak_deliveries (
  digest bytea PRIMARY KEY, -- SHA-256 of a signed body: the same one is taken once
  at     timestamptz NOT NULL
);
CREATE INDEX leak_deliveries_at ON leak_deliveries (at); -- swept
