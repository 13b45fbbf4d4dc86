-- Questions and those who answer them: the forum, who follows what, moderation, and the support desk.
-- +goose Up

ALTER TABLE users ADD COLUMN posting_blocked_at TIMESTAMP; -- whom staff keep from posting; the rest of the account works
ALTER TABLE users ADD COLUMN posting_blocked_until TIMESTAMP; -- null: until staff lift it
ALTER TABLE users ADD COLUMN posting_blocked_reason TEXT NOT NULL DEFAULT '';

-- forum

CREATE TABLE questions (
  id                TEXT PRIMARY KEY,
  kind              TEXT NOT NULL CHECK (kind IN ('question', 'idea', 'bug')),
  title             TEXT NOT NULL,
  slug              TEXT NOT NULL,
  asker_id          TEXT NOT NULL REFERENCES users (id),
  visibility        TEXT NOT NULL CHECK (visibility IN ('public', 'organization')),
  organization_id   TEXT REFERENCES organizations (id), -- whose members read it, when visibility is organization
  api_id            TEXT REFERENCES apis (id), -- what it is about: nobody reads it who may not see this API
  app_id            TEXT REFERENCES apps (id), -- what the asker shared with staff
  source            TEXT NOT NULL DEFAULT '', -- path of the page on which it was asked
  state             TEXT NOT NULL CHECK (state IN ('pending', 'published', 'rejected')), -- pending waits for approval
  public_status     TEXT NOT NULL DEFAULT '', -- of ideas and bugs
  waits_on          TEXT NOT NULL CHECK (waits_on IN ('us', 'asker', 'nobody')),
  accepted_post_id  TEXT,
  accepted_at       TIMESTAMP,
  answers           INTEGER NOT NULL DEFAULT 0, -- shown ones
  votes             INTEGER NOT NULL DEFAULT 0, -- of the question's own post
  assignee_id       TEXT REFERENCES users (id),
  team_id           TEXT,
  escalated_at      TIMESTAMP,
  closed_at         TIMESTAMP,
  closed_reason     TEXT NOT NULL DEFAULT '',
  waiting_since     TIMESTAMP, -- the oldest word of the asker that staff have not answered; null when none waits
  due_at            TIMESTAMP, -- until when it should be answered, by policy in business hours
  first_reply_at    TIMESTAMP, -- first public word of staff
  first_reply_by    TEXT REFERENCES users (id),
  first_due_at      TIMESTAMP,
  asked_back_at     TIMESTAMP, -- when staff said that it waits for the asker, until the asker's next word
  warned_at         TIMESTAMP, -- when the asker was told that it will close
  locked_at         TIMESTAMP,
  pinned_at         TIMESTAMP,
  hidden_at         TIMESTAMP,
  hidden_reason     TEXT NOT NULL DEFAULT '',
  merged_into       TEXT REFERENCES questions (id),
  deleted_at        TIMESTAMP,
  counted           BOOLEAN NOT NULL DEFAULT FALSE, -- whether it stands in the counts of its tags: anybody may read it
  version           INTEGER NOT NULL DEFAULT 1, -- counts public posts and edits: whoever answers an older version is told
  last_activity_at  TIMESTAMP NOT NULL,
  created_at        TIMESTAMP NOT NULL,
  updated_at        TIMESTAMP NOT NULL
);
CREATE INDEX questions_active ON questions (last_activity_at, id); -- the forum's list
CREATE INDEX questions_created ON questions (created_at, id); -- newest first, feeds, reports
CREATE INDEX questions_votes ON questions (votes, id); -- most wanted first
CREATE INDEX questions_unanswered ON questions (last_activity_at, id) WHERE answers = 0 AND state = 'published'; -- the filter
CREATE INDEX questions_unanswered_votes ON questions (votes, id) WHERE answers = 0 AND state = 'published'; -- and by votes
CREATE INDEX questions_unanswered_created ON questions (created_at, id) WHERE answers = 0 AND state = 'published'; -- and by age
CREATE INDEX questions_asker ON questions (asker_id, created_at); -- mine; limits of new accounts
CREATE INDEX questions_api ON questions (api_id, last_activity_at, id); -- of one API
CREATE INDEX questions_organization ON questions (organization_id, last_activity_at, id); -- of one organization
CREATE INDEX questions_source ON questions (source) WHERE source <> ''; -- what a page lists
CREATE INDEX questions_waiting ON questions (waiting_since, id) WHERE waiting_since IS NOT NULL; -- the support queue
CREATE INDEX questions_team ON questions (team_id, last_activity_at, id) WHERE team_id IS NOT NULL; -- my teams' queue
CREATE INDEX questions_escalated ON questions (last_activity_at, id) WHERE escalated_at IS NOT NULL; -- the escalated ones
CREATE INDEX questions_assignee ON questions (assignee_id, last_activity_at, id) WHERE assignee_id IS NOT NULL; -- my queue
CREATE INDEX questions_pending ON questions (created_at, id) WHERE state = 'pending'; -- what waits for approval
CREATE INDEX questions_solved ON questions (last_activity_at, id) WHERE accepted_post_id IS NOT NULL; -- the filter, llms.txt
CREATE INDEX questions_kind ON questions (kind, last_activity_at, id); -- ideas and bugs
CREATE INDEX questions_pinned ON questions (last_activity_at, id) WHERE pinned_at IS NOT NULL; -- on top of the list, in its order
CREATE INDEX questions_stale ON questions (last_activity_at) WHERE waits_on = 'asker' AND closed_at IS NULL; -- warned and closed

