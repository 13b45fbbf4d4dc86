package apikey

// Distinct are the keys of what was found in several texts, each once, in order, at most most of them: who looks at each further is bounded by that. Its cost is one look into a map
// for each, whatever their number.
func Distinct(most int, all ...[]Found) []Secret {
	var out []Secret
	seen := map[string]bool{}
	for _, some := range all {
		for _, f := range some {
			if len(out) >= most {
				return out
			}
			if text := f.Key.Reveal(); !seen[text] {
				seen[text] = true
				out = append(out, f.Key)
			}
		}
	}
	return out
}
