package components

import "strconv"

func itoa(n int) string { return strconv.Itoa(n) }

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

func formMethod(m string) string { return or(m, "post") }

func formClass(c string) string { return or(c, "stack") }
