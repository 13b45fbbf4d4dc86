package main

import (
	"context"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/internal/gatewayfile"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository(), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func matches(t *testing.T, form, text string) []string {
	t.Helper()
	var all []string
	for _, m := range regexp.MustCompile(form).FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	if len(all) == 0 {
		t.Fatalf("nothing looks like %s", form)
	}
	return all
}

func TestReadmeLinksLead(t *testing.T) {
	for _, link := range matches(t, `\]\(([^)]+)\)`, readme(t)) {
		if _, err := os.Stat(filepath.Join(repository(), link)); err != nil {
			t.Error(err)
		}
	}
}

func TestReadmeNamesTargetsOfTheMakefile(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(repository(), "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range matches(t, `make ([a-z]+)\b`, readme(t)) {
		if !strings.Contains(string(makefile), "\n"+target+":") {
			t.Errorf("there is no make %s", target)
		}
	}
}

func TestReadmeNamesEverySettingThatIsForOperators(t *testing.T) {
	text := readme(t)
	var named []string
	for _, name := range matches(t, `(GATEHOUSE_[A-Z_]+)`, text) {
		named = append(named, name+"=x")
	}

	if unknown := config.Unknown(named); len(unknown) > 0 {
		t.Errorf("these are no settings: %v", unknown)
	}
	for line := range strings.Lines(config.Help()) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[1] == "=" && strings.HasPrefix(fields[0], "GATEHOUSE_") && !strings.Contains(text, "| `"+fields[0]+"` | `"+fields[2]+"` |") {
			t.Errorf("the default of %s is %s", fields[0], fields[2])
		}
	}
}

func TestReadmeNamesCommandsThatThereAre(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gatehouse.db")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(readme(t), "\n", "  ") // a command may be broken in the middle of a sentence, but never in itself
	for _, line := range matches(t, "[`\\s](gatehouse [a-z][^`#]*?)(?:`|  )", text) {
		words := strings.Fields(strings.ReplaceAll(line, "gatehouse.db", file))
		if words[len(words)-1] == "--help" {
			words = words[:len(words)-1]
		}
		var c commands
		parser, err := kong.New(&c, kong.Name("gatehouse"), kong.Writers(io.Discard, io.Discard), kong.Bind(&world{ctx: context.Background()}))
		if err != nil {
			t.Fatal(err)
		}

		_, err = parser.Parse(words[1:])
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestReadmeQuotesTheNginxFileThatConnectShows(t *testing.T) {
	whole := gatewayfile.Nginx(gatewayfile.Options{GatehouseURL: "http://127.0.0.1:8080", APISlug: "orders", Environment: "live", Token: "x", Upstream: "http://127.0.0.1:9000"})
	for _, block := range matches(t, "(?s)```nginx\n(.*?)```", readme(t)) {
		for line := range strings.Lines(block) {
			if !strings.Contains(whole, strings.TrimSpace(line)) {
				t.Errorf("the file has no line %s", strings.TrimSpace(line))
			}
		}
	}
}

func TestReadmePicturesAreSmall(t *testing.T) {
	for _, name := range matches(t, `!\[[^\]]+\]\(([^)]+)\)`, readme(t)) {
		f, err := os.Open(filepath.Join(repository(), name))
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.DecodeConfig(f)
		info, bad := f.Stat()
		if err != nil || bad != nil || picture.Width != 1280 || info.Size() > 150_000 {
			t.Errorf("%s: %d pixels wide, %d bytes, %v", name, picture.Width, info.Size(), err)
		}
		_ = f.Close()
	}
}
