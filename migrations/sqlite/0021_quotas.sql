-- Quotas by day beside those by month, costs of routes, and which warnings of quotas went out.
-- +goose Up

ALTER TABLE plans ADD COLUMN quota_day INTEGER; -- calls a UTC day; null: no daily quota
ALTER TABLE route_rules ADD COLUMN cost INTEGER NOT NULL DEFAULT 1 CHECK (cost >= 1); -- what one call of the route is charged as

CREATE TABLE quota_days (
  app_id      TEXT NOT NULL REFERENCES apps (id),
  api_id      TEXT NOT NULL REFERENCES apis (id),
  environment TEXT NOT NULL,
  day         TIMESTAMP NOT NULL,
  used        INTEGER NOT NULL,
  PRIMARY KEY (day, app_id, api_id, environment) -- all of a day are read at once
);

CREATE TABLE quota_warnings (
  app_id       TEXT NOT NULL REFERENCES apps (id),
  api_id       TEXT NOT NULL REFERENCES apis (id),
  environment  TEXT NOT NULL,
  period       TEXT NOT NULL CHECK (period IN ('month', 'day')),
  period_start TIMESTAMP NOT NULL,
  mark         INTEGER NOT NULL, -- 80 or 100, percent
  at           TIMESTAMP NOT NULL,
  PRIMARY KEY (period_start, period, app_id, api_id, environment, mark) -- one mail a period and mark
);
