package account_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account/download"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/job"
	"github.com/gatehouse-dev/gatehouse/models/privacy"
)

func (w *world) downloads() *download.Store {
	return download.NewStore(download.Options{
		DB: w.d, Accounts: w.store, Sealer: w.root.Sealer(secret.LabelDownload), Outbox: w.box, Link: func(p string) string { return "https://portal.example" + p },
		PortalName: func(context.Context) string { return "Gatehouse" },
	})
}

// work does the jobs that are due.
func (w *world) work(s *download.Store) {
	w.t.Helper()
	worker := job.NewWorker(w.d, "here")
	worker.Handle(download.JobKind, s.Job)
	w.must(worker.Step(w.t.Context()))
}

// files are those of a ZIP, by their names.
func files(t *testing.T, b []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out[f.Name] = string(body)
	}
	return out
}

// B1-3, F6: each column that is declared to be in the download is, and nothing of another person.
func TestTheDownloadHoldsWhatIsDeclaredAndNothingOfOthers(t *testing.T) {
	eachSeeded(t, func(s *seeding) {
		one := s.seed("one@example.com", "Zephyrine Quill", netip.MustParseAddr("203.0.113.77"))
		two := s.seed("two@example.net", "Barnaby Thistle", netip.MustParseAddr("198.51.100.77"))
		s.run("UPDATE posts SET body = $1 WHERE author_id = $2", "An answer of mine", one.ID.String())
		s.run("UPDATE posts SET body = $1 WHERE author_id = $2", "An answer of Barnaby", two.ID.String())
		s.run("UPDATE post_revisions SET post_id = (SELECT id FROM posts WHERE author_id = $1 LIMIT 1) WHERE editor_id = $2", one.ID.String(), one.ID.String())
		s.run("UPDATE post_revisions SET editor_id = $1, body = $2 WHERE editor_id = $3", one.ID.String(), "Barnaby, edited by who moderates", two.ID.String())
		s.run("UPDATE keys SET name = $1, app_id = $2, created_by = $3 WHERE id = $4", "Key in an organization that was left", db.NewID().String(), one.ID.String(), two.ids["key_id"].String())
		s.must(s.d.Tx(t.Context(), func(tx *db.Tx) error {
			audit.Record(tx, two.actor, audit.Event{Act: audit.UserSuspended, TargetKind: "user", TargetID: one.ID, Personal: map[string]string{"reason": "Rude words"}})
			left := map[string]string{"name": "Payments that was left", "networks_after": "192.0.2.0/24"}
			audit.Record(tx, one.actor, audit.Event{Act: audit.KeyBounded, TargetKind: "key", TargetID: db.NewID(), OrganizationID: db.NewID(), Details: left})
			audit.Record(tx, one.actor, audit.Event{Act: audit.UserSuspended, TargetKind: "user", TargetID: two.ID, Details: map[string]string{"name": "Barnaby"}})
			audit.Record(tx, one.actor, audit.Event{Act: audit.KeyRenamed, TargetKind: "key", TargetID: db.NewID(), OrganizationID: one.ids["organization_id"], Details: map[string]string{"name": "My laptop"}})
			audit.Record(tx, one.actor, audit.Event{Act: audit.MemberInvited, TargetKind: "organization", TargetID: db.NewID(), Personal: map[string]string{"email": two.Email}})
			return nil
		}))
		var out bytes.Buffer
		org := one.ids["organization_id"]

		s.must(privacy.Write(t.Context(), s.d, privacy.Person{ID: one.ID, Email: one.Email, Org: org}, &out))

		if z, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len())); err != nil || z.File[0].Modified.Year() < 2000 {
			t.Errorf("the files have no time: %v", err)
		}
		got := files(t, out.Bytes())
		all := ""
		for name, body := range got {
			all += name + "\n" + body + "\n"
		}
		for _, others := range []string{two.Email, "Barnaby", "Thistle", "198.51.100", "that was left", "192.0.2", two.ID.String()} {
			if at := strings.Index(all, others); at >= 0 {
				t.Errorf("%q of another is in it: %s", others, all[max(0, at-200):at+40])
			}
		}
		for _, secret := range []string{"argon2", "digest", "sealed", "\x00"} {
			if strings.Contains(all, secret) {
				t.Errorf("%q is in it", secret)
			}
		}
		for _, table := range privacy.Tables() {
			if table.Of == "" || table.Shown == "" && len(table.With) == 0 {
				continue
			}
			var rows []map[string]any
			if err := json.Unmarshal([]byte(got["json/"+table.Name+".json"]), &rows); err != nil || len(rows) == 0 {
				t.Errorf("%s: %v %v", table.Name, rows, err)
				continue
			}
			for _, column := range strings.Fields(table.Shown) {
				if _, ok := rows[0][column]; !ok {
					t.Errorf("%s.%s is not in it", table.Name, column)
				}
			}
			if n := len(rows[0]) - len(strings.Fields(table.Shown)) - len(table.With); n != 0 {
				t.Errorf("%s: %d columns are not declared", table.Name, n)
			}
		}
		if !strings.Contains(all, "An answer of mine") || !slices.ContainsFunc(keysOf(got), func(n string) bool { return strings.HasPrefix(n, "posts/") && strings.HasSuffix(n, ".md") }) {
			t.Error(keysOf(got))
		}
		if !strings.Contains(all, "Rude words") || !strings.Contains(all, "My laptop") || !strings.Contains(got["README.md"], "json/sessions.json") || !strings.Contains(got["json/audit_personal.json"], "203.0.113.77") || strings.Contains(all, "0001-01-01") {
			t.Error(got["README.md"], got["json/audit_personal.json"])
		}
	})
}

func keysOf(m map[string]string) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	return out
}

