-- Lists of the forum that stay quick: each order of each list has an index, also the list of a tag.
-- +goose Up

ALTER TABLE question_tags ADD COLUMN last_activity_at timestamptz; -- those of the question, kept by the triggers below: a list of a tag is read in its order
ALTER TABLE question_tags ADD COLUMN created_at timestamptz;
ALTER TABLE question_tags ADD COLUMN votes INTEGER NOT NULL DEFAULT 0;
UPDATE question_tags r SET last_activity_at = q.last_activity_at, created_at = q.created_at, votes = q.votes FROM questions q WHERE q.id = r.question_id;
CREATE INDEX question_tags_active ON question_tags (tag_id, last_activity_at, question_id); -- the list of a tag
CREATE INDEX question_tags_created ON question_tags (tag_id, created_at, question_id); -- and by age
CREATE INDEX question_tags_votes ON question_tags (tag_id, votes, question_id); -- and by votes

-- +goose StatementBegin
CREATE FUNCTION question_tags_inserted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  SELECT q.last_activity_at, q.created_at, q.votes INTO NEW.last_activity_at, NEW.created_at, NEW.votes FROM questions q WHERE q.id = NEW.question_id;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER question_tags_inserted BEFORE INSERT ON question_tags FOR EACH ROW EXECUTE FUNCTION question_tags_inserted();
-- +goose StatementBegin
CREATE FUNCTION questions_tagged() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  UPDATE question_tags SET last_activity_at = NEW.last_activity_at, created_at = NEW.created_at, votes = NEW.votes WHERE question_id = NEW.id;
  RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER questions_tagged AFTER UPDATE OF last_activity_at, created_at, votes ON questions FOR EACH ROW
  WHEN (NEW.last_activity_at <> OLD.last_activity_at OR NEW.created_at <> OLD.created_at OR NEW.votes <> OLD.votes) EXECUTE FUNCTION questions_tagged();

CREATE INDEX questions_kind_created ON questions (kind, created_at, id); -- ideas and bugs by age
CREATE INDEX questions_kind_votes ON questions (kind, votes, id); -- and by votes
CREATE INDEX questions_solved_created ON questions (created_at, id) WHERE accepted_post_id IS NOT NULL; -- the solved ones by age
CREATE INDEX questions_solved_votes ON questions (votes, id) WHERE accepted_post_id IS NOT NULL; -- and by votes
CREATE INDEX questions_api_created ON questions (api_id, created_at, id); -- those of one API by age
CREATE INDEX questions_api_votes ON questions (api_id, votes, id); -- and by votes
