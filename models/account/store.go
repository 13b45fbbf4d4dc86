// Package account is people: users, passwords, sessions, sign-up and sign-in.
package account

import (
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Options of a Store.
type Options struct {
	DB *db.DB
}

// Store keeps accounts. Safe for concurrent use.
type Store struct {
	db *db.DB
}

// NewStore makes a store.
func NewStore(o Options) *Store { return &Store{db: o.DB} }
