-- A second factor that an organization requires of its members. The previous program asks nobody for it.
-- +goose Up

ALTER TABLE organizations ADD COLUMN factor_from TIMESTAMP; -- who has no second factor reaches nothing of it from then on; null: it requires none
ALTER TABLE organizations ADD COLUMN factor_set_by TEXT REFERENCES users (id); -- the owner who decided that
ALTER TABLE organizations ADD COLUMN factor_reason TEXT NOT NULL DEFAULT ''; -- as members read it
ALTER TABLE organizations ADD COLUMN factor_told_at TIMESTAMP; -- when those without a factor were told the second time; null: not yet
CREATE INDEX organizations_factor ON organizations (factor_from) WHERE factor_from IS NOT NULL AND factor_told_at IS NULL; -- who is to be told