// U8, A14: a download goes to its owner alone, one at a time, for seven days, and is sealed where it waits.
func TestADownloadIsItsOwnersAndGoneAfterAWeek(t *testing.T) {
	each(t, func(w *world) {
		ada, eve := w.person("ada@example.com", ""), w.person("eve@example.com", "")
		a, e := w.in(ada, good), w.in(eve, good)
		s := w.downloads()
		w.must(s.Ask(t.Context(), a))
		twice := s.Ask(t.Context(), a)
		_, early := s.Fetch(t.Context(), a)

		w.work(s)

		letter := w.last("ada@example.com", "data_ready")
		d, err := s.Fetch(t.Context(), a)
		w.must(err)
		var out bytes.Buffer
		w.must(s.Copy(t.Context(), d, &out))
		_, foreign := s.Fetch(t.Context(), e)
		_, nobody := s.Fetch(t.Context(), visitor())
		w.is(twice, fault.Conflict)
		w.is(early, fault.NotFound)
		w.is(foreign, fault.NotFound)
		w.is(nobody, fault.NotFound)
		if !strings.Contains(files(t, out.Bytes())["json/users.json"], "ada@example.com") || int64(out.Len()) != d.Size || letter.URL != "https://portal.example/console/account/privacy" {
			t.Error(out.Len(), d.Size, letter.URL)
		}
		if w.count("SELECT COUNT(*) FROM download_parts WHERE body_sealed LIKE '%ada@%'") != 0 || w.acts("user.data_asked") != 1 || w.acts("user.data_downloaded") != 1 {
			t.Error("it is not sealed, or not told")
		}
		w.clock.Advance(download.Age - time.Minute)
		w.must(s.Sweep(t.Context()))
		if w.count("SELECT COUNT(*) FROM download_parts") == 0 {
			t.Error("gone before its time")
		}
		w.clock.Advance(2 * time.Minute)
		_, late := s.Fetch(t.Context(), a)
		w.is(late, fault.NotFound)
		w.must(s.Sweep(t.Context()))
		if w.count("SELECT COUNT(*) FROM downloads")+w.count("SELECT COUNT(*) FROM download_parts") != 0 {
			t.Error("it is kept for longer")
		}
	})
}

// C6: a file that somebody moves to another account in the database opens for nobody.
func TestADownloadOfAnotherDoesNotOpen(t *testing.T) {
	each(t, func(w *world) {
		ada, eve := w.person("ada@example.com", ""), w.person("eve@example.com", "")
		a, e := w.in(ada, good), w.in(eve, good)
		s := w.downloads()
		w.must(s.Ask(t.Context(), a))
		w.work(s)
		if err := w.d.Tx(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Run("UPDATE downloads SET user_id = ? WHERE user_id = ?", eve.ID, ada.ID)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		d, err := s.Fetch(t.Context(), e)
		w.must(err)
		var out bytes.Buffer

		err = s.Copy(t.Context(), d, &out)

		if err == nil || out.Len() != 0 {
			t.Error(err, out.Len(), "bytes of somebody else's")
		}
	})
}

// L7: asking costs, so it is counted; and what a run that was cut has left is not mixed into the next.
func TestDownloadsAreThrottledAndMadeAnewAfterACut(t *testing.T) {
	each(t, func(w *world) {
		ada := w.person("ada@example.com", "")
		a := w.in(ada, good)
		s := w.downloads()
		for range 3 {
			w.must(s.Ask(t.Context(), a))
			w.must(w.d.Tx(t.Context(), func(tx *db.Tx) error {
				_, err := tx.Run("INSERT INTO download_parts (download_id, run, part, body_sealed) SELECT id, ?, 0, 'torn' FROM downloads", db.NewID())
				return err
			}))
			w.work(s)
		}

		fourth := s.Ask(t.Context(), a)

		w.is(fourth, fault.RateLimited)
		var out bytes.Buffer
		d, err := s.Fetch(t.Context(), a)
		w.must(err)
		w.must(s.Copy(t.Context(), d, &out))
		if files(t, out.Bytes())["README.md"] == "" || w.count("SELECT COUNT(*) FROM download_parts WHERE body_sealed = 'torn'") != 0 || w.count("SELECT COUNT(*) FROM downloads") != 1 {
			t.Error("parts of a run that was cut are left")
		}
		w.must(w.store.Delete(t.Context(), a, ada.Email, good))
		if w.count("SELECT COUNT(*) FROM downloads")+w.count("SELECT COUNT(*) FROM download_parts") != 0 {
			t.Error("the file of a deleted account is left")
		}
		w.is(s.Ask(t.Context(), actor.Actor{}), fault.Forbidden)
	})
}

// REL-8: what a run has written that fails is not left beside what the next one writes.
func TestADownloadThatFailsLeavesNoPartsBehind(t *testing.T) {
	each(t, func(w *world) {
		ada := w.person("ada@example.com", "")
		s := w.downloads()
		w.must(s.Ask(t.Context(), w.in(ada, good)))
		var ids []db.ID
		w.must(w.d.Read(t.Context()).Raw("SELECT id FROM downloads").Scan(&ids).Error)
		_, err := w.d.Writer().Exec("ALTER TABLE votes RENAME TO votes_away")
		w.must(err)
		w.must(w.d.Tx(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Run("INSERT INTO download_parts (download_id, run, part, body_sealed) VALUES (?, ?, 0, 'torn')", ids[0], db.NewID())
			return err
		}))

		failed := s.Job(t.Context(), json.RawMessage(`{"download":"`+ids[0].Show("dwn")+`"}`))

		if failed == nil || w.count("SELECT COUNT(*) FROM download_parts") != 0 {
			t.Error(failed, w.count("SELECT COUNT(*) FROM download_parts"))
		}
	})
}
