package guide

import (
	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// Search is /search.
type Search struct {
	Frame   layout.Frame
	Query   string
	Kind    string
	Tabs    []components.Tab // kinds; none before a search
	Found   []Found
	Suggest *layout.Link // the query with its slips mended
	AskHref string       // with the words filled in
	Pager   components.Pager
	Refused *Refused
	Try     []Example     // what can be looked for, before anything was typed
	Read    []layout.Link // guides to begin with, likewise
	Short   bool          // what was typed is too short to search for
}

// Example is a search to try.
type Example struct{ Label, Query string }

// Found is one result.
type Found struct {
	Href    string
	Kind    string // "Guide"
	Title   []Piece
	Excerpt []Piece
	Solved  bool
	Closed  bool
	Tags    []layout.Link
	Facts   string            // "3 answers"
	Asked   components.Moment // of a question
	Lang    string            // of title and excerpt, when it is not the reader's
}

// Piece is part of a text; Match marks a word that was looked for.
type Piece struct {
	Text  string
	Match bool
}

// Refused says that a key was typed into the box. Name and Href are of a key that the reader can rotate.
type Refused struct{ Name, Href string }

// Misses is /support/searches.
type Misses struct {
	Frame   layout.Frame
	Rows    []Miss
	Columns []components.Column
	Pager   components.Pager
	CSVHref string
}

// Miss is a search that found nothing.
type Miss struct {
	Text  string
	Href  string // searches again
	Times string
	Last  components.Moment
}
