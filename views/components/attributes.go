package components

import (
	"context"

	"github.com/a-h/templ"

	"github.com/gatehouse-dev/gatehouse/internal/text"
)

// Confirm gives a Button a question that a script asks before the form goes; without a script the form just goes, so
// what can't be undone has a page of its own.
func Confirm(ctx context.Context, question string) templ.Attributes {
	return templ.Attributes{"data-confirm": question, "data-cancel": text.T(ctx, "Cancel")}
}

func merged(attrs []templ.Attributes) templ.Attributes {
	all := templ.Attributes{}
	for _, a := range attrs {
		for name, value := range a {
			all[name] = value
		}
	}
	return all
}

// untranslated marks what somebody typed, and technical words, so that nobody and nothing translates it.
func untranslated(data bool) templ.Attributes {
	if !data {
		return nil
	}
	return templ.Attributes{"translate": "no"}
}
