-- What became of each text of a post: only those that were published stand in its history for everybody, and are gone back to.
-- +goose Up

ALTER TABLE post_revisions ADD COLUMN state TEXT NOT NULL DEFAULT 'published' CHECK (state IN ('pending', 'published', 'rejected'));
UPDATE post_revisions SET state = 'pending' WHERE EXISTS (SELECT 1 FROM posts p WHERE p.id = post_revisions.post_id AND p.state = 'pending' AND p.revisions + 1 = post_revisions.number);
UPDATE post_revisions SET state = 'rejected' WHERE EXISTS (SELECT 1 FROM posts p WHERE p.id = post_revisions.post_id AND p.state = 'rejected');
