package db

// Change says that a noun changed in a way that a running process must know about: verification forgets what it
// remembered of it. Kind is one of the names of package change.
type Change struct {
	Seq       int64
	Kind      string
	SubjectID ID
}

// AddChange notes a change for OnCommit. Package change calls it when it has written the row.
func (tx *Tx) AddChange(c Change) { tx.changes = append(tx.changes, c) }
