-- What all keys together counted, by API: staff's chart over everything is read from these few rows. Written in the transaction of each batch, as the counts by series are.
-- The previous program does not write them: what it still counts after this is added up anew by the hourly job.
-- +goose Up

CREATE TABLE usage_api_hours (
  at          timestamptz NOT NULL,
  api_id      uuid NOT NULL,
  environment TEXT NOT NULL,
  code        TEXT NOT NULL,
  calls       bigint NOT NULL,
  PRIMARY KEY (at, api_id, environment, code)
);

CREATE TABLE usage_api_days (
  at          timestamptz NOT NULL,
  api_id      uuid NOT NULL,
  environment TEXT NOT NULL,
  code        TEXT NOT NULL,
  calls       bigint NOT NULL,
  PRIMARY KEY (at, api_id, environment, code)
);

INSERT INTO usage_api_hours (at, api_id, environment, code, calls)
  SELECT u.at, s.api_id, s.environment, s.code, CAST(SUM(u.calls) AS bigint) FROM usage_hours u JOIN usage_series s ON s.id = u.series_id GROUP BY u.at, s.api_id, s.environment, s.code;
INSERT INTO usage_api_days (at, api_id, environment, code, calls)
  SELECT u.at, s.api_id, s.environment, s.code, CAST(SUM(u.calls) AS bigint) FROM usage_days u JOIN usage_series s ON s.id = u.series_id GROUP BY u.at, s.api_id, s.environment, s.code;
