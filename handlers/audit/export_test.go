package audit

// WordedFact reports whether a detail is told in words.
func WordedFact(name string) bool {
	for _, f := range factWords {
		if f.name == name {
			return true
		}
	}
	return name == "hint" // stands under the name
}
