-- Domains whose people sign in by one provider. The previous program has no page for that, and lets everybody in by any means.
-- +goose Up

ALTER TABLE domains ADD COLUMN provider_away_at TIMESTAMP; -- since when the settings don't offer the provider for the domain: nobody is bound to it meanwhile; null: they do
ALTER TABLE provider_visits ADD COLUMN vouched BOOLEAN NOT NULL DEFAULT FALSE; -- the provider itself says that the address is theirs
