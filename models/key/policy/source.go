package policy

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Kind is what a policy can be set for.
type Kind string

// The kinds, widest first: of two equally strict rules the wider one is named.
const (
	Installation Kind = "installation"
	Organization Kind = "organization"
	API          Kind = "api"
	Plan         Kind = "plan"
	Scope        Kind = "scope"
)

// Kinds lists the kinds, widest first.
var Kinds = []Kind{Installation, Organization, API, Plan, Scope}

var prefixes = map[Kind]string{Organization: "org", API: "api", Plan: "plan", Scope: "scope"}

// Source is whose policy a rule is of. The zero Source is nobody's: there is no rule.
type Source struct {
	Kind Kind
	ID   db.ID  // zero for the installation
	Name string // of the organization, API, plan or scope
	API  string // the name of the API that a plan or scope is of
	Slug string // of that API, or of the API itself
}

// Label names the source by what people called it: "Orders", "Orders · Gold", "Northwind". It is empty for the installation.
func (s Source) Label() string {
	if s.API != "" {
		return s.API + " · " + s.Name
	}
	return s.Name
}

// Ref names the source in addresses: "installation", or its id as shown.
func (s Source) Ref() string {
	if s.Kind == Installation {
		return string(Installation)
	}
	return s.ID.Show(prefixes[s.Kind])
}

// ParseRef reads what Ref wrote; ok is false for any other text.
func ParseRef(ref string) (s Source, ok bool) {
	if ref == string(Installation) {
		return Source{Kind: Installation}, true
	}
	for kind, prefix := range prefixes {
		if id, err := db.ParseID(prefix, ref); err == nil && !id.IsZero() {
			return Source{Kind: kind, ID: id}, true
		}
	}
	return Source{}, false
}

// compare orders sources from wide to narrow, so that the same one is named whatever order rules are read in.
func (s Source) compare(o Source) int {
	return cmp.Or(cmp.Compare(slices.Index(Kinds, s.Kind), slices.Index(Kinds, o.Kind)), strings.Compare(s.ID.String(), o.ID.String()))
}
