-- Counts of all series of a span are read from the index alone. PostgreSQL keeps them in parts by time as well; here one file holds all.
-- +goose Up

DROP INDEX usage_minutes_at;
CREATE INDEX usage_minutes_span ON usage_minutes (at, series_id, calls); -- all series of a span
DROP INDEX usage_hours_at;
CREATE INDEX usage_hours_span ON usage_hours (at, series_id, calls); -- all series of a span
DROP INDEX usage_days_at;
CREATE INDEX usage_days_span ON usage_days (at, series_id, calls); -- all series of a span
