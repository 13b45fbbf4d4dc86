package rotation_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key/keytest"
)

// Z2, U8: a day before the end each reader is told from which networks the keys that concern them are used still, and of no others; and whoever is told may see that
// on the rotation's page too.
func TestNetworksOfAnOldKeyAreNamedToThoseAloneWhoMaySeeThem(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		keys := map[string]db.ID{"203.0.113.0/24": w.Make(w.Developer, "Worker", 60).Key.ID, "198.51.100.0/24": w.Make(w.Other, "Nightly", 60).Key.ID, "192.0.2.0/24": w.Make(w.Owner, "Left behind", 60).Key.ID}
		for network, by := range map[string]actor.Actor{"203.0.113.0/24": w.Developer, "198.51.100.0/24": w.Other, "192.0.2.0/24": w.Owner} {
			w.Rotate(by, keys[network], 7)
		}
		w.Run("DELETE FROM members WHERE user_id = ?", w.Owner.UserID) // nobody answers for that key: admins are told
		w.Run("UPDATE users SET email = 'sam@elsewhere.example' WHERE id = ?", w.Stranger.UserID)
		w.Clock.Advance(6 * day)
		for network, id := range keys {
			w.Use(id, network)
		}
		w.Mails()

		if err := w.rotations.Mails(bg); err != nil {
			t.Fatal(err)
		}

		people := map[string]actor.Actor{"dev": w.Developer, "oth": w.Other, "ops": w.Ops, "ada": w.Admin}
		want := map[string][]string{"dev": {"203.0.113.0/24"}, "oth": {"198.51.100.0/24"}, "ada": {"192.0.2.0/24"}, "ops": {"203.0.113.0/24", "198.51.100.0/24", "192.0.2.0/24"}}
		letters := w.Mails()
		if len(letters) != len(want) {
			t.Fatal(keytest.Names(letters))
		}
		for _, l := range letters {
			who, _, _ := strings.Cut(l.To, "@")
			words, told := keytest.Words(l), map[string]bool{}
			for _, network := range want[who] {
				told[network] = true
			}
			for network, id := range keys {
				if strings.Contains(words, network) != told[network] {
					t.Errorf("%s and %s: %s", who, network, words)
				}
				p, err := w.rotations.Progress(bg, people[who], id, time.UTC)
				if told[network] && (err != nil || len(p.Networks) != 1 || p.Networks[0].Network != network) {
					t.Errorf("%s is told of %s and may not see it: %v", who, network, err)
				}
			}
		}
		if _, err := w.rotations.Progress(bg, w.Stranger, keys["203.0.113.0/24"], time.UTC); !fault.Is(err, fault.NotFound) {
			t.Error("a stranger sees:", err)
		}
	})
}

// A technical address that is no member's, and one that left meanwhile, are told nothing.
func TestNetworksAreNotNamedToATechnicalAddressOutsideTheOrganization(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before, _ := w.pair(7)
		w.Run("UPDATE organizations SET technical_email = 'sam@northwind.example' WHERE id = ?", w.Org)
		w.Clock.Advance(6 * day)
		w.Use(before, "203.0.113.0/24")
		w.Mails()

		if err := w.rotations.Mails(bg); err != nil {
			t.Fatal(err)
		}

		if got := keytest.Names(w.Mails()); len(got) != 1 || got[0] != "dev key_overlap_ends" {
			t.Error(got)
		}
	})
}

// K10: once the old key was retired there is nothing to go back to, and whoever asks reads why; the new key goes on.
func TestUndoAfterRetireIsRefusedWithTheReason(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before, after := w.pair(7)
		if err := w.rotations.Retire(bg, w.Developer, before, nil); err != nil {
			t.Fatal(err)
		}

		err := w.rotations.Undo(bg, w.Developer, before, true)

		if !fault.Is(err, fault.Conflict) || !strings.Contains(fault.As(err).Key, "overlap") {
			t.Error(err)
		}
		if w.State(after) != "active" || w.Row(before).OverlapEndsAt == nil {
			t.Error("something was undone:", w.State(after), w.State(before))
		}
	})
}
