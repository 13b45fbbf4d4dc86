-- Counts by minute and by hour in parts by time: what is too old goes by dropping a part, and the parts stay small enough to be read whole.
-- Same names, columns and keys as before, so the previous program counts and reads as it did. What no part holds is in the default part, from which
-- the hourly job moves it.
-- +goose Up

ALTER TABLE usage_minutes RENAME TO usage_minutes_old;
ALTER TABLE usage_hours RENAME TO usage_hours_old;

CREATE TABLE usage_minutes (
  series_id bigint NOT NULL REFERENCES usage_series (id),
  at        timestamptz NOT NULL,
  calls     bigint NOT NULL,
  CONSTRAINT usage_minutes_what PRIMARY KEY (series_id, at)
) PARTITION BY RANGE (at);
CREATE INDEX usage_minutes_span ON usage_minutes (at, series_id) INCLUDE (calls); -- all series of a span
CREATE TABLE usage_minutes_default PARTITION OF usage_minutes DEFAULT;

CREATE TABLE usage_hours (
  series_id bigint NOT NULL REFERENCES usage_series (id),
  at        timestamptz NOT NULL,
  calls     bigint NOT NULL,
  CONSTRAINT usage_hours_what PRIMARY KEY (series_id, at)
) PARTITION BY RANGE (at);
CREATE INDEX usage_hours_span ON usage_hours (at, series_id) INCLUDE (calls); -- all series of a span
CREATE TABLE usage_hours_default PARTITION OF usage_hours DEFAULT;

-- Days for minutes, weeks from Monday on for hours, all in UTC; the names end with the beginning.
-- +goose StatementBegin
DO $$
DECLARE
  today date := (now() AT TIME ZONE 'UTC')::date;
  d date;
BEGIN
  FOR d IN SELECT generate_series(today - 3, today + 7, interval '1 day')::date LOOP
    EXECUTE format('CREATE TABLE %I PARTITION OF usage_minutes FOR VALUES FROM (%L) TO (%L)', 'usage_minutes_' || to_char(d, 'YYYYMMDD'), d::text || ' 00:00:00+00', (d + 1)::text || ' 00:00:00+00');
  END LOOP;
  FOR d IN SELECT generate_series(date_trunc('week', today - 105)::date, today + 28, interval '7 days')::date LOOP
    EXECUTE format('CREATE TABLE %I PARTITION OF usage_hours FOR VALUES FROM (%L) TO (%L)', 'usage_hours_' || to_char(d, 'YYYYMMDD'), d::text || ' 00:00:00+00', (d + 7)::text || ' 00:00:00+00');
  END LOOP;
END $$;
-- +goose StatementEnd

INSERT INTO usage_minutes SELECT series_id, at, calls FROM usage_minutes_old;
INSERT INTO usage_hours SELECT series_id, at, calls FROM usage_hours_old;
DROP TABLE usage_minutes_old;
DROP TABLE usage_hours_old;

DROP INDEX usage_days_at;
CREATE INDEX usage_days_span ON usage_days (at, series_id) INCLUDE (calls); -- all series of a span
