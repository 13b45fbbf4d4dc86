package domain_test

import (
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// directory gives Northwind a token of a directory, made by its owner.
func (w *bound) directory() {
	w.Tx(func(tx *db.Tx) error {
		_, err := tx.Run(`INSERT INTO scim_tokens (id, organization_id, name, digest, digest_algorithm, pepper_version, hint, created_by, created_at, expires_at) VALUES (?, ?, 'Entra', ?, 'hmac-sha256', 1, 'gk_live_…abcd', ?, ?, ?)`,
			db.NewID(), w.North, []byte(db.NewID().String()), w.Owner.UserID, tx.Now, tx.Now.Add(365*24*time.Hour))
		return err
	})
}

// told is the newest letter of a kind.
func (w *bound) told(kind string) outbox.Letter {
	w.t.Helper()
	_, l, err := w.Outbox.Read(w.t.Context(), w.DB, w.lastMail(kind))
	w.ok(err)
	return l
}

const (
	ruleEnded = "has to sign in by a provider any more"
	stopped   = "The directory is refused"
)

// A14, Z7: whoever removes a domain ends the rule by which its people sign in, and the directory's say, and not unseen.
func TestWhatARemovedDomainEndsIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		bound, directory, another bool // the rule is in force, a directory has a token, another domain is proven
		mails                     int
		rule, stops               bool // what the letter tells
	}{
		"rule":                           {true, false, false, 2, true, false},
		"directory":                      {false, true, false, 2, false, true},
		"both":                           {true, true, false, 2, true, true},
		"directory of two domains":       {false, true, true, 0, false, false},
		"rule, directory of two domains": {true, true, true, 2, true, false},
		"nothing":                        {false, false, false, 0, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			eachBound(t, func(t *testing.T, w *bound) {
				if c.bound {
					w.bind()
				}
				if c.directory {
					w.directory()
				}
				if c.another {
					w.proven("example.net")
				}
				claim := w.claim(w.Owner, w.North, "example.org") // never proven: it ends nothing

				for _, id := range []db.ID{claim.ID, w.d.ID} {
					_, err := w.store.Remove(t.Context(), w.Owner, w.North, id)
					w.ok(err)
				}

				if w.mails("domain_removed") != c.mails { // owner and admin
					t.Fatal(w.mails("domain_removed"))
				}
				if c.mails == 0 {
					return
				}
				l := w.told("domain_removed")
				if tells(l, ruleEnded) != c.rule || tells(l, stopped) != c.stops || l.Lines[0].Args[0] != w.Owner.Name || l.Lines[0].Args[1] != "example.com" || l.URL != "https://portal.example/console/organizations/"+w.North.Show("org")+"/domains" {
					t.Errorf("%+v", l)
				}
			})
		})
	}
}

// Z7: a domain that is lost stops the directory, too.
func TestALostDomainTellsThatTheDirectoryStops(t *testing.T) {
	eachBound(t, func(t *testing.T, w *bound) {
		w.directory()
		name, _ := w.d.Record()
		w.dns.Set(name)
		for range 9 {
			w.clock.Advance(25 * time.Hour)
			w.ok(w.store.Recheck(t.Context()))
		}

		if !tells(w.told("domain_lost"), stopped) {
			t.Error(w.told("domain_lost").Lines)
		}
	})
}

// L7: who proves a domain and removes it again and again writes no mail without end, and is not held up.
func TestRemovalsWithoutEndAreNotTold(t *testing.T) {
	eachBound(t, func(t *testing.T, w *bound) {
		w.directory()
		for range 12 {
			_, err := w.store.Remove(t.Context(), w.Owner, w.North, w.d.ID)
			w.ok(err)
			w.d = w.proven("example.com")
		}

		if n := w.mails("domain_removed"); n != 20 {
			t.Error(n)
		}
	})
}
