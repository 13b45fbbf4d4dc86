package rig

import "strings"

// Match finds the template of a path among templates such as /console/keys/:id; a fixed word goes before a parameter. Empty when none
// fits.
func Match(templates []string, path string) string {
	path, _, _ = strings.Cut(path, "?")
	best, most := "", -1
	for _, t := range templates {
		if fixed := fit(t, path); fixed > most {
			best, most = t, fixed
		}
	}
	return best
}

// fit counts the fixed words of the template that the path has; -1 when it is another path.
func fit(template, path string) int {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	fixed := 0
	for i, w := range want {
		switch {
		case w == "*":
			return fixed
		case i >= len(got):
			return -1
		case strings.HasPrefix(w, ":"):
			if got[i] == "" {
				return -1
			}
		case w != got[i]:
			return -1
		default:
			fixed++
		}
	}
	if len(want) != len(got) {
		return -1
	}
	return fixed
}
