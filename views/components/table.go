package components

func (f Filter) searchField() Field {
	field := *f.Search
	field.Type = "search"
	return field
}
