package config

import (
	"fmt"
	"strings"
)

// A Problem is one setting that can't be used.
type Problem struct {
	Variable string
	Wrong    string // what is wrong with it, never with the text of a secret
	Right    string // what would be right
}

// Problems is the error of Load: all that is wrong, so that an operator mends it in one go.
type Problems []Problem

func (p Problems) Error() string {
	var text strings.Builder
	if len(p) == 1 {
		text.WriteString("one setting is wrong:")
	} else {
		fmt.Fprintf(&text, "%d settings are wrong:", len(p))
	}
	for _, problem := range p {
		fmt.Fprintf(&text, "\n  %s %s. %s.", problem.Variable, problem.Wrong, problem.Right)
	}
	return text.String()
}

// add notes a problem; wrong reads on from the variable's name, right is a sentence of its own without its full stop.
func (p *Problems) add(variable, wrong, right string) {
	*p = append(*p, Problem{variable, wrong, right})
}
