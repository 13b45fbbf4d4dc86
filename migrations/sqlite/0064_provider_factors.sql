-- Who is kept out for want of a second factor is asked of people, too, not only of sessions: of whom a letter goes to. The previous program writes no such time, and leaves those there are.
-- +goose Up

ALTER TABLE identities ADD COLUMN factor_at TIMESTAMP; -- when the last sign-in by it showed a second factor there, which counts here; NULL: it did not
UPDATE identities SET factor_at = (SELECT MAX(s.factor_at) FROM sessions s JOIN provider_sessions p ON p.session_id = s.id
  WHERE s.user_id = identities.user_id AND p.issuer = identities.issuer AND p.subject = identities.subject)
  WHERE NOT EXISTS (SELECT 1 FROM factors f WHERE f.user_id = identities.user_id AND f.confirmed_at IS NOT NULL);
