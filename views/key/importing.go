package key

import (
	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// ImportsPage lists the imports of keys that were made elsewhere.
type ImportsPage struct {
	Frame  layout.Frame
	Crumbs []components.Crumb
	NewURL string // empty when the reader may not import
	Items  []ImportItem
	Pager  components.Pager
	Empty  components.EmptyState
}

// ImportItem is one import.
type ImportItem struct {
	Label, Form, Keys, Pending string
	At                         components.Moment
	KeysURL, UndoURL           string
	UnusedURL                  string // its keys that were never used
}

// ImportPage is the form that imports keys, with the report of its dry run.
type ImportPage struct {
	Frame    layout.Frame
	Crumbs   []components.Crumb
	Problems []components.Problem
	Report   string // a sentence, after a dry run
	Good     bool   // nothing is wrong with the file
	Known    string // a sentence, when keys of the file are here already
	Here     []ImportLine
	Lines    []ImportLine
	Fields   []components.Field
	Error    string // of the file
	Back     string
}

// ImportLine is what is to say of one line of the file.
type ImportLine struct{ Line, Field, Says string }

func reportTone(p ImportPage) components.Tone {
	if p.Good {
		return components.OK
	}
	return components.Bad
}

// checkKind and importKind lead to what comes next: after a good check that is the import.
func checkKind(p ImportPage) components.Kind {
	if p.Good {
		return components.Plain
	}
	return components.Primary
}

func importKind(p ImportPage) components.Kind {
	if p.Good {
		return components.Primary
	}
	return components.Plain
}
