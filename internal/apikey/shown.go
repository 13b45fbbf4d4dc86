package apikey

import "strings"

// Shown is what readers see of HTML: all but its tags and comments, however long
// they are, entities as they stand. A key that its markup breaks in two is whole
// in it. It is made for finding keys, not for showing. The HTML has no ">" in
// attributes, as ours has not.
func Shown(html string) string {
	var out strings.Builder
	for {
		at := strings.IndexByte(html, '<')
		if at < 0 {
			break
		}
		end := strings.IndexByte(html[at:], '>')
		if end < 0 {
			break
		}
		out.WriteString(html[:at])
		html = html[at+end+1:]
	}
	if out.Len() == 0 {
		return html
	}
	out.WriteString(html)
	return out.String()
}
