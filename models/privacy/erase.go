package privacy

import (
	"fmt"
	"strings"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Erase takes out of the database what the table of tables says that goes with an account: rows of the person, and what is emptied of those that stay. It tells no
// other process and writes no event; package account, which ends accounts, does.
func Erase(tx *db.Tx, p Person) error {
	for _, t := range Tables() {
		statements := t.Also
		if s := t.erasing(); s != "" {
			statements = append(statements[:len(statements):len(statements)], s)
		}
		for _, s := range statements {
			text, args := p.query(s)
			if _, err := tx.Run(text, args); err != nil {
				return fmt.Errorf("erase %s: %w", t.Name, err)
			}
		}
	}
	return nil
}

// erasing is the statement that deletes or empties the rows of a person; empty when all of them stay as they are.
func (t Table) erasing() string {
	rows := t.Ends
	if rows == "" {
		rows = t.Of
	}
	switch {
	case rows == "":
		return ""
	case t.Fate == Deleted:
		return "DELETE FROM " + t.Name + " WHERE " + rows
	case len(t.Wiped) > 0:
		return "UPDATE " + t.Name + " SET " + strings.Join(t.Wiped, ", ") + " WHERE " + rows
	}
	return ""
}
