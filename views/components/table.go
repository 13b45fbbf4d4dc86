package components

// Labels are what the cells of a terse table are called where it stacks: its columns from the second on.
func Labels(columns []Column) []string {
	var out []string
	for _, c := range columns[1:] {
		out = append(out, c.Label)
	}
	return out
}

func (f Filter) searchField() Field {
	field := *f.Search
	field.Type = "search"
	return field
}