CREATE TABLE posts (
  id               TEXT PRIMARY KEY,
  question_id      TEXT NOT NULL REFERENCES questions (id),
  parent_id        TEXT REFERENCES posts (id), -- of a comment on an answer
  kind             TEXT NOT NULL CHECK (kind IN ('question', 'answer', 'comment')),
  author_id        TEXT NOT NULL REFERENCES users (id),
  by_staff         BOOLEAN NOT NULL DEFAULT FALSE, -- the author was staff when writing
  body             TEXT NOT NULL, -- Markdown
  html             TEXT NOT NULL, -- rendered when saved
  renderer_version INTEGER NOT NULL,
  votes            INTEGER NOT NULL DEFAULT 0,
  state            TEXT NOT NULL CHECK (state IN ('pending', 'published', 'rejected')),
  hidden_at        TIMESTAMP,
  hidden_reason    TEXT NOT NULL DEFAULT '',
  deleted_at       TIMESTAMP,
  edited_at        TIMESTAMP,
  revisions        INTEGER NOT NULL DEFAULT 0,
  created_at       TIMESTAMP NOT NULL,
  updated_at       TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX posts_question ON posts (question_id) WHERE kind = 'question'; -- one body a question
CREATE INDEX posts_thread ON posts (question_id, created_at, id); -- the page of a question
CREATE INDEX posts_author ON posts (author_id, created_at); -- limits; erased with the person
CREATE INDEX posts_pending ON posts (created_at, id) WHERE state = 'pending'; -- what waits for approval

CREATE TABLE post_revisions (
  post_id    TEXT NOT NULL REFERENCES posts (id),
  number     INTEGER NOT NULL, -- 1 is how it was first written
  title      TEXT NOT NULL DEFAULT '',
  body       TEXT NOT NULL,
  editor_id  TEXT NOT NULL REFERENCES users (id),
  created_at TIMESTAMP NOT NULL,
  PRIMARY KEY (post_id, number)
);

CREATE TABLE votes (
  post_id    TEXT NOT NULL REFERENCES posts (id),
  user_id    TEXT NOT NULL REFERENCES users (id),
  created_at TIMESTAMP NOT NULL,
  PRIMARY KEY (post_id, user_id)
);
CREATE INDEX votes_user ON votes (user_id); -- erased with the person

CREATE TABLE tags (
  id         TEXT PRIMARY KEY,
  name       TEXT NOT NULL,
  questions  INTEGER NOT NULL DEFAULT 0,
  created_at TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX tags_name ON tags (name); -- one of each name

CREATE TABLE question_tags (
  question_id TEXT NOT NULL REFERENCES questions (id),
  tag_id      TEXT NOT NULL REFERENCES tags (id),
  PRIMARY KEY (question_id, tag_id)
);
CREATE INDEX question_tags_tag ON question_tags (tag_id, question_id); -- the list of a tag

-- follow

CREATE TABLE follows (
  id         TEXT PRIMARY KEY,
  user_id    TEXT NOT NULL REFERENCES users (id),
  kind       TEXT NOT NULL CHECK (kind IN ('question', 'tag', 'api')),
  target_id  TEXT NOT NULL,
  reason     TEXT NOT NULL CHECK (reason IN ('asked', 'answered', 'commented', 'chose')),
  ended_at   TIMESTAMP, -- by the person: a later answer of theirs does not follow again
  created_at TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX follows_one ON follows (user_id, kind, target_id); -- one each
CREATE INDEX follows_target ON follows (kind, target_id) WHERE ended_at IS NULL; -- whom to tell

CREATE TABLE notice_choices (
  user_id        TEXT PRIMARY KEY REFERENCES users (id),
  new_questions  BOOLEAN NOT NULL DEFAULT FALSE, -- staff: mail on each new question
  assignments    BOOLEAN NOT NULL DEFAULT TRUE, -- staff: mail when something is handed to me
  updated_at     TIMESTAMP NOT NULL
);

-- moderation

CREATE TABLE flags (
  id          TEXT PRIMARY KEY,
  question_id TEXT NOT NULL REFERENCES questions (id),
  post_id     TEXT NOT NULL REFERENCES posts (id),
  flagger_id  TEXT NOT NULL REFERENCES users (id),
  reason      TEXT NOT NULL CHECK (reason IN ('spam', 'abuse', 'secret', 'wrong_place', 'other')),
  words       TEXT NOT NULL DEFAULT '',
  state       TEXT NOT NULL CHECK (state IN ('open', 'upheld', 'dismissed')),
  decided_by  TEXT REFERENCES users (id),
  decided_at  TIMESTAMP,
  created_at  TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX flags_one ON flags (post_id, flagger_id); -- one each
CREATE INDEX flags_open ON flags (created_at, id) WHERE state = 'open'; -- the queue
CREATE INDEX flags_flagger ON flags (flagger_id); -- erased with the person

-- support

CREATE TABLE support_teams (
  id         TEXT PRIMARY KEY,
  name       TEXT NOT NULL,
  created_at TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX support_teams_name ON support_teams (name); -- one of each name

CREATE TABLE support_team_members (
  team_id TEXT NOT NULL REFERENCES support_teams (id),
  user_id TEXT NOT NULL REFERENCES users (id),
  PRIMARY KEY (team_id, user_id)
);

CREATE TABLE notes (
  id          TEXT PRIMARY KEY,
  question_id TEXT NOT NULL REFERENCES questions (id),
  author_id   TEXT NOT NULL REFERENCES users (id),
  body        TEXT NOT NULL,
  html        TEXT NOT NULL,
  created_at  TIMESTAMP NOT NULL
);
CREATE INDEX notes_question ON notes (question_id, created_at); -- the desk's page of a question

CREATE TABLE canned_replies (
  id         TEXT PRIMARY KEY,
  name       TEXT NOT NULL,
  body       TEXT NOT NULL,
  created_by TEXT REFERENCES users (id),
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX canned_replies_name ON canned_replies (name); -- one of each name

CREATE TABLE answering (
  question_id TEXT NOT NULL REFERENCES questions (id),
  user_id     TEXT NOT NULL REFERENCES users (id),
  at          TIMESTAMP NOT NULL, -- when they last had the reply form open
  PRIMARY KEY (question_id, user_id)
);
