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
	t       testing.TB
	db      *db.DB
	keys    *key.Store
	imports *importing.Store
	app     db.ID
	staff   actor.Actor
	own     *apikey.Digester
}

func newWorld(t testing.TB, d *db.DB, clock *dbtest.Clock) *world {
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
		sum := func(text string) string { return hex.EncodeToString(w.sum(importing.Plain, text)) }
		file := strings.Join([]string{
			"digest,name,app,grants,expires,enabled,deleted_at_m,pending_migration_id", good + ",Good,,,,,NULL,", good + ",Twice,,,,,,", "zz,Bad digest,,,,,,", base64.StdEncoding.EncodeToString(w.sum(importing.Plain, "2")) + ",,,,,,,",
			sum("3") + ",No app,app_0000,,,,,", sum("4") + ",No scope,,orders/orders:write,,,,", sum("5") + ",Over,,,2020-01-01,,,", sum("6") + ",Off,,,,false,,",
			sum("7") + ",Deleted,,,,true,1763800000000,", sum("8") + ",Another’s,,,,1,,mig_1", sum("9") + ",Good too,,,2027-01-31 23:59:59.000,1,0,",
		}, "\n")

		report, err := w.imports.Check(bg, w.staff, w.spec(importing.Plain), strings.NewReader(file))
		_, _, refused := w.imports.Import(bg, w.staff, w.spec(importing.Plain), strings.NewReader(file))

		var lines []string
		for _, p := range report.Problems {
			lines = append(lines, fmt.Sprint(p.Line, " ", p.Says.Field))
		}
		want := "[3 digest 4 digest 5 name 6 app 7 grants 8 expires 9 enabled 10 enabled 11 pending_migration_id]"
		if err != nil || report.Keys != 11 || report.Wrong != 9 || report.Good != 2 || fmt.Sprint(lines) != want || !fault.Is(refused, fault.Invalid) {
			t.Fatal(err, report.Keys, report.Wrong, lines, refused)
		}
		var n int
		if err := d.Read(bg).Raw("SELECT (SELECT COUNT(*) FROM keys) + (SELECT COUNT(*) FROM key_imports)").Scan(&n).Error; err != nil || n != 0 {
			t.Fatal("something was stored", n, err)
		}
	})
}

// An old export that is imported again makes no second key, whether or not the first was used meanwhile: the dry run names it by line, new keys beside it are imported.
func TestTheSameKeyIsImportedOnce(t *testing.T) {
	for _, algorithm := range []string{importing.Plain, importing.Keyed} {
		t.Run(algorithm, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
				w := newWorld(t, d, clock)
				texts := []string{"acme_3ZHq9TmWx2LpVb7RfKd1YcNs", "acme_4ZHq9TmWx2LpVb7RfKd1YcNs", "acme_5ZHq9TmWx2LpVb7RfKd1YcNs", "acme_6ZHq9TmWx2LpVb7RfKd1YcNs"}
				file := func(n int) string {
					out := "digest,name\n"
					for _, text := range texts[:n] {
						out += hex.EncodeToString(w.sum(algorithm, text)) + ",One\n"
					}
					return out
				}
				if _, _, err := w.imports.Import(bg, w.staff, w.spec(algorithm), strings.NewReader(file(3))); err != nil {
					t.Fatal(err)
				}
				used, _ := w.recognise(texts[0])
				if err := w.imports.Flush(bg); err != nil {
					t.Fatal(err)
				}
				unused, _ := w.recognise(texts[2])
				w.run("UPDATE keys SET revoked_at = ? WHERE id = ?", clock.Now(), db.ID(unused.ID))

				report, err := w.imports.Check(bg, w.staff, w.spec(algorithm), strings.NewReader(file(4)))
				_, all, refused := w.imports.Import(bg, w.staff, w.spec(algorithm), strings.NewReader(file(3)))
				_, some, taken := w.imports.Import(bg, w.staff, w.spec(algorithm), strings.NewReader(file(4)))

				if err != nil || report.Keys != 4 || report.Good != 1 || report.Wrong != 0 || report.Known != 3 || len(report.Here) != 3 || report.Here[0].Line != 2 || report.Here[0].ID != db.ID(used.ID) ||
					report.Here[0].Revoked || report.Here[2].Line != 4 || !report.Here[2].Revoked {
					t.Fatal(err, report)
				}
				if !fault.Is(refused, fault.Invalid) || all.Known != 3 || taken != nil || some.Good != 1 {
					t.Fatal(refused, all, taken, some)
				}
				again, how := w.recognise(texts[0])
				if n := w.count("keys"); n != 4 || again.ID != used.ID || how != "ours" {
					t.Error(n, again, how)
				}
			})
		})
	}
}

