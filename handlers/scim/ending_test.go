package scim_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/scim"
)

const (
	day    = 24 * time.Hour
	nora   = "nora.north@example.com" // owner of Northwind
	ends   = "directory_token_ends"
	ended  = "directory_token_ended"
	endsAt = 365 * day // after the world began
)

// told runs the job at a time before the end of the tokens of the world, and returns which notices somebody has had by then.
func (w *world) told(before time.Duration, who string) []string {
	w.t.Helper()
	w.clock.Set(w.began.Add(endsAt - before))
	w.ok(w.store.TellEnding(context.Background()))
	return slices.DeleteFunc(w.Mails(who), func(kind string) bool { return !strings.HasPrefix(kind, "directory_token_end") })
}

func (w *world) tellsAt(before time.Duration, who string, want ...string) {
	w.t.Helper()
	if got := w.told(before, who); !slices.Equal(got, want) {
		w.t.Errorf("%v before the end %s was told %v, want %v", before, who, got, want)
	}
}

// newTokenAt has an owner of Northwind make another token, so long before the end of the first.
func (w *world) newTokenAt(before time.Duration, a actor.Actor) scim.Token {
	w.t.Helper()
	w.clock.Set(w.began.Add(endsAt - before))
	t, _, err := w.store.MakeToken(context.Background(), a, w.North, scim.NewToken{Name: "Next", Days: 90})
	w.ok(err)
	return t
}

// tokenID is that of Northwind's first token.
func (w *world) tokenID() (id db.ID) {
	w.t.Helper()
	w.ok(w.DB.Read(context.Background()).Raw("SELECT id FROM scim_tokens WHERE organization_id = ? ORDER BY id LIMIT 1", w.North).Row().Scan(&id))
	return id
}

// usedAt has a directory show a token, so long before the end of the first.
func (w *world) usedAt(before time.Duration, token db.ID) {
	w.t.Helper()
	w.run("UPDATE scim_tokens SET last_used_at = ? WHERE id = ?", w.began.Add(endsAt-before), token)
}

// A12: each notice once, however often the job runs, and none later than it says.
func TestTheEndOfATokenIsToldFourteenAndThreeDaysBeforeAndWhenItCame(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.tellsAt(14*day+time.Hour, nora)
		w.tellsAt(14*day, nora, ends)
		w.tellsAt(10*day, nora, ends)
		w.tellsAt(3*day+time.Minute, nora, ends)
		w.tellsAt(3*day, nora, ends, ends)
		w.tellsAt(time.Minute, nora, ends, ends)
		w.tellsAt(0, nora, ends, ends, ended)
		w.tellsAt(-5*day, nora, ends, ends, ended)
		w.tellsAt(-80*day, nora, ends, ends, ended)
	})
}

// After a long stop of the portal the one that holds now is told, and not what is over for a week.
func TestNoticesOfATokenThatAreLateAreToldOnceAsTheyAre(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.tellsAt(2*day, nora, ends)
		w.tellsAt(-8*day, nora, ends)
	})
}

// REL: replicas that run the job at once tell once.
func TestReplicasTellTheEndOfATokenOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, before := range []time.Duration{14 * day, 3 * day, 0} {
			w.clock.Set(w.began.Add(endsAt - before))
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					if err := w.store.TellEnding(context.Background()); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		}
		w.tellsAt(0, nora, ends, ends, ended)
	})
}

