package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// begins are the commands that make an installation where there is none, and the few that touch none. All others work on one that is there.
var begins = map[string]bool{"serve": true, "demo": true, "migrate": true, "restore": true, "doctor": true, "healthcheck": true, "version": true, "hash-worker": true}

// worksOn are the other commands, with what they need to come as far as the database. {dir} is a folder that is there.
var worksOn = map[string]string{
	"admin create": "--email ada@northwind.example --name Ada", "users reset-factors": "--email ada@northwind.example", "users sign-out-all": "",
	"audit verify": "", "audit export": "{dir}/out.jsonl", "audit key": "", "audit checkpoint": "", "audit archive": "", "audit release": "audit-1-2.jsonl",
	"keys list": "", "keys show": "key_06h01bmydnzeb2z1dn59m5f83m", "keys explain": "key_06h01bmydnzeb2z1dn59m5f83m", "keys create": "--app Shop --name Drill --grant a/b:read",
	"keys rotate": "key_06h01bmydnzeb2z1dn59m5f83m", "keys revoke": "key_06h01bmydnzeb2z1dn59m5f83m --yes --reason drill",
	"keys import": "{dir}/keys.csv --label Old --prefix acme_ --length 24 --app Shop --grants a/b:read",
	"backup":      "{dir}/copy.db", "move": "--to postgres://127.0.0.1:1/gatehouse",
}

// commandLine runs the program's own command line within this process.
func commandLine(t *testing.T, env map[string]string, args ...string) error {
	t.Helper()
	w := &world{ctx: t.Context(), stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard, lookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}
	parser, err := newParser(w)
	if err != nil {
		t.Fatal(err)
	}
	chosen, err := parser.Parse(args)
	if err != nil {
		t.Fatal(args, err)
	}
	return chosen.Run()
}

func everyCommand(t *testing.T) (paths []string) {
	t.Helper()
	parser, err := newParser(&world{})
	if err != nil {
		t.Fatal(err)
	}
	for _, leaf := range parser.Model.Leaves(false) {
		paths = append(paths, strings.TrimPrefix(leaf.Path(), "gatehouse "))
	}
	return paths
}

// REL-17, U4: a command that works on an installation makes none. In a wrong folder an empty audit log would be whole, a fresh secret's key an auditor's, and a
// copy of nothing a backup; so each ends with 3, says where it looked and how to lead it elsewhere, and leaves neither folder nor database nor secret.
func TestOnlyWhatBeginsAnInstallationMakesOne(t *testing.T) {
	all := everyCommand(t)
	if len(all) != len(begins)+len(worksOn) {
		t.Errorf("%d commands, and this test knows %d: %q", len(all), len(begins)+len(worksOn), all)
	}
	for _, path := range all {
		args, known := worksOn[path]
		if begins[path] || !known {
			if !begins[path] {
				t.Errorf("%s: does it work on an installation, or begin one?", path)
			}
			continue
		}
		t.Run(path, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "keys.csv"), []byte("name,sha256\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			before := tree(t, dir)

			err := commandLine(t, map[string]string{"GATEHOUSE_DATA_DIR": filepath.Join(dir, "data")}, strings.Fields(path+" "+strings.ReplaceAll(args, "{dir}", dir))...)

			refusesThere(t, err, filepath.Join(dir, "data", "gatehouse.db"), "GATEHOUSE_DATA_DIR", "GATEHOUSE_DATABASE_URL")
			if after := tree(t, dir); after != before {
				t.Errorf("it left %s, where there was %s", after, before)
			}
		})
	}
}

// The demo keeps its database in a folder of its own, where nobody looks for it.
func TestACommandThatFindsNothingNamesTheDemo(t *testing.T) {
	dir := t.TempDir()
	demo := filepath.Join(dir, "demo")
	if err := errors.Join(os.Mkdir(demo, 0o700), os.WriteFile(filepath.Join(demo, "gatehouse.db"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}

	err := commandLine(t, map[string]string{"GATEHOUSE_DATA_DIR": dir}, "audit", "verify")

	refusesThere(t, err, "GATEHOUSE_DATA_DIR="+demo)
}

// A database of nothing, as pg_restore needs it and a mistyped name makes it, is no installation either.
func TestAnEmptyDatabaseIsNoInstallation(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gatehouse.db")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, url := range map[string]string{"SQLite": "sqlite:" + file, "PostgreSQL": testenv.Postgres(t)} {
		t.Run(name, func(t *testing.T) {
			data := filepath.Join(t.TempDir(), "data")

			err := commandLine(t, map[string]string{"GATEHOUSE_DATA_DIR": data, "GATEHOUSE_DATABASE_URL": url}, "audit", "key")

			refusesThere(t, err, "is empty", "GATEHOUSE_DATABASE_URL")
			d, err := db.Open(t.Context(), db.Options{URL: url})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			if h, err := d.Health(t.Context()); err != nil || h.Schema != 0 {
				t.Error("tables were made", h.Schema, err)
			}
			if _, err := os.Stat(data); err == nil {
				t.Error("a data folder was made")
			}
		})
	}
}

func refusesThere(t *testing.T, err error, says ...string) {
	t.Helper()
	var exit exitError
	if !errors.As(err, &exit) || exit.code != codeUnavailable {
		t.Fatalf("it ended with %v, and not with 3", err)
	}
	for _, part := range says {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %s", err, part)
		}
	}
}

// tree names all files under a folder.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	if err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		all = append(all, path)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}
