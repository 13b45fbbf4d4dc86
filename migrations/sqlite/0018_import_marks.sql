-- Imported keys are known by a mark, before and after their first use; incidents count the reports that said something new.
-- +goose Up

ALTER TABLE keys ADD COLUMN import_mark BLOB; -- of the digest under which it was imported, under our own secret; null: made here, or not marked yet
CREATE UNIQUE INDEX keys_import_mark ON keys (import_mark) WHERE import_mark IS NOT NULL; -- a key is imported once, and found when it is reported
CREATE INDEX keys_import_unmarked ON keys (id) WHERE pepper_version = 'import' AND import_mark IS NULL; -- what a program of before left to be marked

ALTER TABLE key_imports ADD COLUMN shortest INTEGER NOT NULL DEFAULT 0; -- characters after the prefix, at least; 0: as many as length says

ALTER TABLE leak_incidents ADD COLUMN news INTEGER NOT NULL DEFAULT 0; -- reports that said something new: of another place, or by GitHub
UPDATE leak_incidents SET news = 1;
