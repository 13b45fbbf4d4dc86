// Package forum holds the pages of the forum: the list, asking, a question with what was said under it.
package forum

import (
	"context"
	"io"

	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// Body is the HTML of a post: made from Markdown by internal/markdown, which lets nothing through that could run, and kept since the post was
// saved. It is a templ.Component that writes itself as it is.
type Body string

// Render writes the HTML.
func (b Body) Render(_ context.Context, w io.Writer) error {
	_, err := io.WriteString(w, string(b))
	return err
}

// Link is a place to go. Data marks Label as what somebody typed.
type Link struct {
	Label string
	Href  string
	Data  bool
}

// State is a state in words with its tone.
type State struct {
	Tone  components.Tone
	Words string
}

// Item is one question of a list.
type Item struct {
	Title   string
	Href    string
	Kind    string // of an idea or a bug
	States  []State
	Tags    []Link
	API     string
	Author  string
	Gone    bool // the author deleted the account: Author is not what somebody typed
	At      components.Moment
	Answers string // in words
	Solved  bool
	Votes   string // in words; empty for none
	Pinned  bool
}

// List is the forum's list of questions.
type List struct {
	Frame   layout.Frame
	Title   string
	Own     bool // Title holds what somebody typed
	Lead    string
	AskHref string
	Feed    string
	Tabs    []components.Tab
	Sorts   []components.Tab
	Narrow  []Chosen // filters in force besides the tab
	Follow  *Act
	Pinned  []Item
	Items   []Item
	Pager   components.Pager
	Empty   components.EmptyState
	Kept    *Note // why the reader may not post at all
}

// Chosen is a filter in force and where the list is without it.
type Chosen struct {
	Words string
	Value string
	Clear string
}

// Act is a form of one button. Pressed says that it is on; nil leaves that unsaid.
type Act struct {
	Action string
	Label  string
	Name   string
	Value  string
	About  string // for screen readers: what it is about
}

// Tags is the page of all tags.
type Tags struct {
	Frame  layout.Frame
	Search string
	Tags   []Tag
	Pager  components.Pager
}

// Tag is one tag with the number of its questions, in words.
type Tag struct {
	Name  string
	Href  string
	Count string
}

// Ask is the page on which one asks.
type Ask struct {
	Frame      layout.Frame
	Problems   []components.Problem
	Key        *KeyFound
	Hidden     []components.Hidden
	Source     *Link
	Kind       components.Field
	Title      components.Field
	Body       components.Field
	Tags       components.Field
	API        components.Field
	Visibility components.Field
	App        components.Field
	KnownTags  []string
	Similar    []Item
	Looked     bool // similar questions were looked for: the button that posts shows
	Preview    Body
	Kept       *Note // why the reader may not post at all: there is no form then
}

// KeyFound tells that a text held a key. Href leads to where its owner rotates it; empty when it is not the reader's.
type KeyFound struct {
	Hint string
	Name string
	Href string
}

// Compose is the page of an answer, a comment or an edit: before it is posted, with its preview, or when it could not be taken.
type Compose struct {
	Frame    layout.Frame
	Title    string
	About    Link
	Problems []components.Problem
	Key      *KeyFound
	Action   string
	Hidden   []components.Hidden
	Note     *Note
	Fields   []components.Field // above the body
	Body     components.Field
	Preview  Body
	Under    Body // what an answer or a comment is written about
	Now      Body // the text as it is by now, when somebody changed it meanwhile
	NowTitle string
	Submit   string
	Cancel   string
}

// Question is the page of a question.
type Question struct {
	Frame       layout.Frame
	Title       string
	Kind        string
	States      []State
	Tags        []Link
	About       []Link
	Author      string
	Gone        bool
	Asked       components.Moment
	Notes       []Note
	Post        Post
	Count       string // "3 answers"
	Answers     []Post
	Pager       components.Pager
	Facts       []components.Fact
	Follow      *Act
	Solve       bool // the asker is asked whether an answer solved it
	DeskHref    string
	Shared      string // for the asker: the app that staff see
	StopSharing *Act
	Reply       *Reply
	SignInHref  string
	Feed        string
}

// Note is a state of the question or of a post, said in words.
type Note struct {
	Tone components.Tone
	Text string
	Data string // what somebody typed, after Text
	Link Link   // after them; none without Href
}

// Reply is the form of an answer.
type Reply struct {
	Action string
	Hidden []components.Hidden
	Body   components.Field
}

// Post is one post as it is shown.
type Post struct {
	Anchor   string
	Headless bool // its author and time stand in the head of the page
	Author   string
	Gone     bool
	Staff    string // badge
	At       components.Moment
	Edited   *components.Moment
	History  string
	Body     Body
	Accepted bool
	Notes    []Note
	Votes    string
	Vote     *Act // nil: the reader can't vote
	Voted    bool
	VoteHref string // for visitors: where to sign in
	Acts     []Act  // forms: accept
	Links    []Link // edit, delete, flag
	Comments []Comment
	More     *Link
	Comment  *Reply
}

// Comment is one comment under a post.
type Comment struct {
	Anchor string
	Author string
	Gone   bool
	Staff  string
	At     components.Moment
	Edited bool
	Body   Body
	Notes  []Note
	Links  []Link
}

// Comments is the page of all comments under one post.
type Comments struct {
	Frame    layout.Frame
	Title    string
	About    Link
	Comments []Comment
	Pager    components.Pager
	Comment  *Reply
}

// History is how a post was.
type History struct {
	Frame     layout.Frame
	About     Link
	Back      string
	Revisions []Revision
	Pager     components.Pager
}

// Revision is one text, as what changed since the one before.
type Revision struct {
	Heading string
	Editor  string
	Gone    bool
	At      components.Moment
	Role    string     // of the editor, when it is not the author
	Title   []DiffLine // when it changed with this revision
	Lines   []DiffLine
	Notes   []Note
	Acts    []Act
	Links   []Link
	Whole   string // where the rest of the lines is, when there are more
}

// DiffLine is one line of a comparison. Sign is "+", "-", "@" or empty.
type DiffLine struct {
	Sign string
	Text string
}
