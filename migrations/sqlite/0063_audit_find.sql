-- Staff find the events of the audit log by the request that made them, and by the addresses and names that are kept with them, however long the log is.
-- +goose Up

CREATE INDEX audit_events_request ON audit_events (request_id, seq) WHERE request_id <> ''; -- by the id that an error page shows
CREATE INDEX audit_personal_value ON audit_personal (LOWER(value), field, event_id); -- by how it begins
