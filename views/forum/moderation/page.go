// Package moderation has the pages on which readers report posts and staff decide about them.
package moderation

import (
	"context"
	"io"

	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// Body is the HTML of a post: made from Markdown by internal/markdown, which lets nothing through that could run, and kept since the post was saved.
type Body string

// Render writes the HTML.
func (b Body) Render(_ context.Context, w io.Writer) error {
	_, err := io.WriteString(w, string(b))
	return err
}

// Status is a state in words and colour.
type Status struct {
	Tone  components.Tone
	Words string
}

// Act is a form of one button, or with Href a link that looks like one.
type Act struct {
	Action string
	Hidden []components.Hidden
	Href   string
	Label  string
	Kind   components.Kind
}

// Input is one field of a form, by how it is asked.
type Input struct {
	components.Field
	As string // "text" (default), "area", "radios"
}

// Form is a page with one form, and what it is about above it.
type Form struct {
	Frame    layout.Frame
	Crumbs   []components.Crumb
	Title    string
	Lead     string
	Quote    string // words of the post, in plain text
	Problems []components.Problem
	Action   string
	Hidden   []components.Hidden
	Inputs   []Input
	Submit   string
	Danger   bool
	Cancel   string
}

// Flags is the queue of posts that readers reported.
type Flags struct {
	Frame layout.Frame
	Rows  []FlagRow
	Pager components.Pager
}

// FlagRow is one post of it.
type FlagRow struct {
	Title, Href string // of the question; Href leads to the decision
	Kind        string // of the post
	Author      string
	Quote       string
	Reason      string
	Count       string // how many reported it
	Marks       []Status
	At          components.Moment
}

// Flag is the page of one reported post.
type Flag struct {
	Frame      layout.Frame
	Crumbs     []components.Crumb
	Title      string
	PostHref   string
	AuthorHref string
	Author     string
	Quote      string
	Marks      []Status
	Raised     []Raised
	Problems   []components.Problem
	Uphold     string // where to post; empty for who can't decide, or when it is decided
	Dismiss    string
	Reason     components.Field
	Done       string // what was decided
}

// Raised is one reader's report.
type Raised struct {
	By     string
	Reason string
	Words  string
	State  string
	At     components.Moment
}

// Pending is the list of what waits for approval.
type Pending struct {
	Frame layout.Frame
	Rows  []PendingRow
	Pager components.Pager
}

// PendingRow is one post of it.
type PendingRow struct {
	ID          string
	Title, Href string
	Kind        string
	Author      string
	AuthorHref  string
	Joined      components.Moment
	At          components.Moment
	Marks       []Status
	Was         string // title until now, of an edit that changes it
	HistoryHref string // of an edit: what it changes
	Body        Body
	Acts        []Act
}

// Person is an account as those who moderate see it.
type Person struct {
	Frame  layout.Frame
	Crumbs []components.Crumb
	Name   string
	Marks  []Status
	Facts  []components.Fact
	Reason string // why they are kept from posting
	Acts   []Act
	Posts  []WrittenRow // the newest
}

// WrittenRow is one post of a person.
type WrittenRow struct {
	Title, Href string
	Kind        string
	Body        string // how it begins
	At          components.Moment
	Marks       []Status
}
