package importing_test

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/importing"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

var bg = context.Background()

type world struct {
	t       *testing.T
	db      *db.DB
	keys    *key.Store
	imports *importing.Store
	app     db.ID
	staff   actor.Actor
	own     *apikey.Digester
}

func newWorld(t *testing.T, d *db.DB, clock *dbtest.Clock) *world {
	t.Helper()
	root, err := secret.Parse("kT7Q0mX2vB9sLrE4wYzA6uHdJc1NpFgi", "")
	if err != nil {
		t.Fatal(err)
	}
	keys := key.NewStore(key.Options{DB: d, Outbox: outbox.New(root.Sealer(secret.LabelMail)), Root: root, Brand: "gk", Link: func(p string) string { return p }})
	w := &world{t: t, db: d, keys: keys, imports: importing.NewStore(d, keys, root.Sealer(secret.LabelImport)), app: db.NewID()}
	w.own = apikey.NewDigester(apikey.Pepper{Version: root.Version(), Key: root.Key(secret.LabelKeyPepper)})
	now, org, user, api, scope, access := clock.Now(), db.NewID(), db.NewID(), db.NewID(), db.NewID(), db.NewID()
	w.staff = actor.Actor{Kind: actor.User, UserID: user, StaffRole: "admin", Name: "root"}
	w.run("INSERT INTO users (id, email, name, display_name, language, time_zone, staff_role, created_at, updated_at) VALUES (?, 'root@x.example', 'root', 'root', 'en', 'UTC', 'admin', ?, ?)", user, now, now)
	w.run("INSERT INTO organizations (id, kind, name, technical_email, created_at, updated_at) VALUES (?, 'ordinary', 'Northwind', '', ?, ?)", org, now, now)
	w.run("INSERT INTO apps (id, organization_id, name, created_at, updated_at) VALUES (?, ?, 'Shop', ?, ?)", w.app, org, now, now)
	w.run("INSERT INTO apis (id, slug, name, publisher_id, data_domain, is_portal, created_at, updated_at) VALUES (?, 'orders', 'Orders', ?, 'customer', FALSE, ?, ?)", api, org, now, now)
	w.run("INSERT INTO api_versions (id, api_id, name, state, created_at, updated_at) VALUES (?, ?, 'v1', 'live', ?, ?)", db.NewID(), api, now, now)
	w.run("INSERT INTO plans (id, api_id, name, rate_requests, rate_period_seconds, burst, needs_approval, created_at, updated_at) VALUES (?, ?, 'Standard', 100, 60, 100, FALSE, ?, ?)", db.NewID(), api, now, now)
	w.run("INSERT INTO scopes (id, api_id, name, sentence, created_at) VALUES (?, ?, 'orders:read', 'Read', ?)", scope, api, now)
	w.run("INSERT INTO access (id, app_id, api_id, plan_id, state, purpose, created_at, updated_at) SELECT ?, ?, ?, p.id, 'approved', 'test', ?, ? FROM plans p", access, w.app, api, now, now)
	w.run("INSERT INTO access_scopes (access_id, scope_id) VALUES (?, ?)", access, scope)
	return w
}

func (w *world) run(query string, args ...any) {
	w.t.Helper()
	if err := w.db.Tx(bg, func(tx *db.Tx) error { _, err := tx.Run(query, args...); return err }); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) spec(algorithm string) importing.Spec {
	s := importing.Spec{Label: "Old gateway", Algorithm: algorithm, Prefix: "acme_", Alphabet: "base62", Length: 24, App: w.app.Show("app"), Grants: "orders/orders:read"}
	if algorithm == importing.Keyed {
		s.Secret = "a secret of the old gateway"
	}
	return s
}

func (w *world) sum(algorithm, text string) []byte {
	if algorithm == importing.Keyed {
		m := hmac.New(sha256.New, []byte("a secret of the old gateway"))
		m.Write([]byte(text))
		return m.Sum(nil)
	}
	s := sha256.Sum256([]byte(text))
	return s[:]
}

// recognise looks a text up as the edge does.
func (w *world) recognise(text string) (*keyring.Facts, string) {
	w.t.Helper()
	if f, err := w.keys.Loader().LoadKey(bg, keyring.Digest(w.own.Sum(text))); f != nil || err != nil {
		return f, "ours"
	}
	forms, err := w.keys.Loader().LoadForms(bg)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, form := range forms {
		if form.Fits(text) && form.Sum != nil {
			f, err := w.keys.Loader().LoadKey(bg, keyring.Digest(form.Sum(text)))
			if err != nil {
				w.t.Fatal(err)
			}
			if f != nil {
				w.imports.Recognised(key.Redigested{ID: db.ID(f.ID), Foreign: form.Sum(text), Own: w.own.Sum(text)})
				return f, "theirs"
			}
		}
	}
	return nil, ""
}

