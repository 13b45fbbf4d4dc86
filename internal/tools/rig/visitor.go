package rig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/html"
)

// Visitor visits a portal over HTTP as a browser without scripts does. For one goroutine at a time.
type Visitor struct {
	base *url.URL
	http *http.Client
}

// NewVisitor is a visitor with no cookies. Redirects are not followed.
func NewVisitor(base string) (*Visitor, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	return &Visitor{u, &http.Client{Jar: jar, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}, nil
}

// SignIn signs in; it fails unless the portal leads on.
func (v *Visitor) SignIn(email, password string) error {
	p, err := v.Post("/login", url.Values{"email": {email}, "password": {password}})
	if err == nil && p.Status != http.StatusSeeOther {
		err = fmt.Errorf("sign in as %s: %d", email, p.Status)
	}
	return err
}

// Cookies are those that the portal has set, as name and value.
func (v *Visitor) Cookies() map[string]string {
	all := map[string]string{}
	for _, c := range v.http.Jar.Cookies(v.base) {
		all[c.Name] = c.Value
	}
	return all
}

// Page is what came back.
type Page struct {
	Path   string // with the query, as asked for
	Status int
	Header http.Header
	Body   string
	Node   *html.Node // of HTML, else nil
}

// Get asks for a path, with its query if it has one.
func (v *Visitor) Get(path string) (Page, error) { return v.send(http.MethodGet, path, nil) }

// Post sends a form as the portal's own page would.
func (v *Visitor) Post(path string, form url.Values) (Page, error) {
	return v.send(http.MethodPost, path, form)
}

func (v *Visitor) send(method, path string, form url.Values) (Page, error) {
	r, err := http.NewRequestWithContext(context.Background(), method, v.base.String()+path, strings.NewReader(form.Encode()))
	if err != nil {
		return Page{}, err
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", v.base.String())
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	answer, err := v.http.Do(r)
	if err != nil {
		return Page{}, err
	}
	body, err := io.ReadAll(answer.Body)
	p := Page{Path: path, Status: answer.StatusCode, Header: answer.Header, Body: string(body)}
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return p, err
	}
	if strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") {
		p.Node, err = html.Parse(strings.NewReader(p.Body))
	}
	return p, err
}

// Links are the places of the portal that the page leads to, each once, in their order; without fragments.
func (p Page) Links() []string {
	var all []string
	if p.Node == nil {
		return nil
	}
	for n := range p.Node.Descendants() {
		if n.Type != html.ElementNode || n.Data != "a" {
			continue
		}
		for _, a := range n.Attr {
			if a.Key != "href" || strings.Contains(strings.SplitN(a.Val, "?", 2)[0], ":") || strings.HasPrefix(a.Val, "//") {
				continue
			}
			if place := Resolve(p.Path, a.Val); !slices.Contains(all, place) {
				all = append(all, place)
			}
		}
	}
	return all
}

// Resolve is the path, with its query, of what a link of the page at path from names; a whole address is taken for one of the portal.
func Resolve(from, link string) string {
	base, err := url.Parse(from)
	if err != nil {
		base = &url.URL{Path: "/"}
	}
	u, err := base.Parse(link)
	if err != nil {
		return link
	}
	u.Scheme, u.Host, u.User, u.Fragment = "", "", nil, ""
	return u.String()
}

// Crawl follows links from the start until no page leads to anything new, and returns all pages that came, also refused ones. kind
// sorts a path into what it is an example of, such as a route; most is how many examples of a kind are visited. A path of kind "" is
// left out.
func (v *Visitor) Crawl(start []string, most int, kind func(path string) string) ([]Page, error) {
	var pages []Page
	waiting, seen, examples := slices.Clone(start), map[string]bool{}, map[string]int{}
	for len(waiting) > 0 {
		path := waiting[0]
		waiting = waiting[1:]
		k := kind(path)
		if seen[path] || k == "" || examples[k] >= most {
			continue
		}
		seen[path] = true
		examples[k]++
		p, err := v.Get(path)
		if err != nil {
			return nil, err
		}
		pages = append(pages, p)
		waiting = append(waiting, p.Links()...)
	}
	return pages, nil
}
