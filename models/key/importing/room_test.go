package importing_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key/importing"
)

// check is the dry run of one key whose text has a prefix and so many characters.
func (w *world) check(prefix, alphabet string, length int) error {
	spec := w.spec(importing.Plain)
	spec.Prefix, spec.Alphabet, spec.Length = prefix, alphabet, length
	_, err := w.imports.Check(bg, w.staff, spec, strings.NewReader("digest,name\n"+strings.Repeat("0a", 32)+",Worker\n"))
	return err
}

var prefixConst = regexp.MustCompile(`Prefix\s*=\s*"([a-z]+)"|\.Show\("([a-z]+)"\)`)

// F14 of the review sec4b: nobody declares the form of our ids to be that of keys, whatever ids there are: each text with one would be refused as if it held a key.
func TestTheFormOfOurIDsIsNotImported(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	kinds := map[string]bool{"req": true}
	for _, pattern := range []string{"../../*/*.go", "../../*/*/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(err)
		}
		for _, name := range files {
			source, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range prefixConst.FindAllSubmatch(source, -1) {
				if !strings.HasSuffix(name, "_test.go") {
					kinds[string(found[1])+string(found[2])] = true
				}
			}
		}
	}
	if len(kinds) < 20 {
		t.Fatal(kinds)
	}
	id := db.NewID().Show("key")
	for kind := range kinds {
		if err := w.check(kind+"_", "base62", len(id)-len("key_")); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s_: %v", kind, err)
		}
	}
	for prefix, length := range map[string]int{"ey_": len(id) - 4, id[:5]: len(id) - 5} {
		if err := w.check(prefix, "base64url", length); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", prefix, err)
		}
	}
	for prefix, length := range map[string]int{"key_": 32, "acme_": len(id) - 4} {
		if err := w.check(prefix, "base62", length); err != nil {
			t.Errorf("%s, %d: %v", prefix, length, err)
		}
	}
	if found := apikey.Find(id); len(found) > 0 {
		t.Error(found)
	}
}

// F18 of the review sec4b, K1: no form of imported keys is forgotten for a newer one; what would be one too many is refused, and one that is there is not.
func TestNoFormOfImportedKeysIsForgottenForANewerOne(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		for n := range apikey.MaxDeclared {
			w.run("INSERT INTO key_imports (id, label, algorithm, secret, prefix, alphabet, length, shortest, keys, created_at) VALUES (?, 'Old', 'sha256', '', ?, ?, 24, 0, 1, ?)", db.NewID(), fmt.Sprint("maker", n, "_"), importing.Alphabets["base62"], clock.Now())
		}
		spec := w.spec(importing.Plain)
		_, _, stored := w.imports.Import(bg, w.staff, spec, strings.NewReader("digest,name\n"+strings.Repeat("0a", 32)+",Worker\n"))

		if one := w.check("acme_", "base62", 24); !fault.Is(one, fault.Invalid) || !fault.Is(stored, fault.Invalid) {
			t.Error(one, stored)
		}
		if same := w.check("maker7_", "base62", 24); same != nil {
			t.Error(same)
		}
	})
}

// F15 of the review sec4b: whoever asks for the forms fills no log: an import that can't be read is told of once.
func TestAnImportThatCannotBeReadIsLoggedOnce(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	id := w.imported(importing.Keyed, "acme_3ZHq9TmWx2LpVb7RfKd1YcNs")
	w.run("UPDATE key_imports SET secret = 'of another root' WHERE id = ?", id)
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(before)

	for range 5 {
		if forms, err := w.keys.Loader().LoadForms(bg); err != nil || len(forms) != 0 {
			t.Fatal(len(forms), err)
		}
	}

	if n := strings.Count(log.String(), "can't be read"); n != 1 {
		t.Error(n, log.String())
	}
}
