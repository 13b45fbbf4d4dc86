package leak_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/importing"
	"github.com/gatehouse-dev/gatehouse/models/key/leak"
)

const gatewaySecret = "a secret of the old gateway"

// importKey takes over one key by its text, digested by its maker plainly or under a secret.
func (w *world) importKey(prefix, text string, keyed bool) db.ID {
	w.Helper()
	root, err := secret.Parse("kT7Q0mX2vB9sLrE4wYzA6uHdJc1NpFgi", "")
	w.ok(err)
	store := importing.NewStore(w.db, w.keys, root.Sealer(secret.LabelImport))
	spec := importing.Spec{Label: "Old gateway", Algorithm: importing.Plain, Prefix: prefix, Alphabet: "base62", Length: len(text) - len(prefix), App: w.app.Show("app"), Grants: "orders/orders:read"}
	sum := sha256.Sum256([]byte(text))
	if keyed {
		spec.Algorithm, spec.Secret = importing.Keyed, gatewaySecret
		m := hmac.New(sha256.New, []byte(gatewaySecret))
		m.Write([]byte(text))
		sum = [32]byte(m.Sum(nil))
	}
	id, _, err := store.Import(bg, w.staff, spec, strings.NewReader("digest,name\n"+hex.EncodeToString(sum[:])+",Imported\n"))
	w.ok(err)
	var keys []db.ID
	w.ok(w.db.Read(bg).Raw("SELECT id FROM keys WHERE import_id = ?", id).Scan(&keys).Error)
	return keys[0]
}

// K1, K11: a key that was made elsewhere is stopped when it is reported, before its first use and after it, whatever its prefix and wherever it stands; of its text and of its maker's
// digest nothing is kept.
func TestImportedKeysAreKnownWhenTheyAreReported(t *testing.T) {
	for name, c := range map[string]struct {
		prefix, text string
		keyed, used  bool
	}{
		"plain": {"acme_", "acme_3ZHq9TmWx2LpVb7RfKd1YcNs", false, false}, "under a secret": {"acme_", "acme_4ZHq9TmWx2LpVb7RfKd1YcNs", true, false},
		"used": {"acme_", "acme_5ZHq9TmWx2LpVb7RfKd1YcNs", true, true}, "without a prefix": {"", "3ZHq9TmWx2LpVb7RfKd1YcNs3ZHq9Tmx", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(w *world) {
				id := w.importKey(c.prefix, c.text, c.keyed)
				if c.used {
					w.use(id, c.text, c.keyed)
				}

				n, err := w.leaks.HandIn(bg, actor.Actor{}, leak.Handed{Source: leak.API, Texts: []string{"log:\n  token=\"" + c.text + "\";"}, Place: "by " + c.text})
				w.ok(err)
				waiting := w.dump()
				w.work()

				if i := w.incident(id); n != 1 || w.state(id) != key.Paused || i.Reports != 1 {
					t.Fatal(n, w.state(id))
				}
				sum := sha256.Sum256([]byte(c.text))
				for what, kept := range map[string]bool{"the text": c.prefix != "" && strings.Contains(waiting+w.dump(), c.text), "its digest": c.keyed && strings.Contains(waiting+w.dump(), string(sum[:]))} {
					if kept {
						t.Errorf("%s is kept", what)
					}
				}
				real, err := w.leaks.Deliver(bg, []byte(c.text), []leak.Match{{Token: c.text, URL: "https://github.com/o/r#" + c.text}, {Token: c.text[:len(c.text)-1] + "0"}})
				if w.ok(err); !real[0] || real[1] || strings.Contains(w.incident(id).List[0].URL, c.text) {
					t.Error(real)
				}
			})
		})
	}
}

