-- Report-only mode is set for live and test apart. report_only_until stays what it was, the end for both: where both have one end it stands there alone, so
-- that a server of the version before passes over no more than is meant.
-- +goose Up

ALTER TABLE apis ADD COLUMN report_only_live_until TIMESTAMPTZ; -- null or past: refusals in live refuse, unless report_only_until is later
ALTER TABLE apis ADD COLUMN report_only_test_until TIMESTAMPTZ;
