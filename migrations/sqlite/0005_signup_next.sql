-- Where somebody was going when they signed up: the mailed link leads on there, also on another device.
-- +goose Up

ALTER TABLE signups ADD COLUMN next_path TEXT NOT NULL DEFAULT '';
