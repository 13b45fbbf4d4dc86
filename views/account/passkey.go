package account

import (
	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// Ask is a form that a script answers with a passkey: it asks for the challenge at Action/options. Without scripts it leads to a page that says so.
type Ask struct {
	Action  string
	Next    string
	Said    string // when the browser gave no answer
	Offered bool   // the browser may offer passkeys among the names that it knows
}

// PasskeyHelp says that passkeys need JavaScript, and what else there is.
type PasskeyHelp struct {
	Frame layout.Frame
	Ways  []layout.Link
}

// kindOf is Primary where a passkey is the next step.
func kindOf(next bool) components.Kind {
	if next {
		return components.Primary
	}
	return components.Plain
}
