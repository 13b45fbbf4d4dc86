// Package migrations holds the schema of both dialects as SQL, applied forward only by models/db.
package migrations

import "embed"

// FS has one folder a dialect: sqlite and postgres.
//
//go:embed sqlite/*.sql postgres/*.sql
var FS embed.FS
