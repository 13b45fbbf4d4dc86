-- A code by mail that finishes a sign-in from a new device. The previous program never asks for one; sessions that wait for one are over within ten minutes.
-- +goose Up

ALTER TABLE sessions ADD COLUMN code_digest bytea; -- keyed; of the newest code that was mailed
ALTER TABLE sessions ADD COLUMN code_expires_at timestamptz; -- not null: the session may do nothing but enter the code
ALTER TABLE sessions ADD COLUMN code_tries INTEGER NOT NULL DEFAULT 0; -- of all its codes together
