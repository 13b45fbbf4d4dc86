package forum

import "github.com/gatehouse-dev/gatehouse/internal/text"

// Status is what the company says in public of an idea or a bug. Its Words are a sentence of the message catalogue.
type Status struct {
	Name  string
	Words string
	Done  bool // nothing more will come
}

var statuses = map[string][]Status{
	KindIdea: {
		{"new", text.N("New"), false},
		{"planned", text.N("Planned"), false},
		{"in_progress", text.N("In progress"), false},
		{"done", text.N("Done"), true},
		{"declined", text.N("Declined"), true},
	},
	KindBug: {{"new", text.N("New"), false}, {"confirmed", text.N("Confirmed"), false}, {"fixed", text.N("Fixed"), true}, {"declined", text.N("Declined"), true}},
}

// Statuses are those that a question of this kind can have, in their order; none for a plain question. The desk of support sets them.
func Statuses(kind string) []Status { return statuses[kind] }

// StatusOf is the status by name that a question of this kind can have; ok is false for none.
func StatusOf(kind, name string) (status Status, ok bool) {
	for _, s := range statuses[kind] {
		if s.Name == name {
			return s, true
		}
	}
	return Status{}, false
}
