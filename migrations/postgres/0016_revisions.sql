-- An edit that waits for approval stands beside what is published, and one text of a history can be hidden.
-- +goose Up

ALTER TABLE posts ADD COLUMN pending_revision INTEGER; -- number of the edit that waits; null for none
ALTER TABLE post_revisions ADD COLUMN html TEXT NOT NULL DEFAULT ''; -- of an edit that waits
ALTER TABLE post_revisions ADD COLUMN tags TEXT NOT NULL DEFAULT ''; -- of a question's edit, with commas
ALTER TABLE post_revisions ADD COLUMN hidden_at timestamptz; -- by staff: others than its author and staff read it no more
ALTER TABLE post_revisions ADD COLUMN hidden_reason TEXT NOT NULL DEFAULT '';
CREATE INDEX posts_waiting ON posts (created_at, id) WHERE state = 'pending' OR pending_revision IS NOT NULL; -- what waits for approval