func (w *world) count(what string) (n int) {
	w.t.Helper()
	if err := w.db.Read(bg).Raw("SELECT COUNT(*) FROM " + what).Scan(&n).Error; err != nil {
		w.t.Fatal(err)
	}
	return n
}

// What a program of before imported, which knew no marks, is known again once the hourly job has run.
func TestKeysThatWereImportedWithoutAMarkGetOne(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.imported(importing.Plain, "acme_one")
		w.run("UPDATE keys SET import_mark = NULL")

		err := w.imports.Settle(bg)

		report, checked := w.imports.Check(bg, w.staff, w.spec(importing.Plain), strings.NewReader("digest,name\n"+hex.EncodeToString(w.sum(importing.Plain, "acme_one"))+",One\n"))
		if err != nil || checked != nil || report.Known != 1 {
			t.Fatal(err, checked, report)
		}
	})
}

// A key that was imported answers as revoked, not as unknown, also when all keys of its import are, and whether or not it was ever used.
func TestRevokedImportedKeysAreKnownAsRevoked(t *testing.T) {
	for _, algorithm := range []string{importing.Plain, importing.Keyed} {
		t.Run(algorithm, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
				w := newWorld(t, d, clock)
				const used, unused = "acme_3ZHq9TmWx2LpVb7RfKd1YcNs", "acme_4ZHq9TmWx2LpVb7RfKd1YcNs"
				w.imported(algorithm, used)
				w.imported(algorithm, unused)
				w.recognise(used)
				if err := w.imports.Flush(bg); err != nil {
					t.Fatal(err)
				}
				w.run("UPDATE keys SET revoked_at = ?", clock.Now())
				clock.Advance(29 * 24 * time.Hour)
				if err := w.imports.Settle(bg); err != nil {
					t.Fatal(err)
				}

				one, first := w.recognise(used)
				two, second := w.recognise(unused)

				if one == nil || one.RevokedAt == 0 || first != "ours" || two == nil || two.RevokedAt == 0 || second != "theirs" {
					t.Fatal(one, first, two, second)
				}
				clock.Advance(2 * 24 * time.Hour)
				if err := w.imports.Settle(bg); err != nil || w.count("key_imports WHERE secret <> ''") != 0 {
					t.Error("the secret outlives its keys", err)
				}
				if one, _ = w.recognise(used); one == nil {
					t.Error("a form is forgotten while a key of it is here")
				}
			})
		})
	}
}