// F2 of the review sec4b, K1: however long a text of another maker is, and however it stands in the address where it was found, no more than its hint is kept of it; of what has no form that is
// known nothing is.
func TestAddressesHoldNoMoreOfAnImportedKeyThanItsHint(t *testing.T) {
	each(t, func(w *world) {
		random := strings.Repeat("RFbD56TI2smTyVsGd5Xav0yu99Lq1WzX", 2)
		for prefix, text := range map[string]string{"acme_": "acme_" + random, "": random[3:]} {
			id := w.importKey(prefix, text, false)
			_, err := w.leaks.Deliver(bg, []byte(text), []leak.Match{{Token: text, URL: "https://github.com/o/r?k=" + text + "&again=%20" + text}})
			w.ok(err)

			want := "https://github.com/o/r?k=" + prefix + "…" + text[len(text)-4:] + "&again=%20" + prefix + "…" + text[len(text)-4:]
			if got := w.incident(id).List[0].URL; got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
	})
}

// use has a key digested anew, as its first use has.
func (w *world) use(id db.ID, text string, keyed bool) {
	w.Helper()
	root, err := secret.Parse("kT7Q0mX2vB9sLrE4wYzA6uHdJc1NpFgi", "")
	w.ok(err)
	foreign := apikey.PlainSum(text)
	if keyed {
		foreign = apikey.KeyedSum([]byte(gatewaySecret))(text)
	}
	own := apikey.Sum(root.Key(secret.LabelKeyPepper), text)
	w.ok(w.keys.Redigest(bg, []key.Redigested{{ID: id, Foreign: foreign, Own: own}}))
	var left int
	if w.ok(w.db.Read(bg).Raw("SELECT COUNT(*) FROM keys WHERE pepper_version = 'import'").Scan(&left).Error); left != 0 {
		w.Fatal("not digested anew")
	}
}

// D1: who hands keys in gets the same answer, at the cost of the same queries, for a real, a dead and an invented one of a form; and so does the look-up later.
func TestAReportDoesNotTellRealKeysOfOthersFromInventedOnes(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	const real, dead, used, invented = "acme_3ZHq9TmWx2LpVb7RfKd1YcNs", "acme_4ZHq9TmWx2LpVb7RfKd1YcNs", "acme_5ZHq9TmWx2LpVb7RfKd1YcNs", "acme_6ZHq9TmWx2LpVb7RfKd1YcNs"
	w.importKey("acme_", real, true)
	w.run("UPDATE keys SET revoked_at = ? WHERE id = ?", clock.Now(), w.importKey("acme_", dead, true))
	w.importKey("acme_", used, true)
	queries := dbtest.CountQueries(t, w.db)
	cost := map[string]bool{}
	for name, text := range map[string]string{"real": real, "dead": dead, "used": used, "invented": invented} {
		before := queries.Load()
		n, err := w.leaks.HandIn(bg, actor.Actor{}, leak.Handed{Source: leak.Page, Texts: []string{"key: " + text}})
		spent := queries.Load() - before
		var payload string
		w.ok(w.db.Read(bg).Raw("SELECT payload FROM jobs ORDER BY created_at DESC, id DESC LIMIT 1").Scan(&payload).Error)
		var waits struct {
			Found []struct{ Digests, Marks [][]byte }
		}
		w.ok(json.Unmarshal([]byte(payload), &waits))
		if err != nil {
			t.Error(name, err)
		}
		cost[fmt.Sprint(n, spent, len(waits.Found), len(waits.Found[0].Digests), len(waits.Found[0].Marks))] = true
	}
	if len(cost) != 1 {
		t.Error(cost)
	}
}

// Who has read where a key was reported decides, however often the same is reported again; and anybody's new places keep nobody from it for ever.
func TestRepeatedReportsKeepNobodyFromDeciding(t *testing.T) {
	each(t, func(w *world) {
		made := w.make("Worker", "live")
		text, id := made.Secret.Reveal(), made.Key.ID
		w.report(text, "a wiki")
		read := w.incident(id).News
		for range 3 {
			w.report(text, "a wiki")
		}
		w.ok(w.leaks.Resume(bg, w.admin, id, leak.Decision{Seen: read, Word: "ours"}))
		w.clock.Advance(time.Minute)

		for n := range 25 {
			if n%20 == 19 {
				w.clock.Advance(time.Hour)
			}
			w.report(text, fmt.Sprint("place ", n))
		}
		read = w.incident(id).News
		w.report(text, "yet another")
		anybodys := w.leaks.Close(bg, w.admin, id, leak.Decision{Seen: read, Word: "x"})
		_, err := w.leaks.Deliver(bg, []byte("body"), []leak.Match{{Token: text, URL: "https://github.com/o/r"}})
		w.ok(err)

		if i := w.incident(id); i.Reports != 27 || read != 20 || !strings.Contains(anybodys.Error(), "still paused") {
			t.Error(i.Reports, read, anybodys)
		}
		if err := w.leaks.Resume(bg, w.admin, id, leak.Decision{Seen: read, Word: "ours"}); !fault.Is(err, fault.Conflict) {
			t.Error("what GitHub found since is decided about unread:", err)
		}
	})
}

// U4: an incident says who did what, and when, whoever it was; its people read of staff that it was staff.
func TestAnIncidentSaysWhoDidWhat(t *testing.T) {
	each(t, func(w *world) {
		rotated, revoked, many := w.make("Rotated", "live"), w.make("Revoked", "live"), w.make("Many", "live")
		w.handIn(rotated.Secret.Reveal(), revoked.Secret.Reveal(), many.Secret.Reveal())
		w.clock.Advance(time.Minute)
		_, err := w.keys.Rotate(bg, w.developer, rotated.Key.ID, key.RotateRequest{Token: w.keys.NewFormToken(w.developer, key.RotatePurpose(rotated.Key.ID))})
		w.ok(err)
		w.clock.Advance(time.Minute)
		w.ok(w.leaks.Close(bg, w.admin, rotated.Key.ID, leak.Decision{Seen: 1, Word: "gone from the wiki"}))
		w.clock.Advance(time.Minute)
		w.ok(w.keys.Revoke(bg, w.developer, rotated.Key.ID, "long after"))
		w.ok(w.keys.RevokeByStaff(bg, w.staff, revoked.Key.ID, "as asked"))
		w.run("UPDATE keys SET revoked_at = ?, revoked_by = ? WHERE id = ?", w.clock.Now(), w.staff.UserID, many.Key.ID)

		w.ok(w.db.Tx(bg, func(tx *db.Tx) error { // sec4b F17: what was done in the organization that the app came from
			audit.Record(tx, w.developer, audit.Event{Act: audit.KeyResumed, TargetKind: "key", TargetID: many.Key.ID, OrganizationID: db.NewID()})
			return nil
		}))

		steps := func(d leak.Detail) (out []string) {
			for _, s := range d.Steps {
				who := string(s.By)
				if s.Name != "" {
					who = s.Name
				} else if s.ByStaff {
					who = "staff"
				}
				out = append(out, strings.TrimSpace(fmt.Sprint(s.Act, " ", who, " ", s.Word)))
			}
			return out
		}
		for id, want := range map[db.ID]string{
			rotated.Key.ID: "leak.incident_opened system, key.paused system, key.rotated dev, leak.incident_closed ada gone from the wiki",
			revoked.Key.ID: "leak.incident_opened system, key.paused system, key.revoked staff", many.Key.ID: "leak.incident_opened system, key.paused system, key.revoked staff",
		} {
			if got := strings.Join(steps(w.incident(id)), ", "); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		d, err := w.leaks.ForStaff(bg, w.staff, w.incident(many.Key.ID).ID)
		if got := strings.Join(steps(d), ", "); err != nil || !strings.HasSuffix(got, "key.revoked root") {
			t.Error(got, err)
		}
	})
}
