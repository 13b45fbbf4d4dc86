// Package layout is the frame around every page: head, top bar, side bar, footer.
//
//	@layout.Page(frame) { …the page… }       public pages: reading width; with frame.Side the desk: a side bar
//	@layout.Narrow(frame) { …a form… }       sign-in and its like: one narrow column
//	layout.ErrorPage(frame, ErrorView{…})    the page of an error, in whichever frame
//
// Scripts and the one style element, of the brand's hue and of labels, have the nonce of the frame, so that a policy without
// 'unsafe-inline' holds. Every page works with neither.
package layout

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/a-h/templ"

	"github.com/gatehouse-dev/gatehouse/static"
)

// Frame is what surrounds a page. PortalName, Title and Lang are required.
type Frame struct {
	PortalName  string
	BrandHue    int    // 0 to 359; 0 and below is the built-in hue (use 360 for hue 0)
	Title       string // without the portal's name; empty on the home page
	Description string
	Canonical   string   // absolute address
	Markdown    string   // address of the page's Markdown twin
	Feed        string   // address of the Atom feed of what the page lists
	Nonce       string   // of the request's content security policy
	Labels      []string // of the page's terse table: what its cells are called on a phone, from the second on
	Lang        string   // "en", "de"
	NoIndex     bool

	Nav       []Link  // main navigation
	Side      []Group // console, support, admin: makes the page a desk
	SideLabel string  // names the side navigation: "Console", "Admin"
	Search    *Link   // shown only when given
	SignIn    *Link   // for visitors
	SignUp    *Link
	User      *UserMenu
	Languages *LanguageMenu

	Notice string // stands above every page while something holds for the whole portal
	Told   []Told // stands above pages that leave out what is shut to the reader
	Flash  *Flash
	Toc    templ.Component // on public pages: components.Toc(…), beside the page
	Wide   bool            // public page at full width: home, catalogue
	Footer Footer
}

// Told is what the reader has to know of something of theirs, and where they change it. Name, By and Reason are as somebody typed them.
type Told struct {
	Name   string
	Text   string
	By     string // who decided it; may be empty, as the reason
	Reason string
	Href   string
	Label  string
}

// Link is a place to go. Current marks the page that is shown, or the area that it stands in.
type Link struct {
	Label   string
	Href    string
	Current bool
	Count   string // a number beside the label: requests that wait
}

// Group is a run of side bar links, under a heading when Title is set.
type Group struct {
	Title string
	Links []Link
}

// UserMenu is the account menu of who is signed in. SignOut is posted to SignOutAction.
type UserMenu struct {
	Name          string
	Email         string
	Links         []Link
	SignOutAction string // default /logout
}

// LanguageMenu lets the reader change the language: a form that posts "language" and "next" to Action.
type LanguageMenu struct {
	Action  string
	Next    string
	Choices []LanguageChoice
}

// LanguageChoice is one language by its own name.
type LanguageChoice struct {
	Tag     string
	Name    string
	Current bool
}

// Flash is a message about what just happened. Tone is "ok", "warn", "bad" or empty.
type Flash struct {
	Tone string
	Text string
}

// Footer closes the page. Text is the operator's own.
type Footer struct {
	Text  string
	Links []Link
}

// ErrorView is the page of an error. Status is shown small; RequestID lets support find it.
type ErrorView struct {
	Status    string
	Title     string
	Text      string
	RequestID string
	Back      *Link // default: the home page
	Missing   *Missing
}

// Missing is a permission for want of which a page refuses, and how one comes by it.
type Missing struct {
	Sentence string // what it allows
	Name     string
	Roles    string // that have it
	By       string // the roles that can give it
	People   []Link // who have one of those; without Href where the reader can't look at them
}

const builtInHue = 262

func (f Frame) title() string {
	if f.Title == "" {
		return f.PortalName
	}
	return f.Title + " · " + f.PortalName
}

func (f Frame) hue() int {
	if f.BrandHue <= 0 {
		return builtInHue
	}
	return f.BrandHue % 360
}

// style writes the style element that sets the brand's hue and the labels of a terse table. templ does not fill values into style elements; this
// one holds a number that was made here, sentences of the catalogue and the nonce, escaped.
func (f Frame) style() templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		css := labelsCSS(f.Labels)
		if f.hue() != builtInHue {
			css = HueCSS(f.hue()) + css
		}
		if css == "" {
			return nil
		}
		_, err := fmt.Fprintf(w, `<style nonce="%s">%s</style>`, templ.EscapeString(f.Nonce), css)
		return err
	})
}

// unfitCSS are the signs that end a string of CSS, or the element that it stands in.
var unfitCSS = regexp.MustCompile(`[^\pL\pN ,.()/%·’-]`)

// labelsCSS sets the properties by which app.css names the cells of a terse table: a row costs no byte for it.
func labelsCSS(labels []string) string {
	var b strings.Builder
	for i, l := range labels {
		fmt.Fprintf(&b, `--c%d:"%s: ";`, i+2, unfitCSS.ReplaceAllString(l, ""))
	}
	if b.Len() == 0 {
		return ""
	}
	return ":root{" + b.String() + "}"
}

// HueCSS is the text of the style element that sets the brand's hue, by whose digest a policy without nonce lets it in.
func HueCSS(hue int) string { return fmt.Sprintf(":root{--brand-h:%d}", hue%360) }

func (f Frame) asset(name string) string { return static.URL(name) }

// initials stand for the user on a narrow screen.
func (u UserMenu) initials() string {
	var out []rune
	for _, word := range strings.Fields(u.Name) {
		out = append(out, []rune(word)[0])
	}
	if len(out) > 2 {
		out = []rune{out[0], out[len(out)-1]}
	}
	return strings.ToUpper(string(out))
}

func (u UserMenu) signOut() string {
	if u.SignOutAction == "" {
		return "/logout"
	}
	return u.SignOutAction
}

func (e ErrorView) back() Link {
	if e.Back == nil {
		return Link{Href: "/"}
	}
	return *e.Back
}

// current is what a marked link of the main navigation is: on a desk the area, elsewhere the page.
func (f Frame) current() string {
	if len(f.Side) > 0 {
		return "true"
	}
	return "page"
}

// guestLinks are those that have no room in a narrow top bar, and stand in its menu there.
func (f Frame) guestLinks() []Link {
	var all []Link
	if f.Search != nil {
		all = append(all, *f.Search)
	}
	if f.User != nil {
		return all
	}
	for _, l := range []*Link{f.SignIn, f.SignUp} {
		if l != nil {
			all = append(all, *l)
		}
	}
	return all
}

func (f Frame) hasMenu() bool { return len(f.Nav) > 0 || len(f.guestLinks()) > 0 }

// shape names the shape of the page for the style sheet.
func (f Frame) shape() string {
	switch {
	case len(f.Side) > 0:
		return "main stack"
	case f.Wide:
		return "public wide stack"
	default:
		return "public stack"
	}
}
