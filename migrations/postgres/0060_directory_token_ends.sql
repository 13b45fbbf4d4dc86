-- The end of a directory's token is told before it comes. The previous program tells nothing, and leaves the number as it is.
-- +goose Up

ALTER TABLE scim_tokens ADD COLUMN told INTEGER NOT NULL DEFAULT 0; -- how many of the notices of its end were sent, or are late by now
CREATE INDEX scim_tokens_ending ON scim_tokens (expires_at) WHERE revoked_at IS NULL; -- of whose end to tell next