// K1: an imported key works, is digested as ours at its first use, and then neither its maker's digest nor the secret is kept.
func TestAnImportedKeyWorksAndIsDigestedAnewWhenItIsFirstUsed(t *testing.T) {
	for _, algorithm := range []string{importing.Plain, importing.Keyed} {
		t.Run(algorithm, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
				w := newWorld(t, d, clock)
				const text = "acme_3ZHq9TmWx2LpVb7RfKd1YcNs"
				file := "digest,name,last_four\n" + hex.EncodeToString(w.sum(algorithm, text)) + ",Checkout worker,YcNs\n"
				id, report, err := w.imports.Import(bg, w.staff, w.spec(algorithm), strings.NewReader(file))
				if err != nil || report.Good != 1 {
					t.Fatal(err, report)
				}

				first, how := w.recognise(text)
				junk, _ := w.recognise("acme_3ZHq9TmWx2LpVb7RfKd1YcNt")
				if err := w.imports.Flush(bg); err != nil {
					t.Fatal(err)
				}
				again, then := w.recognise(text)
				if err := w.imports.Settle(bg); err != nil {
					t.Fatal(err)
				}

				if first == nil || how != "theirs" || junk != nil || again == nil || again.ID != first.ID || then != "ours" {
					t.Fatal(first, how, junk, again, then)
				}
				var left int
				if err := d.Read(bg).Raw("SELECT COUNT(*) FROM keys WHERE pepper_version = 'import'").Scan(&left).Error; err != nil || left != 0 {
					t.Error("the maker’s digest is kept", left, err)
				}
				if err := d.Read(bg).Raw("SELECT COUNT(*) FROM key_imports WHERE secret <> ''").Scan(&left).Error; err != nil || left != 0 {
					t.Error("the maker’s secret is kept", left, err)
				}
				page, err := w.imports.List(bg, w.staff, db.PageRequest{})
				if err != nil || len(page.Rows) != 1 || page.Rows[0].ID != id || page.Rows[0].Living != 1 || page.Rows[0].Pending != 0 {
					t.Error(page.Rows, err)
				}
				found, err := w.keys.ListAll(bg, w.staff, key.Filter{Import: id.Show(key.ImportPrefix)}, db.PageRequest{})
				if err != nil || len(found.Rows) != 1 || found.Rows[0].Hint() != "acme_…YcNs" {
					t.Error(found.Rows, err)
				}
			})
		})
	}
}

func TestADryRunNamesProblemsByLineAndStoresNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		good := hex.EncodeToString(w.sum(importing.Plain, "acme_one"))
		file := strings.Join([]string{
			"digest,name,app,grants,expires,enabled", good + ",Good,,,,", good + ",Twice,,,,", "zz,Bad digest,,,,", base64.StdEncoding.EncodeToString(w.sum(importing.Plain, "2")) + ",,,,,",
			hex.EncodeToString(w.sum(importing.Plain, "3")) + ",No app,app_0000,,,", hex.EncodeToString(w.sum(importing.Plain, "4")) + ",No scope,,orders/orders:write,,",
			hex.EncodeToString(w.sum(importing.Plain, "5")) + ",Over,,,2020-01-01,", hex.EncodeToString(w.sum(importing.Plain, "6")) + ",Off,,,,false",
		}, "\n")

		report, err := w.imports.Check(bg, w.staff, w.spec(importing.Plain), strings.NewReader(file))
		_, _, refused := w.imports.Import(bg, w.staff, w.spec(importing.Plain), strings.NewReader(file))

		var lines []string
		for _, p := range report.Problems {
			lines = append(lines, fmt.Sprint(p.Line, " ", p.Says.Field))
		}
		want := "[3 digest 4 digest 5 name 6 app 7 grants 8 expires 9 enabled]"
		if err != nil || report.Keys != 8 || report.Wrong != 7 || report.Good != 1 || fmt.Sprint(lines) != want || !fault.Is(refused, fault.Invalid) {
			t.Fatal(err, report.Keys, report.Wrong, lines, refused)
		}
		var n int
		if err := d.Read(bg).Raw("SELECT (SELECT COUNT(*) FROM keys) + (SELECT COUNT(*) FROM key_imports)").Scan(&n).Error; err != nil || n != 0 {
			t.Fatal("something was stored", n, err)
		}
	})
}

