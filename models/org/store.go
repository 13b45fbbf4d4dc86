// Package org is organizations, their members and their apps.
package org

import (
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// Bounds against making things without end (L7).
const (
	MaxOwned   = 20  // organizations that one user owns
	MaxApps    = 200 // apps of one organization
	MaxMembers = 500
)

// Options of a Store.
type Options struct {
	DB     *db.DB
	Outbox *outbox.Outbox
	Link   func(path string) string // absolute address under the base URL, for mails
}

// Store keeps organizations and apps. Safe for concurrent use.
type Store struct {
	db     *db.DB
	outbox *outbox.Outbox
	link   func(string) string
}

// NewStore makes a store.
func NewStore(o Options) *Store { return &Store{db: o.DB, outbox: o.Outbox, link: o.Link} }
