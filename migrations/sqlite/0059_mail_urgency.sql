-- Letters that people wait for go before letters to many. The previous program writes all as ordinary ones, and sends them in the order of their times.
-- +goose Up

ALTER TABLE mails ADD COLUMN urgency INTEGER NOT NULL DEFAULT 0; -- the higher goes first; see package outbox
DROP INDEX mails_due;
CREATE INDEX mails_due ON mails (urgency DESC, next_attempt_at) WHERE state = 'waiting'; -- what to send next