func TestTheSameKeyIsImportedOnce(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	file := "digest,name\n" + hex.EncodeToString(w.sum(importing.Plain, "acme_one")) + ",One\n"
	if _, _, err := w.imports.Import(bg, w.staff, w.spec(importing.Plain), strings.NewReader(file)); err != nil {
		t.Fatal(err)
	}

	report, err := w.imports.Check(bg, w.staff, w.spec(importing.Plain), strings.NewReader(file))

	if err != nil || report.Wrong != 1 || report.Problems[0].Line != 0 && report.Problems[0].Line != 2 {
		t.Fatal(report, err)
	}
}

func TestAFormThatCouldBeGuessedIsRefused(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	for what, change := range map[string]func(*importing.Spec){
		"too few bits": func(s *importing.Spec) { s.Length = 21 }, "hex too short": func(s *importing.Spec) { s.Alphabet, s.Length = "hex", 31 }, "twice": func(s *importing.Spec) { s.Alphabet = "aabc" },
		"no secret": func(s *importing.Spec) { s.Algorithm = importing.Keyed }, "murmur": func(s *importing.Spec) { s.Algorithm = "murmur128" }, "no label": func(s *importing.Spec) { s.Label = " " },
	} {
		s := w.spec(importing.Plain)
		change(&s)
		if _, err := w.imports.Check(bg, w.staff, s, strings.NewReader("digest\n")); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, file := range map[string]string{"empty": "", "broken JSON": `[{"digest": `, "no array": `{"a": 1}`, "ragged": "digest,name\na,b,c\n"} {
		if _, err := w.imports.Check(bg, w.staff, w.spec(importing.Plain), strings.NewReader(file)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	w.staff.StaffRole = "support"
	if _, err := w.imports.Check(bg, w.staff, w.spec(importing.Plain), strings.NewReader("digest\n")); !fault.Is(err, fault.Forbidden) {
		t.Error(err)
	}
}

// A blank that was pasted behind the prefix must not make the forms of all imports unreadable, and a key pasted as label is not kept.
func TestAnImportKeepsItsSpecCleaned(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		made, err := apikey.Mint("gk", apikey.Live, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		spec, text := w.spec(importing.Plain), "acme_3ZHq9TmWx2LpVb7RfKd1YcNs"
		spec.Prefix, spec.Alphabet, spec.Label = " acme_ ", " base62 ", "From "+made.Reveal()

		_, _, err = w.imports.Import(bg, w.staff, spec, strings.NewReader("digest,name\n"+hex.EncodeToString(w.sum(importing.Plain, text))+",One\n"))

		found, how := w.recognise(text)
		var label string
		if scan := d.Read(bg).Raw("SELECT label FROM key_imports").Scan(&label).Error; err != nil || scan != nil || found == nil || how != "theirs" || strings.Contains(label, made.Reveal()) {
			t.Fatal(err, scan, found, how, label)
		}
	})
}

// An import whose form or secret can't be read takes no other import down.
func TestAnUnreadableImportLeavesTheOthersWorking(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		const text = "acme_3ZHq9TmWx2LpVb7RfKd1YcNs"
		w.imported(importing.Plain, text)
		other := w.imported(importing.Keyed, "acme_other")
		third := w.imported(importing.Plain, "acme_third")
		w.run("UPDATE key_imports SET secret = 'broken' WHERE id = ?", other)
		w.run("UPDATE key_imports SET prefix = 'a b' WHERE id = ?", third)

		found, _ := w.recognise(text)

		if found == nil {
			t.Fatal("all imported keys are unknown")
		}
	})
}

