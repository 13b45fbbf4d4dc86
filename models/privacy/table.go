// Package privacy knows what the database holds of people: every table and every column of it, why it is kept, for how long, whether it is in what they can
// download about themselves, and what becomes of it when their account is deleted. Download, erasure, retention and the page of records all work from this one table
// of tables; a test holds it to both schemas, so that a new table or column has to be declared here before it can be used.
package privacy

import (
	"slices"
	"strings"
)

// Fate is what deleting the account does to the rows of the person.
type Fate int

// The fates.
const (
	Stays   Fate = iota // the row is there as before, but for what Wiped empties; who it was about is a former member
	Deleted             // the row is gone
)

// Table says of one table what it holds of a person. Each column stands in exactly one of People, Shown, Kept and Plain.
//
// Conditions are SQL with named arguments: @user, the person's id; @email, their address, and @emails, that and the ones they had before (at a download the
// address of now alone); @org, their personal organization, all zeros for none; @zero, all zeros. {members} is the table of the organizations that the person
// belongs to, and {hidden} the ids of apps there that are limited to others.
type Table struct {
	Name   string
	Record string // which record of the page tells of it; empty when it holds nothing of a person
	Of     string // which rows are of the person, for the download; empty: none is
	Ends   string // the same for erasing; empty: as Of
	Fate   Fate
	People string   // columns that name people by their id, which alone says nothing any more when they are gone
	Shown  string   // columns about the person that the download holds
	Kept   string   // columns about the person that it does not hold: secrets, digests, what is another's as well
	Plain  string   // columns that say nothing about a person
	With   []string // what the download holds besides, each "expression AS name": names in place of ids
	Wiped  []string // of rows that stay: each "column = expression"
	Also   []string // further statements that erase, before the rows
}

// Columns are all that the table of tables knows of t, sorted.
func (t Table) Columns() []string {
	all := strings.Fields(strings.Join([]string{t.People, t.Shown, t.Kept, t.Plain}, " "))
	slices.Sort(all)
	return all
}

// Tables is the table of tables. What refers to others stands before them: erasing goes from top to bottom.
func Tables() []Table {
	return slices.Concat(accountTables, organizationTables, keyTables, forumTables, mailTables, auditTables, houseTables)
}

// Pieces that several conditions are made of.
const (
	mine      = "user_id = @user"
	nameOfOrg = "(SELECT o.name FROM organizations o WHERE o.id = organization_id) AS organization"

	ownApps = "SELECT own.id FROM apps own WHERE own.organization_id = @org"
	ownKeys = "SELECT ownk.id FROM keys ownk JOIN apps owna ON owna.id = ownk.app_id WHERE owna.organization_id = @org"
	// reachedApps are those that the person reaches now: what they made in an organization is its own after they left.
	reachedApps = "SELECT ra.id FROM apps ra JOIN {members} rm ON rm.organization_id = ra.organization_id WHERE ra.id NOT IN {hidden}"
)

// What stands where a name was that went with an account. It is data, the same in every language.
const (
	ErasedName = "Deleted user"
	ErasedApp  = "Deleted app"
	ErasedKey  = "Deleted key"
)
