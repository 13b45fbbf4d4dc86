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
	// ReportOnlyUntil is up to when refusals are passed over, in Unix nanoseconds; 0 for never, see ReportsOnly.
	ReportOnlyUntil int64
	Rules           []Rule

	root node
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

// Compile checks the rules and prepares their lookup. Templates are brought to
// the form of Canonical first, so that rule and request are read alike. Two rules
// for one method and template (parameters may be named differently) fail, unless
// one of them is retired: the other one holds.
func (a *API) Compile() error {
	a.root = node{}
	rules := slices.Clone(a.Rules)
	for i := range rules {
		rules[i].Cost = max(1, rules[i].Cost)
		if err := a.root.add(&rules[i]); err != nil {
			return fmt.Errorf("%w %s %s: %w", ErrRule, rules[i].Method, rules[i].Template, err)
		}
	}
	a.Rules = rules
	return nil
}

func (n *node) add(rule *Rule) error {
	if !isMethod(rule.Method) {
		return errors.New("a method is upper-case letters")
	}
	segments, err := templateSegments(rule.Template)
	if err != nil {
		return err
	}
	for _, segment := range segments {
		n = n.child(segment)
	}
	for i, other := range n.rules {
		switch {
		case other.Method != rule.Method:
		case other.Retired:
			n.rules[i] = rule
			return nil
		case rule.Retired:
			return nil
		default:
			return errors.New("said twice")
		}
	}
	n.rules = append(n.rules, rule)
	return nil
}

// templateSegments returns the segments, "" for each parameter.
func templateSegments(template string) ([]string, error) {
	raw := strings.Split(template, "/")
	for i, segment := range raw {
		if !strings.ContainsAny(segment, "{}") {
			continue
		}
		name := strings.TrimSuffix(strings.TrimPrefix(segment, "{"), "}")
		if name == "" || len(segment) != len(name)+2 || strings.ContainsAny(name, "{}") {
			return nil, errors.New("a parameter is a whole segment in braces")
		}
		raw[i] = "{}"
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
		if segments[i] == "{}" {
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

// Match returns the rule for a request, or nil for an undeclared route. A
// literal segment beats a parameter, segment by segment from the left; where
// the literal branch has no rule for the method, the parameter's is tried.
// Methods match exactly: "get" is not GET. HEAD takes its own rule where one is
// declared, otherwise GET's, being a GET without its body (RFC 9110 section
// 9.3.2); so it never needs less. It allocates nothing.
func (a *API) Match(method string, path Path) *Rule {
	return a.root.match(method, strings.TrimPrefix(path.text, "/"))
}

func (n *node) match(method, rest string) *Rule {
	if rest == "" {
		return n.rule(method)
	}
	segment, after, _ := strings.Cut(rest, "/")
	if next := n.literal[segment]; next != nil {
		if rule := next.match(method, after); rule != nil {
			return rule
		}
	}
	if n.param != nil {
		return n.param.match(method, after)
	}
	return nil
}

// rule is the one for method where a path ends. HEAD takes GET's here, not further on: a template that fits worse must not need less.
func (n *node) rule(method string) (found *Rule) {
	for _, rule := range n.rules {
		if rule.Method == method {
			return rule
		}
		if method == "HEAD" && rule.Method == "GET" {
			found = rule
		}
	}
	return found
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
		if err := api.Compile(); err != nil {
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