// L1: what junk of a declared form costs is bounded: so many secrets are in force, and no more. What nobody needs makes room, what somebody needs does not.
func TestSecretsOfImportsAreBounded(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		take := func(n int) error {
			spec := w.spec(importing.Keyed)
			spec.Secret = fmt.Sprint("the secret of gateway ", n)
			file := "digest,name\n" + hex.EncodeToString(w.sum(importing.Plain, fmt.Sprint(n, clock.Now()))) + ",One\n"
			if _, err := w.imports.Check(bg, w.staff, spec, strings.NewReader(file)); err != nil {
				return err
			}
			_, _, err := w.imports.Import(bg, w.staff, spec, strings.NewReader(file))
			return err
		}
		for n := range key.MaxImportSecrets {
			if err := take(n); err != nil {
				t.Fatal(err)
			}
			clock.Advance(time.Second)
		}
		w.imported(importing.Plain, "acme_3ZHq9TmWx2LpVb7RfKd1YcNs")

		refused, same := take(100), take(3)
		forms, err := w.keys.Loader().LoadForms(bg)
		sums, _ := apikey.Sums(forms, "acme_9ZHq9TmWx2LpVb7RfKd1YcNs")

		if !fault.Is(refused, fault.Invalid) || fault.As(refused).Problems[0].Field != "secret" || same != nil || err != nil {
			t.Fatal(refused, same, err)
		}
		if len(sums) != key.MaxImportSecrets+1 {
			t.Errorf("junk costs %d look-ups", len(sums))
		}
		w.run("UPDATE keys SET revoked_at = ? WHERE import_id = (SELECT id FROM key_imports ORDER BY created_at, id LIMIT 1)", clock.Now())
		if err := take(101); err != nil || w.count("key_imports WHERE secret <> ''") > key.MaxImportSecrets+1 {
			t.Error("a secret that no key needs stands in the way:", err)
		}
	})
}

// K1: words beside the keys of a file hold none of them; from the import on, texts of the form are hidden wherever people write.
func TestAnImportLetsNoTextOfItsKeysStandInWords(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	const text, bare = "zeta_3ZHq9TmWx2LpVb7RfKd1YcNs", "3ZHq9TmWx2LpVb7RfKd1YcNs3ZHq9Tmx"
	spec, plain := w.spec(importing.Plain), w.spec(importing.Plain)
	spec.Prefix, spec.Label = "zeta_", "from "+text
	plain.Prefix, plain.Length = "", 32
	sum := func(s string) string { return hex.EncodeToString(w.sum(importing.Plain, s)) }
	for name, c := range map[string]struct {
		spec importing.Spec
		file string
		want int
	}{
		"in the name": {spec, "digest,name\n" + sum(text) + "," + text + "\n", 1}, "in the metadata": {spec, "digest,name,metadata\n" + sum(text) + `,One,"{""k"":""` + text + `""}"` + "\n", 1},
		"without a prefix": {plain, "digest,name\n" + sum(bare) + "," + bare + "\n", 1}, "an id of its length": {plain, "digest,name\n" + sum(bare) + ",0f1e2d3c4b5a69788796a5b4c3d2e1F0\n", 0},
	} {
		if report, err := w.imports.Check(bg, w.staff, c.spec, strings.NewReader(c.file)); err != nil || report.Wrong != c.want {
			t.Errorf("%s: %v %+v", name, err, report)
		}
	}
	if apikey.Mask(text) != text {
		t.Error("a dry run declares a form")
	}

	_, _, err := w.imports.Import(bg, w.staff, spec, strings.NewReader("digest,name\n"+sum(text)+",One\n"))

	if err != nil || apikey.Mask("is "+text+".") != "is zeta_…YcNs." || w.count("key_imports WHERE label = 'from zeta_…YcNs'") != 1 {
		t.Error(err, apikey.Mask(text))
	}
}

// Whoever hands over a file of keys is told so before anything of it is read further.
func TestAFileOfKeysThemselvesIsRefused(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	for name, file := range map[string]string{"CSV": "name,key\nweb,3ZHq9TmWx2LpVb7RfKd1YcNs\n", "Kong’s API": `{"data": [{"id": "1", "key": "3ZHq9TmWx2LpVb7RfKd1YcNs", "consumer": {"id": "2"}}], "next": null}`} {
		_, err := w.imports.Check(bg, w.staff, w.spec(importing.Plain), strings.NewReader(file))
		if f := fault.As(err); f == nil || f.Kind != fault.Invalid || !strings.Contains(f.Problems[0].Key, "keys themselves") {
			t.Errorf("%s: %v", name, err)
		}
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
