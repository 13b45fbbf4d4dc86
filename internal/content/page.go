package content

import (
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/markdown"
	"github.com/gatehouse-dev/gatehouse/internal/text"
)

// Kinds of page.
const (
	Guide    = "guide"
	Tutorial = "tutorial"
)

// Page is one guide or tutorial in one language. Pages are shared between readers: nobody may change one.
type Page struct {
	Kind     string
	Slug     string
	Language text.Language
	Title    string
	Summary  string
	Section  string // guides only
	Order    int
	Changed  time.Time // a day, in UTC
	APIs     []string
	Tags     []string
	Steps    []Step // tutorials only; in order
	Source   string // the Markdown under the front matter, its values filled in
	Body     HTML   // of a tutorial what stands before its first step
	Headings []markdown.Heading
	Codes    []string // what its text writes as code in a line: scopes, paths, error codes
	Own      bool     // from the operator's folder
	Digest   string   // of all that it is made from
}

// Path is where the page stands.
func (p *Page) Path() string { return PathOf(p.Kind, p.Slug) }

// PathOf is the address of the page of a kind with this slug.
func PathOf(kind, slug string) string { return "/" + kind + "s/" + slug }

// Step is one step of a tutorial.
type Step struct {
	ID    string // of its heading
	Title string
	Check Check
	Body  HTML // under its heading
}

// HTML is safe HTML in pieces. Between two pieces a page may tell which key the code before stands for.
type HTML []string

// Kinds of Check. The empty one is ticked by the reader.
const (
	AppMade           = "app_made"
	KeyMade           = "key_made"
	AccessApproved    = "access_approved"
	FirstCall         = "first_call"
	RefusalUnderstood = "refusal_understood"
	KeyRotated        = "key_rotated"
	OldKeySilent      = "old_key_silent"
	LimitsSet         = "limits_set"
)

// Check says what must have happened for a step to be done; empty fields ask for nothing.
type Check struct {
	Kind        string `yaml:"kind"`
	API         string `yaml:"api"`
	Scope       string `yaml:"scope"`
	Code        string `yaml:"code"`
	Environment string `yaml:"environment"`
}

// Problem is a file that is left out, or a part of the folder that can't be read.
type Problem struct {
	File    string // under the folder: guides/x.md
	Line    int    // 0: of the file as a whole
	Message text.Message
	Own     bool // of the operator's folder
}

// A mistake is what is wrong with one file.
type mistake struct {
	line    int
	message text.Message
}

func (m *mistake) Error() string { return m.message.String() }

func wrong(line int, key string, args ...any) error {
	return &mistake{line, text.Message{Key: key, Args: args}}
}

// Heading is a heading of a page's text.
type Heading = markdown.Heading
