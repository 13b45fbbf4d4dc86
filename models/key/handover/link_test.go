package handover_test

import (
	"encoding/base64"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

var stranger = actor.Actor{Kind: actor.Anonymous, Address: netip.MustParseAddr("203.0.113.77"), RequestID: "req_open"}

// K2, B1-15: the text comes once, and its maker is told when and from which network.
func TestLinkShowsTheKeyOnceAndTellsItsMaker(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		made, link := w.link(w.developer, "Deploy")

		offer, peekErr := w.store.Peek(t.Context(), link.Token.Reveal())
		opened, err := w.store.Open(t.Context(), stranger, link.Token.Reveal())
		_, second := w.store.Open(t.Context(), stranger, link.Token.Reveal())
		_, third := w.store.Open(t.Context(), stranger, link.Token.Reveal())
		_, after := w.store.Peek(t.Context(), link.Token.Reveal())

		if peekErr != nil || err != nil || offer.Hint() != made.Key.Hint() || len(offer.Grants) != 1 || offer.Grants[0].Scope != "orders:read" {
			t.Fatal(peekErr, err, offer)
		}
		if text := opened.Secret.Reveal(); !strings.HasPrefix(text, "gk_live_") || !strings.HasSuffix(text, made.Key.LastFour) || len(text) != 46 {
			t.Errorf("the link held %d characters", len(text))
		}
		for _, again := range []error{second, third, after} {
			w.expect("opened before", again, fault.NotFound)
		}
		links, err := w.store.Links(t.Context(), made.Key.ID)
		if err != nil || len(links) != 1 || links[0].OpenedAt == nil || links[0].OpenedNetwork != "203.0.113.0/24" || links[0].TriedAgainAt == nil || links[0].Waiting(w.clock.Now()) {
			t.Error(links, err)
		}
		mails := w.mails("key_link_opened")
		if len(mails) != 1 || !strings.HasPrefix(mails[0], "dev.patel@example.com") || !strings.Contains(mails[0], "203.0.113.0/24") || !strings.Contains(mails[0], made.Key.Hint()) {
			t.Error("mails:", mails)
		}
		if again := w.mails("key_link_again"); len(again) != 1 {
			t.Error("of a second try:", again)
		}
	})
}

// A12, Z7, B1-15: when its maker may not read of the key any more, those who manage the organization are told that somebody came again.
func TestOfASecondTryTheManagersAreToldWhenTheMakerIsOut(t *testing.T) {
	for what, change := range map[string]string{
		"suspended":           "UPDATE users SET suspended_at = created_at WHERE id = ?",
		"kept out of the app": "UPDATE apps SET limited = TRUE WHERE organization_id IN (SELECT organization_id FROM members WHERE user_id = ?)",
		"gone":                "DELETE FROM members WHERE user_id = ?",
	} {
		t.Run(what, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				_, link := w.link(w.developer, "Deploy")
				_, err := w.store.Open(t.Context(), stranger, link.Token.Reveal())
				w.ok(err)
				w.exec(change, w.developer.UserID)

				_, second := w.store.Open(t.Context(), stranger, link.Token.Reveal())

				w.expect("opened before", second, fault.NotFound)
				var to []string
				for _, m := range w.mails("key_link_again") {
					name, _, _ := strings.Cut(m, "@")
					to = append(to, name)
				}
				slices.Sort(to)
				if !slices.Equal(to, []string{"ann.admin", "nora.north"}) {
					t.Error("mails to", to)
				}
			})
		})
	}
}

// U5, U8: from where a link was opened is not part of what the log's chain holds for ever.
func TestWhereALinkWasOpenedIsNotInTheChain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, link := w.link(w.developer, "Deploy")
		if _, err := w.store.Open(t.Context(), stranger, link.Token.Reveal()); err != nil {
			t.Fatal(err)
		}

		var details []string
		if err := w.DB.Read(t.Context()).Raw("SELECT CAST(details AS TEXT) FROM audit_events WHERE act = ?", string(audit.LinkOpened)).Scan(&details).Error; err != nil {
			t.Fatal(err)
		}

		if len(details) != 1 || strings.Contains(details[0], "203.0.113.") {
			t.Error(details)
		}
	})
}

// B1-15: 50 at once, and one gets it.
func TestOfFiftyParallelOpensOneWins(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, link := w.link(w.developer, "Deploy")
		var wait sync.WaitGroup
		got := make([]string, 50)
		errs := make([]error, 50)

		for i := range got {
			wait.Go(func() {
				opened, err := w.store.Open(t.Context(), stranger, link.Token.Reveal())
				got[i], errs[i] = opened.Secret.Reveal(), err
			})
		}
		wait.Wait()

		won := 0
		for i := range got {
			if errs[i] == nil && strings.HasPrefix(got[i], "gk_live_") {
				won++
			} else if !fault.Is(errs[i], fault.NotFound) || got[i] != "" {
				t.Errorf("%v %q", errs[i], got[i])
			}
		}
		if won != 1 || len(w.mails("key_link_opened")) != 1 || len(w.mails("key_link_again")) != 1 {
			t.Errorf("%d won", won)
		}
	})
}

// K1: what is stored opens nothing: neither the text nor the token stands anywhere, in no form.
func TestTheDatabaseHoldsNeitherKeyNorToken(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, link := w.link(w.developer, "Deploy")
		token := link.Token.Reveal()
		before := w.dump()
		opened, err := w.store.Open(t.Context(), stranger, token)
		w.ok(err)

		after := w.dump()

		raw, err := base64.RawURLEncoding.DecodeString(token)
		w.ok(err)
		text := opened.Secret.Reveal()
		for what, s := range map[string]string{
			"token": token, "raw token": string(raw), "hex token": hex.EncodeToString(raw), "key": text, "body of the key": text[8:40],
			"key in base64": base64.StdEncoding.EncodeToString([]byte(text)), "key in hex": hex.EncodeToString([]byte(text)),
		} {
			if strings.Contains(before, s) || strings.Contains(after, s) {
				t.Error("stored:", what)
			}
		}
		if n := w.count("SELECT COUNT(*) FROM key_handovers WHERE sealed IS NOT NULL"); n != 0 {
			t.Error("what was opened is still kept")
		}
	})
}

