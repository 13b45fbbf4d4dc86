package stories_test

// A person uses the portal by the words on its pages: one in a real browser, or a clerk who is quicker.
//
// within, where it is given, is words of the row, item, form or section to look in.
type person interface {
	open(path string)
	fill(label, value string, within ...string)
	tick(label string, within ...string)
	untick(label string, within ...string)
	press(button string, within ...string)
	follow(link string, within ...string)
	has(kind, name, within string) bool // kind: field, button, link, summary
	see(words ...string)
	seeNot(words string)
	sees(words string) bool
	path() string
	status() int
	// secret is the text of the new secret that the page shows once.
	secret() string
	// block is the text of the code block in which words stand.
	block(words string) string
	// token is the value of the session cookie.
	token() string
}

var (
	_ person = (*browser)(nil)
	_ person = (*clerk)(nil)
)
