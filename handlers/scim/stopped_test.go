package scim_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/scim"
)

// stops runs the job, and tells how many letters somebody has had by then that their directory stopped.
func (w *world) stops(who string) (n int) {
	w.t.Helper()
	w.ok(w.store.TellStopped(context.Background()))
	for _, kind := range w.Mails(who) {
		if kind == "directory_stopped" {
			n++
		}
	}
	return n
}

// Z7: a directory that stops with who made its token takes nobody out any more, and nobody there sees it: owners and admins are told, once, and again when it stops again. What stops for other
// reasons, was never used or was replaced is not told so.
func TestADirectoryThatStopsWithWhoMadeItsTokenIsTold(t *testing.T) {
	const admin = "ann.admin@example.com"
	for name, c := range map[string]struct {
		stop, back string // of Olga, who made the token that the directory uses
		told       int
	}{
		"left":            {stop: "DELETE FROM members WHERE user_id = ?", told: 1},
		"account deleted": {stop: "UPDATE users SET deleted_at = created_at WHERE id = ?", told: 1},
		"stepped down":    {"UPDATE members SET role = 'admin' WHERE user_id = ?", "UPDATE members SET role = 'owner' WHERE user_id = ?", 2},
		"suspended":       {"UPDATE users SET suspended_at = created_at WHERE id = ?", "UPDATE users SET suspended_at = NULL WHERE id = ?", 2},
		"shut out": {
			"UPDATE organizations SET factor_from = created_at WHERE id IN (SELECT organization_id FROM members WHERE user_id = ?)",
			"UPDATE organizations SET factor_from = NULL WHERE id IN (SELECT organization_id FROM members WHERE user_id = ?)", 2,
		},
		"another token took over":    {stop: "DELETE FROM members WHERE user_id = ?"},
		"it was never used":          {stop: "DELETE FROM members WHERE user_id = ?"},
		"it was revoked":             {stop: "UPDATE scim_tokens SET revoked_at = created_at WHERE created_by = ?"},
		"the domain was lost":        {stop: "UPDATE domains SET proven_at = NULL WHERE organization_id IN (SELECT organization_id FROM members WHERE user_id = ?)"},
		"the organization was ended": {stop: "UPDATE organizations SET deleted_at = created_at WHERE id IN (SELECT organization_id FROM members WHERE user_id = ?)"},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				ann, olga := w.Person("Ann Admin", ""), w.Person("Olga Owner", "")
				w.Join(w.North, ann, "admin")
				w.Join(w.North, olga, "owner")
				for _, a := range []actor.Actor{ann, w.Owner} {
					w.run("INSERT INTO factors (id, user_id, kind, name, confirmed_at, created_at) VALUES (?, ?, 'totp', 'Phone', ?, ?)", db.NewID(), a.UserID, w.began, w.began)
				}
				used := w.newTokenAt(300*day, olga)
				if name != "it was never used" {
					w.usedAt(299*day, used.ID)
				}
				if name == "another token took over" {
					w.usedAt(298*day, w.tokenID())
				}
				before := w.stops(admin)

				w.run(c.stop, olga.UserID)
				first := w.stops(admin)
				w.clock.Advance(time.Hour)
				again := w.stops(admin)
				if c.back != "" {
					w.run(c.back, olga.UserID)
					again = w.stops(admin)
					w.run(c.stop, olga.UserID)
				}

				if last := w.stops(admin); before != 0 || first != min(c.told, 1) || again != first || last != c.told || w.stops(nora) != c.told || w.stops("carl.contoso@example.com") != 0 {
					t.Error(before, first, again, last, w.stops(nora))
				}
			})
		})
	}
}

// K1, REL: replicas tell it once; the letter names the token by its hint alone.
func TestTheLetterOfAStoppedDirectoryIsWrittenOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		olga := w.Person("Olga Owner", "")
		w.Join(w.North, olga, "owner")
		w.usedAt(299*day, w.newTokenAt(300*day, olga).ID)
		w.run("DELETE FROM members WHERE user_id = ?", olga.UserID)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if err := w.store.TellStopped(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()

		var ids []db.ID
		w.ok(w.DB.Read(t.Context()).Raw("SELECT id FROM mails WHERE kind = 'directory_stopped'").Scan(&ids).Error)
		if len(ids) != 1 {
			t.Fatal(ids)
		}
		_, l, err := w.Outbox.Read(t.Context(), w.DB, ids[0])
		w.ok(err)
		if want := []string{"Next", w.hint(), "Northwind"}; l.To != nora || !strings.HasSuffix(l.URL, scim.Page(w.North)) || !slices.Equal(l.Lines[0].Args, want) {
			t.Errorf("%+v, want %q", l, want)
		}
	})
}

// hint is what is kept of the newest token's text.
func (w *world) hint() (hint string) {
	w.t.Helper()
	w.ok(w.DB.Read(context.Background()).Raw("SELECT hint FROM scim_tokens ORDER BY id DESC LIMIT 1").Row().Scan(&hint))
	return hint
}
