package testenv

import "testing"

// toolPackages are the programs that commands of the guides use, with the Debian package that brings each.
var toolPackages = map[string]string{"bash": "bash", "curl": "curl", "git": "git", "node": "nodejs", "python3": "python3"}

// Tool returns the path of a program that commands of the guides use: bash, curl, git, node or python3. Node has to be 20 or later.
func Tool(t testing.TB, name string) string {
	t.Helper()
	path, err := program(name, toolPackages[name], name, "/usr/bin/"+name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