// A digest that somebody declares as made in another way, or under another secret, never answers for the key whose digest it is.
func TestADigestDeclaredOtherwiseTakesNoKeyOver(t *testing.T) {
	for name, victimFirst := range map[string]bool{"victim first": true, "thief first": false} {
		for _, algorithm := range []string{importing.Plain, importing.Keyed} {
			t.Run(name+" "+algorithm, func(t *testing.T) {
				dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
					w := newWorld(t, d, clock)
					const text = "acme_3ZHq9TmWx2LpVb7RfKd1YcNs"
					file := "digest,name\n" + hex.EncodeToString(w.sum(algorithm, text)) + ","
					thief := w.spec(importing.Keyed)
					thief.Secret = "a secret that the thief chose"
					steps := []func() error{
						func() error {
							_, _, err := w.imports.Import(bg, w.staff, w.spec(algorithm), strings.NewReader(file+"Victim\n"))
							return err
						},
						func() error {
							_, _, err := w.imports.Import(bg, w.staff, thief, strings.NewReader(file+"Thief\n"))
							return err
						},
					}
					if !victimFirst {
						steps[0], steps[1] = steps[1], steps[0]
					}
					for _, step := range steps {
						if err := step(); err != nil {
							t.Fatal(err)
						}
					}

					first, _ := w.recognise(text)
					flushed := w.imports.Flush(bg)
					then, how := w.recognise(text)

					if first == nil || first.Name != "Victim" || flushed != nil || then == nil || then.Name != "Victim" || how != "ours" {
						t.Fatal(first, flushed, then, how)
					}
				})
			})
		}
	}
}

// Imports under one secret are one form: a text of no key costs one look-up, however many they are.
func TestImportsOfOneSecretAreOneForm(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	for i := range 5 {
		w.imported(importing.Keyed, fmt.Sprint("acme_", i))
	}

	forms, err := w.keys.Loader().LoadForms(bg)

	if err != nil || len(forms) != 1 {
		t.Fatal(len(forms), err)
	}
}

// An import is stored in parts, and none of its keys works before the last; what a restart leaves of one is taken back.
func TestAnImportThatWasCutShortNeverWorksAndIsTakenBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		const text, other = "acme_3ZHq9TmWx2LpVb7RfKd1YcNs", "acme_3ZHq9TmWx2LpVb7RfKd1YcNt"
		cut := w.imported(importing.Plain, text)
		w.imported(importing.Plain, other)
		w.run("UPDATE key_imports SET finished_at = NULL WHERE id = ?", cut)

		early, _ := w.recognise(text)
		whole, _ := w.recognise(other)
		clock.Advance(3 * time.Hour)
		err := w.imports.Settle(bg)
		again := w.imported(importing.Plain, text)

		found, _ := w.recognise(text)
		if early != nil || whole == nil || err != nil || again == cut || found == nil {
			t.Fatal(early, whole, err, again, found)
		}
	})
}

func TestAFileOfManyPartsIsOneAct(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		var file strings.Builder
		file.WriteString("digest,name\n")
		for i := range 1201 {
			fmt.Fprintf(&file, "%x,Key %d\n", w.sum(importing.Plain, fmt.Sprint("acme_", i)), i)
		}

		_, report, err := w.imports.Import(bg, w.staff, w.spec(importing.Plain), strings.NewReader(file.String()))

		var keys, grants, events int
		for query, n := range map[string]*int{"keys": &keys, "key_grants": &grants, "audit_events WHERE act = 'key.many_imported'": &events} {
			if err := d.Read(bg).Raw("SELECT COUNT(*) FROM " + query).Scan(n).Error; err != nil {
				t.Fatal(err)
			}
		}
		if err != nil || report.Good != 1201 || keys != 1201 || grants != 1201 || events != 1 {
			t.Fatal(err, report.Good, keys, grants, events)
		}
	})
}

func TestAPrefixOfOurOwnKeysIsRefused(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	spec := w.spec(importing.Plain)
	spec.Prefix = "gk_live_"

	if _, err := w.imports.Check(bg, w.staff, spec, strings.NewReader("digest\n")); !fault.Is(err, fault.Invalid) {
		t.Fatal(err)
	}
}

// imported imports one key by its text.
func (w *world) imported(algorithm, text string) db.ID {
	w.t.Helper()
	id, _, err := w.imports.Import(bg, w.staff, w.spec(algorithm), strings.NewReader("digest,name\n"+hex.EncodeToString(w.sum(algorithm, text))+",One\n"))
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// The sample files of the guide are read as it says.
func TestFilesOfUnkeyAndKongAreRead(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	for file, form := range map[string]importing.Spec{
		"unkey.json": {Label: "Unkey", Prefix: "acme_", Alphabet: "base58", Length: 22}, "kong.csv": {Label: "Kong", Alphabet: "base62", Length: 32},
	} {
		in, err := os.Open("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		form.Algorithm, form.App, form.Grants = importing.Plain, w.app.Show("app"), "orders/orders:read"

		report, err := w.imports.Check(bg, w.staff, form, in)

		_ = in.Close()
		if err != nil || report.Keys != 2 || report.Good != 2 || report.Bits < 128 {
			t.Errorf("%s: %+v %v", file, report, err)
		}
	}
}
