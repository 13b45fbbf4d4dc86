-- That a directory stopped since who made its token may not any more is told once, until they may again. The previous program tells nothing of it.
-- +goose Up

ALTER TABLE scim_tokens ADD COLUMN stop_told_at TIMESTAMP; -- null: it goes on, or nobody was told yet