// B1-15: everything that ends a link gives the same answer, and the key's text is not handed out.
func TestLinkEndsWithItsTimeItsKeyAndItsMakersRights(t *testing.T) {
	ends := map[string]func(w *world, k key.Row, link *openable){
		"its time is over": func(w *world, _ key.Row, _ *openable) { w.clock.Advance(time.Hour) },
		"it was cancelled": func(w *world, k key.Row, l *openable) {
			w.ok(w.store.Cancel(w.t.Context(), w.admin, k.ID, l.id()))
		},
		"the key was revoked": func(w *world, k key.Row, _ *openable) { w.ok(w.keys.Revoke(w.t.Context(), w.admin, k.ID, "")) },
		"the maker left": func(w *world, _ key.Row, _ *openable) {
			w.ok(w.store.Leave(w.t.Context(), w.developer, w.North))
		},
		"the maker only reads now": func(w *world, _ key.Row, _ *openable) {
			w.exec("UPDATE members SET role = 'viewer' WHERE user_id = ?", w.developer.UserID)
		},
		"the maker is suspended": func(w *world, _ key.Row, _ *openable) {
			w.exec("UPDATE users SET suspended_at = ? WHERE id = ?", w.clock.Now(), w.developer.UserID)
		},
		"the app was deleted": func(w *world, _ key.Row, _ *openable) {
			w.ok(w.Org.DeleteApp(w.t.Context(), w.admin, w.Shop, "Shop"))
		},
		"it is another": func(_ *world, _ key.Row, l *openable) { l.token = strings.Repeat("Ab3-xY9_", 6)[:43] },
		"it is none":    func(_ *world, _ key.Row, l *openable) { l.token = "x" },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				made, link := w.link(w.developer, "Deploy")
				l := &openable{token: link.Token.Reveal(), linkID: link.ID}

				end(w, made.Key, l)

				opened, err := w.store.Open(t.Context(), stranger, l.token)
				_, peek := w.store.Peek(t.Context(), l.token)
				if !fault.Is(err, fault.NotFound) || !fault.Is(peek, fault.NotFound) || err.Error() != peek.Error() || opened.Secret.Reveal() != "" {
					t.Fatal(err, peek)
				}
				w.clock.Advance(25 * time.Hour)
				w.ok(w.store.Sweep(t.Context()))
				if n := w.count("SELECT COUNT(*) FROM key_handovers WHERE sealed IS NOT NULL"); n != 0 {
					t.Error("what nobody can open is still kept")
				}
			})
		})
	}
}

func TestALinkIsMadeForAChosenTimeAndCancelledByWhoManagesTheKey(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, deliver := w.store.ByLink(25 * time.Hour)
		_, tooLong := w.create(w.developer, "Deploy", deliver)
		made, link := w.link(w.developer, "Deploy")

		w.expect("another time", tooLong, fault.Invalid)
		if n := w.count("SELECT COUNT(*) FROM keys WHERE app_id = ?", w.Shop); n != 1 {
			t.Error("a key was made although its link was refused:", n)
		}
		w.expect("a viewer cancels", w.store.Cancel(t.Context(), w.viewer, made.Key.ID, link.ID), fault.Forbidden)
		w.expect("Z2: a stranger cancels", w.store.Cancel(t.Context(), w.Other, made.Key.ID, link.ID), fault.NotFound)
		other := w.make(w.developer, "Other")
		w.expect("of another key", w.store.Cancel(t.Context(), w.developer, other.Key.ID, link.ID), fault.NotFound)
		if n := w.count("SELECT COUNT(*) FROM audit_events WHERE act = 'key.link_made'"); n != 1 {
			t.Error("audited:", n)
		}
		if _, err := w.store.Open(t.Context(), stranger, link.Token.Reveal()); err != nil {
			t.Error("still open:", err)
		}
	})
}

// A rotation hands over the new key alike.
func TestRotatedKeyIsHandedOver(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		old := w.make(w.developer, "Deploy").Key
		link, deliver := w.store.ByLink(15 * time.Minute)

		made, err := w.keys.Rotate(t.Context(), w.developer, old.ID, key.RotateRequest{Token: w.keys.NewFormToken(w.developer, key.RotatePurpose(old.ID)), OverlapDays: 7, Deliver: deliver})

		w.ok(err)
		opened, err := w.store.Open(t.Context(), stranger, link.Token.Reveal())
		if err != nil || made.Secret.Reveal() != "" || opened.KeyID != made.Key.ID || !strings.HasSuffix(opened.Secret.Reveal(), made.Key.LastFour) {
			t.Error(err, opened.Offer)
		}
	})
}

// L7: one network tries so often an hour.
func TestTriesAreLimitedByNetwork(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var last []error
		for range 62 {
			_, err := w.store.Open(t.Context(), stranger, "nothing")
			last = append(last, err)
		}
		_, link := w.link(w.developer, "Deploy")
		_, elsewhere := w.store.Open(t.Context(), actor.Actor{Address: netip.MustParseAddr("198.51.100.1")}, link.Token.Reveal())

		w.expect("the last", last[61], fault.RateLimited)
		if !slices.ContainsFunc(last, func(err error) bool { return fault.Is(err, fault.NotFound) }) || elsewhere != nil {
			t.Error(elsewhere)
		}
	})
}