// Z7, A12: as their role and account are when it is told.
func TestWhoMayNotManageTheDirectoryIsNotToldOfItsToken(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		people := map[string]actor.Actor{}
		for name, role := range map[string]string{"Olga Owner": "owner", "Adam Admin": "admin", "Dora Developer": "developer", "Sue Suspended": "owner", "Una Unverified": "owner", "Gil Gone": "owner", "Leo Left": "owner", "Max Moved": "owner"} {
			people[name] = w.Person(name, "")
			w.Join(w.North, people[name], role)
		}
		w.run("UPDATE organizations SET technical_email = 'adam.admin@example.com' WHERE id = ?", w.North)
		w.run("UPDATE users SET suspended_at = created_at WHERE id = ?", people["Sue Suspended"].UserID)
		w.run("UPDATE users SET email_verified_at = NULL WHERE id = ?", people["Una Unverified"].UserID)
		w.run("UPDATE users SET deleted_at = created_at WHERE id = ?", people["Gil Gone"].UserID)
		w.run("DELETE FROM members WHERE user_id = ?", people["Leo Left"].UserID)
		w.run("UPDATE members SET role = 'admin' WHERE user_id = ?", people["Max Moved"].UserID)

		w.tellsAt(14*day, nora, ends)
		w.tellsAt(14*day, "olga.owner@example.com", ends)
		w.tellsAt(14*day, "carl.contoso@example.com", ends) // their own organization's
		for _, who := range []string{"adam.admin", "dora.developer", "sue.suspended", "una.unverified", "gil.gone", "leo.left", "max.moved", "ada.admin"} {
			w.tellsAt(14*day, who+"@example.com")
		}

		w.run("UPDATE users SET suspended_at = NULL WHERE id = ?", people["Sue Suspended"].UserID)
		w.run("UPDATE organizations SET factor_from = created_at WHERE id = ?", w.North)
		w.run("INSERT INTO factors (id, user_id, kind, name, confirmed_at, created_at) VALUES (?, ?, 'totp', 'Phone', ?, ?)", people["Leo Left"].UserID, w.Owner.UserID, w.began, w.began)
		w.tellsAt(3*day, "sue.suspended@example.com") // shut out for want of a second factor
		w.tellsAt(3*day, nora, ends, ends)
	})
}

func TestATokenThatWasReplacedOrStoppedIsSilent(t *testing.T) {
	for name, c := range map[string]struct {
		happens func(w *world)
		want    []string
	}{
		"replaced": {func(w *world) { w.newTokenAt(20*day, w.Owner) }, nil},
		"replaced, and the next one is used": {func(w *world) {
			next := w.newTokenAt(20*day, w.Owner)
			w.usedAt(21*day, w.tokenID())
			w.usedAt(19*day, next.ID)
		}, nil},
		"the next one was never entered": {func(w *world) {
			w.newTokenAt(20*day, w.Owner)
			w.usedAt(16*day, w.tokenID())
		}, []string{ends, ends, ended}},
		"another directory has its own": {func(w *world) {
			next := w.newTokenAt(20*day, w.Owner)
			w.usedAt(17*day, next.ID)
			w.usedAt(16*day, w.tokenID())
		}, []string{ends, ends, ended}},
		"revoked": {func(w *world) {
			w.run("UPDATE scim_tokens SET revoked_at = created_at WHERE organization_id = ?", w.North)
		}, nil},
		"no domain":             {func(w *world) { w.run("UPDATE domains SET proven_at = NULL WHERE organization_id = ?", w.North) }, nil},
		"its maker is no owner": {func(w *world) { w.run("UPDATE members SET role = 'admin' WHERE organization_id = ?", w.North) }, nil},
		"suspended":             {func(w *world) { w.run("UPDATE organizations SET suspended_at = created_at WHERE id = ?", w.North) }, nil},
		"deleted":               {func(w *world) { w.run("UPDATE organizations SET deleted_at = created_at WHERE id = ?", w.North) }, nil},
		"the next one was revoked": {func(w *world) {
			_, err := w.store.RevokeToken(context.Background(), w.Owner, w.North, w.newTokenAt(20*day, w.Owner).ID)
			w.ok(err)
		}, []string{ends, ends, ended}},
		"who made the next one left": {func(w *world) {
			olga := w.Person("Olga Owner", "")
			w.Join(w.North, olga, "owner")
			w.newTokenAt(20*day, olga)
			w.run("DELETE FROM members WHERE user_id = ?", olga.UserID)
		}, []string{ends, ends, ended}},
		"the next one ended first": {func(w *world) { // it was told of itself
			w.run("UPDATE scim_tokens SET expires_at = ? WHERE id = ?", w.began.Add(endsAt-19*day), w.newTokenAt(20*day, w.Owner).ID)
			w.told(18*day, nora)
			w.run("DELETE FROM mails")
		}, []string{ends, ends, ended}},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				c.happens(w)

				for _, before := range []time.Duration{14 * day, 3 * day, 0, -3 * day} {
					w.told(before, nora)
				}

				w.tellsAt(-3*day, nora, c.want...)
			})
		})
	}
}

