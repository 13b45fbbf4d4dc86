-- Staff roles that admins compose out of the table of permissions, beside the built-in ones.
-- +goose Up

CREATE TABLE staff_roles (
  id          TEXT PRIMARY KEY, -- users.staff_role holds it as text
  name        TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '',
  permissions TEXT NOT NULL, -- parted by spaces, in the order of the table in code
  created_by  TEXT REFERENCES users (id),
  created_at  TIMESTAMP NOT NULL,
  updated_at  TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX staff_roles_name ON staff_roles (LOWER(name)); -- one of each name; the list
CREATE INDEX users_staff_role ON users (staff_role) WHERE staff_role <> ''; -- who has a role
