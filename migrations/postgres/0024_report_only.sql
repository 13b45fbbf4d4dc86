-- An API may let refused calls pass for some days, marked, so that one with callers can be brought under guard. It always ends by itself.
-- +goose Up

ALTER TABLE apis ADD COLUMN report_only_until TIMESTAMPTZ; -- null or past: refusals refuse