// It is written in the language and zone of who reads it; of the token's text it holds the hint alone (K1).
func TestTheMailOfAnEndSaysWhichTokenAndWhen(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.run("UPDATE users SET language = 'de', time_zone = 'Europe/Berlin' WHERE id = ?", w.Owner.UserID)
		w.told(14*day, nora)
		var ids []db.ID
		w.ok(w.DB.Read(t.Context()).Raw("SELECT id FROM mails WHERE kind = ? AND recipient = ?", ends, nora).Scan(&ids).Error)

		m, l, err := w.Outbox.Read(t.Context(), w.DB, ids[0])

		w.ok(err)
		if want := []string{"Okta", apikey.Hint(w.token), "Northwind", "21. Nov. 2027, 13:00 CET"}; !slices.Equal(l.Lines[0].Args, want) {
			t.Errorf("%q, want %q", l.Lines[0].Args, want)
		}
		if !strings.HasSuffix(l.URL, scim.Page(w.North)) || l.Subject.Args[0] != "21. Nov. 2027" || m.ExpiresAt == nil || !m.ExpiresAt.Equal(w.began.Add(endsAt)) {
			t.Error(l.URL, l.Subject, m.ExpiresAt)
		}
	})
}

func TestPagesSayWhenADirectoryStopsAndLeadToANewToken(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		page, create := scim.Page(w.North), scim.Page(w.North)+"/tokens/new"
		organization := strings.TrimSuffix(page, "/directory")
		at := func(before time.Duration) (string, string) {
			w.clock.Set(w.began.Add(endsAt - before))
			return w.as(w.Owner).Get(page).Body, w.as(w.Owner).Get(organization).Body
		}
		for _, c := range []struct {
			before time.Duration
			words  string
		}{{14 * day, "token ends in 14 days"}, {3*day - time.Hour, "token ends in 3 days"}, {time.Hour, "token ends in 1 hour"}, {-time.Hour, "token has ended"}, {-80 * day, "token has ended"}} {
			own, above := at(c.before)
			if !strings.Contains(own, c.words) || strings.Count(own, `href="`+create+`"`) != 1 {
				t.Errorf("%v: %q and one way to the next are not on the directory's page: %s", c.before, c.words, own)
			}
			if !strings.Contains(above, c.words) || !strings.Contains(above, `href="`+page+`"`) {
				t.Errorf("%v: %q is not on the organization's page: %s", c.before, c.words, above)
			}
		}
		if own, above := at(14*day + time.Hour); strings.Contains(own+above, "token ends") || !strings.Contains(own, "Works") {
			t.Error("it is told too early", own)
		}
		w.newTokenAt(10*day, w.Owner)
		if own, above := at(3 * day); strings.Contains(own+above, "token ends") || !strings.Contains(own, "Ends in 3 days") {
			t.Error("it is told although there is another token", own)
		}
		admin := w.Person("Ann Admin", "")
		w.Join(w.North, admin, "admin")
		if _, err := w.store.Ending(t.Context(), admin, w.North); err == nil {
			t.Error("an admin is told")
		}
		if body := w.as(admin).Get(organization).Body; strings.Contains(body, page) || !strings.Contains(body, org.Prefix+"_") {
			t.Error("an admin is led to the directory", body)
		}
	})
}
