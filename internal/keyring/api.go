package keyring

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// API is what is known of one API. Fill the exported fields and call Compile
// once; it is immutable from then on.
type API struct {
	ID        ID
	Slug      string
	Publisher ID
	// Domain is the data domain that a key must be of; "" goes with any, as the
	// portal's own API does.
	Domain string
	Live   bool // has a live environment
	Test   bool // has a test environment
	// RefuseUndeclared says that a request which no rule fits is refused.
	RefuseUndeclared bool
	// Up to when refusals are passed over in an environment, in Unix nanoseconds; 0 for never, see ReportsOnly.
	ReportOnlyLiveUntil, ReportOnlyTestUntil int64
	Rules                                    []Rule

	root   node
	folded *node // the same rules with letters' case left out; root itself where no template has any
}

// Rule says which scope a method of a path template needs.
type Rule struct {
	Method   string // upper case, matched exactly
	Template string // as in /v2/orders/{id}
	Scope    string // "" for a route that any grant of the API opens
	Retired  bool   // its version is retired: the route is refused with WRONG_API
	Cost     int    // what a call is charged as where its asker doesn't say; Compile makes 0 to 1
}

// ErrRule is returned by Compile for a rule that can never match or that
// contradicts another.
var ErrRule = errors.New("keyring: route rule")

// node is one segment of the tree of templates.
type node struct {
	literal map[string]*node
	param   *node
	rules   []*Rule // by method; those of parameters named differently share a node
}

// errTwice is the one contradiction with which a catalogue can live: both rules hold.
var errTwice = errors.New("said twice")

// Compile checks the rules and prepares their lookup. Templates are brought to
// the form of Canonical first, so that rule and request are read alike. Two rules
// for one method and template (parameters may be named differently) fail, unless
// one of them is retired: the other one holds.
func (a *API) Compile() error {
	a.root, a.folded = node{}, &a.root
	rules, all, cased := slices.Clone(a.Rules), make([][]string, len(a.Rules)), false
	var twice error
	for i := range rules {
		rule := &rules[i]
		rule.Cost = max(1, rule.Cost)
		segments, err := templateSegments(rule.Template)
		if err == nil && !isMethod(rule.Method) {
			err = errors.New("a method is upper-case letters")
		}
		if err == nil {
			err = a.root.at(segments).add(rule)
		}
		if err != nil {
			err = fmt.Errorf("%w %s %s: %w", ErrRule, rule.Method, rule.Template, err)
			if !errors.Is(err, errTwice) {
				return err
			}
			twice = err
		}
		all[i] = segments
		cased = cased || slices.ContainsFunc(segments, func(s string) bool { return fold(s) != s })
	}
	a.Rules = rules
	if cased {
		a.folded = &node{}
		for i := range rules {
			for j, segment := range all[i] {
				all[i][j] = fold(segment)
			}
			n := a.folded.at(all[i])
			n.rules = append(n.rules, &rules[i])
		}
	}
	return twice
}

// at is the node of a template's segments; it is made where there is none.
func (n *node) at(segments []string) *node {
	for _, segment := range segments {
		n = n.child(segment)
	}
	return n
}

func (n *node) add(rule *Rule) (err error) {
	for i, other := range n.rules {
		switch {
		case other.Method != rule.Method:
		case other.Retired:
			n.rules[i] = rule
			return nil
		case rule.Retired:
			return nil
		default:
			err = errTwice
		}
	}
	n.rules = append(n.rules, rule)
	return err
}

// templateSegments returns the segments, "" for each parameter.
func templateSegments(template string) ([]string, error) {
	raw := strings.Split(template, "/")
	param := make([]bool, len(raw))
	for i, segment := range raw {
		if !strings.ContainsAny(segment, "{}") {
			continue
		}
		name := strings.TrimSuffix(strings.TrimPrefix(segment, "{"), "}")
		if name == "" || len(segment) != len(name)+2 || strings.ContainsAny(name, "{}") {
			return nil, errors.New("a parameter is a whole segment in braces")
		}
		raw[i], param[i] = "{}", true
	}
	path, err := Canonical(strings.Join(raw, "/"))
	if err != nil || strings.ContainsRune(template, '?') {
		return nil, errors.New("not a path without query")
	}
	if path.text == "/" {
		return nil, nil
	}
	segments := strings.Split(path.text[1:], "/")
	for i := range segments {
		if param[i+1] {
			segments[i] = ""
		}
	}
	return segments, nil
}

func (n *node) child(segment string) *node {
	if segment == "" {
		if n.param == nil {
			n.param = &node{}
		}
		return n.param
	}
	next := n.literal[segment]
	if next == nil {
		if n.literal == nil {
			n.literal = map[string]*node{}
		}
		next = &node{}
		n.literal[segment] = next
	}
	return next
}

func isMethod(method string) bool {
	for i := range len(method) {
		if method[i] < 'A' || method[i] > 'Z' {
			return false
		}
	}
	return method != ""
}

// Catalogue is all APIs at one moment. It is immutable.
type Catalogue struct {
	bySlug      map[string]*API
	byID        map[ID]*API
	byPublisher map[ID][]*API
}

// NewCatalogue returns the catalogue of apis, each of which it compiles.
func NewCatalogue(apis []*API) (*Catalogue, error) {
	c := &Catalogue{bySlug: map[string]*API{}, byID: map[ID]*API{}, byPublisher: map[ID][]*API{}}
	for _, api := range apis {
		if err := api.Compile(); err != nil && !errors.Is(err, errTwice) { // of what an earlier version took: see Routes
			return nil, fmt.Errorf("API %s: %w", api.Slug, err)
		}
		c.bySlug[api.Slug] = api
		c.byID[api.ID] = api
		c.byPublisher[api.Publisher] = append(c.byPublisher[api.Publisher], api)
	}
	return c, nil
}

// Resolve returns the API that a caller of the organization publisher means by
// slug, or its only one for "". It is nil when there is none: an API of somebody
// else is like one that does not exist.
func (c *Catalogue) Resolve(publisher ID, slug string) *API {
	if slug == "" {
		if own := c.byPublisher[publisher]; len(own) == 1 {
			return own[0]
		}
		return nil
	}
	if api := c.bySlug[slug]; api != nil && api.Publisher == publisher {
		return api
	}
	return nil
}

// BySlug returns the API of that slug, whoever publishes it, or nil.
func (c *Catalogue) BySlug(slug string) *API { return c.bySlug[slug] }

// ByID returns the API of that id, or nil.
func (c *Catalogue) ByID(id ID) *API { return c.byID[id] }

// Of returns the APIs that an organization publishes. Don't change the slice.
func (c *Catalogue) Of(publisher ID) []*API { return c.byPublisher[publisher] }
