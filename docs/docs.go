// Package docs embeds what the portal serves as its guides and tutorials. internal/content says how they are written.
package docs

import "embed"

// Files has guides/ and tutorials/.
//
//go:embed guides all:tutorials
var Files embed.FS
