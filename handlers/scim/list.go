package scim

import (
	"strconv"
	"strings"

	filter "github.com/gatehouse-dev/gatehouse/internal/scim"
	"github.com/gatehouse-dev/gatehouse/models/scim"
)

type list struct {
	Schemas      []string `json:"schemas"`
	Total        int      `json:"totalResults"`
	ItemsPerPage int      `json:"itemsPerPage"`
	StartIndex   int      `json:"startIndex"`
	Resources    []any    `json:"Resources"`
}

// pageSize is how many there are in one answer at most (L4).
const pageSize = 100

// selection is what a call asks for of a list.
type selection struct {
	filter       filter.Filter // nil: all
	text         string        // of the filter, in small letters
	start, count int           // the first is 1
}

func (c *call) selection() (s selection, err error) {
	if s.text = strings.ToLower(c.QueryParam("filter")); s.text != "" {
		if s.filter, err = filter.ParseFilter(c.QueryParam("filter")); err != nil {
			return s, bad("invalidFilter", "The filter "+came(c.QueryParam("filter"))+" can’t be read. It takes an attribute, an operator and a value, such as userName eq \"ada@example.com\", at most 20 of these joined by and, or, not and brackets.")
		}
	}
	if s.start, err = number(c, "startIndex", 1); err != nil {
		return s, err
	}
	s.count, err = number(c, "count", pageSize)
	s.start, s.count = max(1, s.start), min(max(0, s.count), pageSize)
	return s, err
}

// which is what the database is asked for, so that a look for one does not read all (L2).
func (s selection) which() scim.Which {
	if s.filter == nil {
		return scim.Which{}
	}
	attribute, text, _ := filter.Equals(s.filter)
	return scim.Which{Attribute: attribute, Text: text}
}

// fitting are the rows whose document fits the filter. Values says how many a filter looks at in one: too many conditions for all of them are refused (L2).
func fitting[R, D any](s selection, rows []R, values func(R) int, document func(R) D) ([]R, error) {
	if s.filter == nil {
		return rows, nil
	}
	looks := 0
	for _, one := range rows {
		looks += values(one) * filter.Looks(s.filter)
	}
	if looks > maxLooks {
		return nil, bad("tooMany", "The filter has too many conditions for a directory of this size. Ask for less at a time.")
	}
	var out []R
	for _, one := range rows {
		r, err := filter.Resource(document(one))
		if err != nil {
			return nil, err
		}
		if s.filter.Match(r) {
			out = append(out, one)
		}
	}
	return out, nil
}

// page are the rows that the answer holds.
func page[R any](s selection, rows []R) []R {
	from := min(s.start-1, len(rows))
	return rows[from:min(from+s.count, len(rows))]
}

// listed answers with the documents of a page of so many in all.
func listed[R, D any](c *call, s selection, total int, rows []R, document func(R) (D, error)) (answer, error) {
	out := list{Schemas: []string{listSchema}, Total: total, StartIndex: s.start, ItemsPerPage: len(rows), Resources: []any{}}
	for _, one := range rows {
		d, err := document(one)
		if err != nil {
			return answer{}, err
		}
		shown, err := c.chosen(d)
		if err != nil {
			return answer{}, err
		}
		out.Resources = append(out.Resources, shown)
	}
	return answer{body: out}, nil
}

// number reads a parameter of the query.
func number(c *call, name string, otherwise int) (int, error) {
	text := c.QueryParam(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, bad("invalidValue", name+" has to be a whole number; it is "+came(text)+".")
	}
	return n, nil
}
