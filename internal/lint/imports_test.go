package lint

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// A pack is what go list says of one package.
type pack struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []pack {
	t.Helper()
	command := exec.Command("go", "list", "-e", "-json=ImportPath,Imports", "./...")
	command.Dir = root(t)
	output, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packs []pack
	decoder := json.NewDecoder(strings.NewReader(string(output)))
	for {
		var p pack
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packs
		} else if err != nil {
			t.Fatal(err)
		}
		packs = append(packs, p)
	}
}

// areas in the order in which they may import: each those to its right. demo fills them all, and only commands import it.
var areas = []string{"demo", "staff", "guide", "forum", "usage", "scim", "key", "catalog", "org", "account"}

// small are the packages that every area needs inside its transaction.
var small = []string{"actor", "audit", "change", "index", "job", "outbox", "permission", "privacy", "setting", "staffrole"}

// apparatus is what tests are made with.
var apparatus = []string{"internal/testenv", "models/db/dbtest", "handlers/webtest"}

// toolmakers may import all of ours: they wire and measure.
func toolmaker(path string) bool {
	return under(path, "cmd") || under(path, "internal/tools") || slices.Contains(apparatus, path)
}

func under(path, room string) bool { return path == room || strings.HasPrefix(path, room+"/") }

// mayImport judges one import of ours by another of ours; both without the module's name.
func mayImport(from, to string) bool {
	switch {
	case toolmaker(from):
		return true
	case under(to, "cmd") || slices.Contains(apparatus, to) || under(to, "internal/tools") || under(to, "models/demo"):
		return false
	case under(to, "internal"):
		return true
	case to == "docs":
		return from == "handlers" || from == "models/guide"
	case under(from, "internal"), under(from, "static"), under(from, "migrations"), from == "docs":
		return false
	case under(from, "client"):
		return under(to, "client")
	case under(from, "views"):
		return under(to, "views") || under(to, "static")
	case under(from, "models"):
		return modelMayImport(from, to)
	case from == "handlers":
		return !under(to, "migrations")
	case under(from, "handlers"):
		return handlerMayImport(from, to)
	}
	return false
}

func handlerMayImport(from, to string) bool {
	if under(to, "handlers") {
		return under(to, "handlers/web") || under(to, from) || to != "handlers" && under(from, to) // a part of an area shares with the area's own pages
	}
	return !under(to, "migrations")
}

func modelMayImport(from, to string) bool {
	if under(from, "models/db") {
		return under(to, "models/db") || to == "migrations"
	}
	if !under(to, "models") {
		return false
	}
	mine, theirs := area(from), area(to)
	switch {
	case theirs == "db" || slices.Contains(small, theirs):
		return true
	case slices.Contains(small, mine):
		return false
	}
	if mine == "demo" {
		return theirs != "demo"
	}
	order, other := slices.Index(areas, mine), slices.Index(areas, theirs)
	return order >= 0 && other >= order
}

func area(path string) string { return strings.Split(path, "/")[1] }

func TestImportsGoOneWay(t *testing.T) {
	for _, p := range packages(t) {
		from := strings.TrimPrefix(p.ImportPath, module+"/")
		for _, imported := range p.Imports {
			to, ours := strings.CutPrefix(imported, module+"/")
			if ours && !mayImport(from, to) {
				t.Errorf("%s imports %s: see Direction in the design page for who may import whom", from, to)
			}
		}
	}
}

func TestTheJudgeOfImportsKnowsTheHouse(t *testing.T) {
	for line, want := range map[string]bool{
		"cmd/gatehouse handlers": true, "handlers handlers/key": true, "handlers/key models/key": true, "handlers/key models/org": true, "handlers/key views/key": true,
		"handlers/key handlers/web": true, "models/key models/org": true, "models/key models/audit": true, "models/key models/db": true, "models/audit models/db": true,
		"models/db internal/fault": true, "views/key views/components": true, "views/key internal/text": true, "internal/config internal/smtp": true, "models/db/dbtest internal/testenv": true,
		"handlers/key/rotation handlers/key": true, "handlers/key handlers": false, "handlers/key handlers/org": false, "models/org models/key": false, "models/account models/org": false, "models/audit models/account": false, "models/db models/audit": false,
		"models/key handlers/web": false, "models/key views/key": false, "views/key models/key": false, "views/key handlers/web": false, "internal/text models/db": false,
		"internal/text views/layout": false, "static internal/text": true, "models/key internal/testenv": false, "handlers/web models/db/dbtest": false, "handlers/key cmd/gatehouse": false, "client models/key": false,
		"handlers docs": true, "cmd/gatehouse docs": true, "views/guide docs": false, "models/forum docs": false, "docs models/db": false,
	} {
		from, to, _ := strings.Cut(line, " ")
		if got := mayImport(from, to); got != want {
			t.Errorf("%s: %v", line, got)
		}
	}
}

// outsiders are packages of others that only some rooms may know.
var outsiders = []struct {
	prefix string
	rooms  []string
	why    string
}{
	{"gorm.io/", []string{"models"}, "only models speak to the database"},
	{"database/sql", []string{"models", "cmd"}, "only models speak to the database"},
	{"github.com/jackc/pgx", []string{"models", "cmd"}, "only models speak to the database"},
	{"modernc.org/sqlite", []string{"models"}, "only models speak to the database"},
	{"github.com/labstack/echo", []string{"handlers", "cmd"}, "echo stops at the handlers"},
	{"github.com/a-h/templ", []string{"views", "handlers"}, "HTML is made in views"},
	{"net/http", []string{"handlers", "cmd", "client", "static", "internal"}, "models know no HTTP, views no request"},
	{"html/template", nil, "HTML is made with templ"},
	{"text/template", nil, "text is made in the message catalogue"},
	{"unsafe", []string{"internal"}, "only a mechanism may need it"},
}

func TestOutsidersStayInTheirRooms(t *testing.T) {
	for _, p := range packages(t) {
		from := strings.TrimPrefix(p.ImportPath, module+"/")
		for _, outsider := range outsiders {
			allowed := slices.ContainsFunc(outsider.rooms, func(room string) bool { return under(from, room) })
			if allowed || toolmaker(from) {
				continue
			}
			for _, imported := range p.Imports {
				if imported == strings.TrimSuffix(outsider.prefix, "/") || strings.HasPrefix(imported, strings.TrimSuffix(outsider.prefix, "/")+"/") {
					t.Errorf("%s imports %s: %s", from, imported, outsider.why)
				}
			}
		}
	}
}
