package account_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// Z4, U8: after deletion nothing of the person is left in any table, and the chain of the audit log is whole.
func TestDeletionErasesThePersonEverywhere(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		a := w.in(u, good)
		org := w.app(u)
		w.must(w.store.ChangeProfile(t.Context(), a, profile("Augusta King", "Enchantress")))
		w.must(w.store.RequestEmail(t.Context(), a, "augusta@example.com", good))
		w.must(w.store.RequestReset(t.Context(), visitor(), u.Email))
		a.Name = "Augusta King"

		ahead, err := w.store.Departure(t.Context(), a)
		w.must(err)
		wrongAddress := w.store.Delete(t.Context(), a, "eve@example.com", good)
		wrongPassword := w.store.Delete(t.Context(), a, "ada@example.com", other)
		w.must(w.store.Delete(t.Context(), a, "Ada@example.com", good))
		w.sends(nil)

		w.is(wrongAddress, fault.Invalid)
		w.is(wrongPassword, fault.Invalid)
		if ahead.Apps != 1 || ahead.Obstacle != nil {
			t.Error(ahead)
		}
		dump := w.dump()
		for _, personal := range []string{"ada@example", "augusta", "Augusta", "Lovelace", "Enchantress", "203.0.113"} {
			if at := strings.Index(dump, personal); at >= 0 {
				t.Errorf("%q is left: …%s…", personal, dump[max(0, at-200):min(len(dump), at+50)])
			}
		}
		v, err := audit.Verify(t.Context(), w.d)
		if err != nil || !v.Sound {
			t.Error(v, err)
		}
		_, _, err = w.store.SignIn(t.Context(), visitor(), "ada@example.com", good, firefox)
		w.is(err, fault.Unauthenticated)
		if w.count("SELECT COUNT(*) FROM changes WHERE subject_id = ? AND kind = 'organization'", org) == 0 || w.count("SELECT COUNT(*) FROM changes WHERE kind = 'app'") != 1 {
			t.Error("verification was not told")
		}
		w.person("ada@example.com", "") // the address is free again, for a user with another id
	})
}

// U8: the addresses that were the person's go from the events of others too, and only they do.
func TestDeletionErasesTheAddressesFromTheEventsOfOthers(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		a, eve, admin := w.in(u, good), w.in(w.person("eve@example.com", ""), good), w.in(w.person("root@example.com", "admin"), good)
		w.must(w.store.RequestEmail(t.Context(), eve, "ada@example.com", good)) // taken
		w.must(w.store.RequestEmail(t.Context(), eve, "other@example.com", good))
		w.must(w.store.RequestEmail(t.Context(), a, "augusta@example.com", good))
		w.must(w.store.ConfirmEmail(t.Context(), a, token(w.last("augusta@example.com", "change_address"))))
		var waiting []db.ID
		w.must(w.d.Read(t.Context()).Raw("SELECT id FROM mails WHERE recipient = ?", "augusta@example.com").Scan(&waiting).Error)
		_, _, err := w.store.OpenMail(t.Context(), admin, waiting[0])
		w.must(err)
		in := ada()
		in.Email = "augusta@example.com"
		_, err = w.store.SignUp(t.Context(), elsewhere(), in)
		w.must(err)
		org := w.app(u)
		w.must(w.d.Tx(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Run("UPDATE apps SET description = 'Runs Menabrea', homepage_url = 'https://menabrea.example'")
			w.must(err)
			audit.Record(tx, eve, audit.Event{Act: audit.OrganizationChanged, TargetKind: "organization", TargetID: org, Personal: map[string]string{"name": "Lovelace and friends"}})
			return err
		}))

		w.must(w.store.Delete(t.Context(), a, "augusta@example.com", good))
		w.clock.Advance(24 * time.Hour) // nobody sent the last letter
		w.must(outbox.Sweep(t.Context(), w.d, 30*24*time.Hour))

		dump := w.dump()
		for _, personal := range []string{"ada@example", "augusta@example", "Engine", "Menabrea", "menabrea", "Lovelace and", "198.51.100"} {
			if at := strings.Index(dump, personal); at >= 0 {
				t.Errorf("%q is left: …%s…", personal, dump[max(0, at-200):min(len(dump), at+50)])
			}
		}
		if !strings.Contains(dump, "other@example.com") {
			t.Error("what others did is gone too")
		}
		v, err := audit.Verify(t.Context(), w.d)
		if err != nil || !v.Sound {
			t.Error(v, err)
		}
	})
}

// U8: a sign-up that nobody verified may be anybody's address.
func TestExpiredSignUpsLeaveNoAddressInTheAuditLog(t *testing.T) {
	each(t, func(w *world) {
		_, err := w.store.SignUp(t.Context(), visitor(), ada())
		w.must(err)
		w.must(w.store.Sweep(t.Context()))
		kept := w.count("SELECT COUNT(*) FROM audit_personal")
		w.clock.Advance(25 * time.Hour)

		w.must(w.store.Sweep(t.Context()))

		if left := w.count("SELECT COUNT(*) FROM audit_personal"); kept != 2 || left != 0 || w.acts("user.signup_begun") != 1 {
			t.Error(kept, left)
		}
	})
}

