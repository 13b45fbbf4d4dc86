// Package guide has the pages of guides and tutorials, and staff's list of pages that did not help.
package guide

import (
	"context"
	"io"

	"github.com/a-h/templ"

	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// Shelf is /guides or /tutorials.
type Shelf struct {
	Frame    layout.Frame
	Title    string
	Lead     string
	Tabs     []components.Tab // guides, tutorials
	Sections []Section
	Empty    *components.EmptyState
}

// Section is one heading of a shelf.
type Section struct {
	Title string
	Lang  string // of the title, when it is not the reader's
	Items []Item
}

// Item is one page of a shelf.
type Item struct {
	Href, Title, Summary string
	Lang                 string // when it is not the reader's
	Facts                string // "5 steps", "2 of 4 steps done"
}

// Reading is a guide or a tutorial. All but the words about it is the same for everybody.
type Reading struct {
	Frame    layout.Frame
	Crumbs   []components.Crumb
	Title    string
	Summary  string
	Lang     string // of the article, when it is not the reader's
	Changed  string
	ISO      string               // the same for machines
	Twin     string               // address of the Markdown
	Headings []components.TocLink // for narrow screens, where they stand under the lead
	Body     Article
	Tutorial *Tutorial
	Previous *Item
	Next     *Item
	AskHref  string
	Solved   []layout.Link // solved questions about this page
	Rating   Rating
}

// Tutorial is what a tutorial has besides.
type Tutorial struct {
	Steps    []Step
	Progress string // "2 of 5 steps are done"
	AllDone  bool
	App      string // whose progress is shown; empty for who has none
	AppID    string
	Apps     []components.Option // to choose from, when there are several
	Action   string              // of the chooser
	Before   *components.Act     // what to do first: sign in, create an app
	Why      string              // says so
	CheckTo  string              // where "Check now" is posted; empty for who has no app
	MarkTo   string              // where ticks by hand are posted; empty for who may not
}

// Step is one step. Seen says that it ticks itself.
type Step struct {
	ID, Number, Title string
	Body              Article
	Done, Seen        bool
	When              components.Moment // it was ticked
}

// Rating is the form under a page.
type Rating struct {
	Action   string
	Words    components.Field
	Yes, No  bool // what its reader said before
	Problems []components.Problem
}

// Article is HTML that internal/markdown has made of our own or the operator's text: it holds nothing that it did not make. After the first piece, which
// ends with code that names a key, stands the caption that tells which; once is enough for an article or a step.
type Article struct {
	Pieces  []string
	Caption templ.Component // nil: nothing
}

// Render writes it. It makes Article a templ.Component.
func (a Article) Render(ctx context.Context, w io.Writer) error {
	for i, piece := range a.Pieces {
		if i == 1 && a.Caption != nil {
			if err := a.Caption.Render(ctx, w); err != nil {
				return err
			}
		}
		if _, err := io.WriteString(w, piece); err != nil {
			return err
		}
	}
	return nil
}

// Caption tells a signed-in reader what $GATEHOUSE_KEY stands for.
type Caption struct {
	App  string
	Key  string // its name
	Hint string // empty: the app has no key
	Href string // of the key, or where one is made
}

// Complaints is /support/pages.
type Complaints struct {
	Frame    layout.Frame
	Path     string // of the one page that the list is about; empty: all
	Rows     []Complaint
	Pager    components.Pager
	Problems []FileProblem
	CSVHref  string
}

// Complaint is one vote against a page.
type Complaint struct {
	Href, Title, OnlyHref string
	Language              string // in which the page was read, by its own name
	Words                 string
	Votes                 string // "3 yes, 5 no"
	At                    components.Moment
}

// FileProblem is a file that was left out.
type FileProblem struct{ Place, Text string }