// Z5
func TestTheLastOwnerCannotDeleteTheAccount(t *testing.T) {
	each(t, func(w *world) {
		u, second := w.person("ada@example.com", ""), w.person("eve@example.com", "")
		a := w.in(u, good)
		org := db.NewID()
		w.must(w.d.Tx(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Run("INSERT INTO organizations (id, kind, name, created_at, updated_at) VALUES (?, 'ordinary', 'Analytical Engines', ?, ?)", org, tx.Now, tx.Now)
			w.must(err)
			_, err = tx.Run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, 'owner', ?), (?, ?, 'admin', ?)", org, u.ID, tx.Now, org, second.ID, tx.Now)
			return err
		}))
		ahead, err := w.store.Departure(t.Context(), a)
		w.must(err)

		refused := w.store.Delete(t.Context(), a, u.Email, good)
		w.must(w.d.Tx(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Run("UPDATE members SET role = 'owner' WHERE organization_id = ? AND user_id = ?", org, second.ID)
			return err
		}))
		w.must(w.store.Delete(t.Context(), a, u.Email, good))

		w.is(refused, fault.Conflict)
		w.is(ahead.Obstacle, fault.Conflict)
		if !strings.Contains(refused.Error(), "Analytical Engines") {
			t.Error(refused)
		}
		w.is(w.store.Delete(t.Context(), w.in(second, good), second.Email, good), fault.Conflict)
	})
}

// app gives u's personal organization an app and returns the organization.
func (w *world) app(u account.User) db.ID {
	w.t.Helper()
	var org db.ID
	w.must(w.d.Read(w.t.Context()).Raw("SELECT id FROM organizations WHERE personal_user_id = ?", u.ID).Row().Scan(&org))
	w.must(w.d.Tx(w.t.Context(), func(tx *db.Tx) error {
		_, err := tx.Run("INSERT INTO apps (id, organization_id, name, created_by, created_at, updated_at) VALUES (?, ?, 'Engine', ?, ?, ?)", db.NewID(), org, u.ID, tx.Now, tx.Now)
		return err
	}))
	return org
}

// dump is every row of every table that can hold something of a person, as text.
func (w *world) dump() string {
	w.t.Helper()
	var out strings.Builder
	for _, query := range []string{
		"SELECT * FROM users", "SELECT * FROM signups", "SELECT * FROM one_time_links", "SELECT * FROM sessions", "SELECT * FROM throttles", "SELECT * FROM organizations", "SELECT * FROM members",
		"SELECT * FROM apps", "SELECT * FROM audit_events", "SELECT * FROM audit_personal", "SELECT * FROM changes", "SELECT * FROM mails", "SELECT * FROM settings", "SELECT * FROM jobs",
	} {
		var rows []map[string]any
		w.must(w.d.Read(context.Background()).Raw(query).Scan(&rows).Error)
		for _, r := range rows {
			fmt.Fprintf(&out, "%s: %v\n", query, r)
		}
	}
	return out.String()
}

func TestDeletionErasesWhatThePersonFollowedAndVotedFor(t *testing.T) {
	each(t, func(w *world) {
		gone, other := w.person("ada@example.com", ""), w.person("other@example.com", "")
		q, p := db.NewID(), db.NewID()
		err := w.d.Tx(t.Context(), func(tx *db.Tx) error {
			for _, s := range []struct {
				query string
				args  []any
			}{
				{"INSERT INTO questions (id, kind, title, slug, asker_id, visibility, state, waits_on, votes, assignee_id, last_activity_at, created_at, updated_at) VALUES (?, 'question', 'How', 'how', ?, 'public', 'published', 'us', 1, ?, ?, ?, ?)", []any{q, other.ID, gone.ID, tx.Now, tx.Now, tx.Now}},
				{"INSERT INTO posts (id, question_id, kind, author_id, body, html, renderer_version, votes, state, created_at, updated_at) VALUES (?, ?, 'question', ?, 'x', 'x', 1, 1, 'published', ?, ?)", []any{p, q, other.ID, tx.Now, tx.Now}},
				{"INSERT INTO votes (post_id, user_id, created_at) VALUES (?, ?, ?)", []any{p, gone.ID, tx.Now}},
				{"INSERT INTO follows (id, user_id, kind, target_id, reason, created_at) VALUES (?, ?, 'question', ?, 'chose', ?)", []any{db.NewID(), gone.ID, q, tx.Now}},
				{"INSERT INTO notice_choices (user_id, new_questions, updated_at) VALUES (?, TRUE, ?)", []any{gone.ID, tx.Now}},
				{"INSERT INTO flags (id, question_id, post_id, flagger_id, reason, words, state, created_at) VALUES (?, ?, ?, ?, 'other', 'My own words', 'open', ?)", []any{db.NewID(), q, p, gone.ID, tx.Now}},
			} {
				if _, err := tx.Run(s.query, s.args...); err != nil {
					return err
				}
			}
			return nil
		})
		w.must(err)

		w.must(w.store.Delete(t.Context(), w.in(gone, good), "ada@example.com", good))

		for query, want := range map[string]int64{
			"SELECT COUNT(*) FROM follows": 0, "SELECT COUNT(*) FROM notice_choices": 0, "SELECT COUNT(*) FROM votes": 0, "SELECT COUNT(*) FROM flags WHERE words <> ''": 0, "SELECT COUNT(*) FROM flags": 1,
			"SELECT votes FROM posts": 0, "SELECT votes FROM questions": 0, "SELECT COUNT(*) FROM questions WHERE assignee_id IS NOT NULL": 0,
		} {
			if n := w.count(query); n != want {
				t.Errorf("%s: %d", query, n)
			}
		}
	})
}
