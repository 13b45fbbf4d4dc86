package invitation_test

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog/catalogtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/org/invitation"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// world is Northwind with an owner and an admin, Contoso with another owner, and Vera, who belongs to nobody.
type world struct {
	*catalogtest.World
	t           *testing.T
	clock       *dbtest.Clock
	store       *invitation.Store
	admin, vera actor.Actor
}

const verasAddress = "vera.view@example.com"

func each(t *testing.T, body func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := &world{World: catalogtest.New(t, d), t: t, clock: clock}
		w.store = invitation.NewStore(invitation.Options{DB: d, Outbox: w.Outbox, Link: func(p string) string { return "https://portal.example" + p }})
		w.admin, w.vera = w.Person("Ann Admin", ""), w.Person("Vera View", "")
		w.Join(w.North, w.admin, "admin")
		body(t, w)
	})
}

func (w *world) invite(a actor.Actor, email, role string) invitation.Invitation {
	w.t.Helper()
	i, err := w.store.Invite(context.Background(), a, w.North, invitation.Input{Email: email, Role: role})
	if err != nil {
		w.t.Fatal(err)
	}
	return i
}

func (w *world) want(what string, err error, kind fault.Kind) {
	w.t.Helper()
	if !fault.Is(err, kind) {
		w.t.Errorf("%s: %v, want %s", what, err, kind)
	}
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) role(a actor.Actor, organization db.ID) string {
	w.t.Helper()
	role, err := org.RoleOf(w.DB.Read(context.Background()), a.UserID, organization)
	w.ok(err)
	return role
}

var link = regexp.MustCompile(`^https://portal\.example/invitation\?token=([A-Za-z0-9_-]{32})$`)

// letters are the invitations mailed to an address, the oldest first; token is that of one.
func (w *world) letters(email string) []outbox.Letter {
	w.t.Helper()
	var ids []db.ID
	w.ok(w.DB.Read(context.Background()).Raw("SELECT id FROM mails WHERE recipient = ? AND kind = 'invitation' ORDER BY created_at, id", email).Scan(&ids).Error)
	var all []outbox.Letter
	for _, id := range ids {
		_, l, err := w.Outbox.Read(context.Background(), w.DB, id)
		w.ok(err)
		all = append(all, l)
	}
	return all
}

func (w *world) token(l outbox.Letter) string {
	w.t.Helper()
	m := link.FindStringSubmatch(l.URL)
	if m == nil {
		w.t.Fatalf("no link: %q", l.URL)
	}
	return m[1]
}

// Z8
func TestAnInvitationMakesAMemberOfWhoHasTheAddressOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		i := w.invite(w.admin, "  Vera.View@Example.com ", "developer")

		mine, err := w.store.Mine(t.Context(), w.vera)
		w.ok(err)
		got, err := w.store.Accept(t.Context(), w.vera, i.ID)
		w.ok(err)

		if len(mine) != 1 || mine[0].OrganizationName != "Northwind" || mine[0].InviterName != "Ann Admin" || got.Role != "developer" || w.role(w.vera, w.North) != "developer" {
			t.Errorf("%+v %+v", mine, got)
		}
		_, err = w.store.Accept(t.Context(), w.vera, i.ID)
		w.want("again", err, fault.NotFound)
		l := w.letters(verasAddress)
		if len(l) != 1 || strings.Contains(l[0].Subject.Key, "%") || !strings.Contains(l[0].Lines[1].Key, "%v") || l[0].Lines[1].Args[0] != verasAddress {
			t.Errorf("the address is not told as one, to be copied: %+v", l)
		}
	})
}

// Z8
func TestNobodyElseAcceptsAnInvitation(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		i := w.invite(w.admin, verasAddress, "developer")
		token := w.token(w.letters(verasAddress)[0])

		_, accepted := w.store.Accept(t.Context(), w.Other, i.ID)
		declined := w.store.Decline(t.Context(), w.Other, i.ID)
		_, read := w.store.ForMe(t.Context(), w.Other, i.ID)
		seen, mine, err := w.store.Peek(t.Context(), w.Other, token)
		_, own, err2 := w.store.Peek(t.Context(), w.vera, token)

		for _, e := range []error{accepted, declined, read} {
			w.want("of another address", e, fault.NotFound)
		}
		if err != nil || err2 != nil || mine || !own || seen.ID != i.ID || w.role(w.Other, w.North) != "" {
			t.Error(err, err2, mine, own, seen)
		}
		w.Tx(func(tx *db.Tx) error {
			_, err := tx.Run("UPDATE users SET email_verified_at = NULL WHERE id = ?", w.vera.UserID)
			return err
		})
		_, accepted = w.store.Accept(t.Context(), w.vera, i.ID)
		w.want("of an address that is not verified", accepted, fault.NotFound)
	})
}

// Z8, Z7
func TestAnInvitationEnds(t *testing.T) {
	ends := map[string]func(w *world, i invitation.Invitation) error{
		"revoked": func(w *world, i invitation.Invitation) error {
			return w.store.Revoke(context.Background(), w.Owner, w.North, i.ID)
		},
		"expired": func(w *world, _ invitation.Invitation) error { w.clock.Advance(invitation.Age); return nil },
		"declined": func(w *world, i invitation.Invitation) error {
			return w.store.Decline(context.Background(), w.vera, i.ID)
		},
		"its sender lost the role": func(w *world, _ invitation.Invitation) error {
			return w.Org.SetRole(context.Background(), w.Owner, w.North, w.admin.UserID, "developer")
		},
		"organization deleted": func(w *world, _ invitation.Invitation) error {
			return w.Org.Delete(context.Background(), w.Owner, w.North, "Northwind")
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				i := w.invite(w.admin, verasAddress, "developer")
				token := w.token(w.letters(verasAddress)[0])
				w.ok(end(w, i))

				_, _, peeked := w.store.Peek(t.Context(), w.vera, token)
				_, accepted := w.store.Accept(t.Context(), w.vera, i.ID)
				mine, err := w.store.Mine(t.Context(), w.vera)

				w.want("link", peeked, fault.NotFound)
				w.want("accepted", accepted, fault.NotFound)
				if err != nil || len(mine) != 0 || w.role(w.vera, w.North) != "" {
					t.Error(err, mine)
				}
			})
		})
	}
}

func TestSentAgainAnInvitationHasANewLinkAndEnd(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		i := w.invite(w.admin, verasAddress, "developer")
		w.clock.Advance(invitation.Age + time.Hour)
		expired, err := w.store.Open(t.Context(), w.admin, w.North)
		w.ok(err)
		w.ok(w.store.Resend(t.Context(), w.Owner, w.North, i.ID))

		letters := w.letters(verasAddress)
		open, err := w.store.Open(t.Context(), w.admin, w.North)
		w.ok(err)
		_, _, former := w.store.Peek(t.Context(), w.vera, w.token(letters[0]))
		_, _, latter := w.store.Peek(t.Context(), w.vera, w.token(letters[1]))
		_, accepted := w.store.Accept(t.Context(), w.vera, i.ID)

		w.want("the former link", former, fault.NotFound)
		if latter != nil || accepted != nil || len(expired) != 1 || expired[0].Works(w.clock.Now()) || len(open) != 1 || !open[0].Works(w.clock.Now()) || open[0].Sent != 2 || open[0].InviterName != "Nora North" {
			t.Errorf("%v %v %+v %+v", latter, accepted, expired, open)
		}
	})
}

// Z5
func TestNobodyInvitesAboveTheirOwnRole(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		developer := w.Person("Dev Patel", "")
		w.Join(w.North, developer, "developer")
		owners := w.invite(w.Owner, verasAddress, "owner")
		in := invitation.Input{Email: "new@example.com", Role: "owner"}

		_, byAdmin := w.store.Invite(t.Context(), w.admin, w.North, in)
		_, made := w.store.Invite(t.Context(), w.admin, w.North, invitation.Input{Email: "new@example.com", Role: "god"})
		_, byDeveloper := w.store.Invite(t.Context(), developer, w.North, invitation.Input{Email: "new@example.com", Role: "viewer"})
		_, byStranger := w.store.Invite(t.Context(), w.Other, w.North, invitation.Input{Email: "new@example.com", Role: "viewer"})
		_, listed := w.store.Open(t.Context(), developer, w.North)

		w.want("an owner by an admin", byAdmin, fault.Invalid)
		w.want("no role", made, fault.Invalid)
		w.want("by a developer", byDeveloper, fault.Forbidden)
		w.want("by a stranger", byStranger, fault.NotFound)
		w.want("list for a developer", listed, fault.Forbidden)
		w.want("an admin sends an owner's again", w.store.Resend(t.Context(), w.admin, w.North, owners.ID), fault.Forbidden)
		w.want("an admin revokes an owner's", w.store.Revoke(t.Context(), w.admin, w.North, owners.ID), fault.Forbidden)
		w.want("by way of another organization", w.store.Revoke(t.Context(), w.Other, w.Contoso, owners.ID), fault.NotFound)
	})
}

func TestWhatCantBeInvitedIsSaid(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.invite(w.admin, verasAddress, "viewer")
		personal := db.NewID()
		w.Tx(func(tx *db.Tx) error {
			_, err := tx.Run("INSERT INTO organizations (id, kind, personal_user_id, name, created_at, updated_at) VALUES (?, 'personal', ?, 'Nora', ?, ?)", personal, w.Owner.UserID, tx.Now, tx.Now)
			return err
		})
		w.Join(personal, w.Owner, "owner")
		try := func(organization db.ID, email string) error {
			_, err := w.store.Invite(t.Context(), w.Owner, organization, invitation.Input{Email: email, Role: "viewer"})
			return err
		}

		w.want("a member", try(w.North, "ann.admin@example.com"), fault.Invalid)
		w.want("twice", try(w.North, verasAddress), fault.Invalid)
		w.want("no address", try(w.North, "vera"), fault.Invalid)
		w.want("personal", try(personal, "new@example.com"), fault.Conflict)
		w.ok(w.Org.SuspendOrganization(t.Context(), w.Staff, w.North, org.Suspension{Reason: "Spam."}))
		w.want("suspended", try(w.North, "new@example.com"), fault.Conflict)
	})
}

// Z7: nobody joins an organization while it is suspended.
func TestNobodyIsTakenIntoASuspendedOrganization(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		i := w.invite(w.admin, verasAddress, "viewer")
		w.ok(w.Org.SuspendOrganization(t.Context(), w.Staff, w.North, org.Suspension{Reason: "Spam."}))
		_, suspended := w.store.Accept(t.Context(), w.vera, i.ID)
		w.ok(w.Org.UnsuspendOrganization(t.Context(), w.Staff, w.North))
		_, after := w.store.Accept(t.Context(), w.vera, i.ID)

		w.want("while it is suspended", suspended, fault.Conflict)
		w.ok(after)
	})
}

// L7: nobody makes the portal fill a stranger's mailbox.
func TestMailToOneAddressIsBounded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		i := w.invite(w.admin, "stranger@elsewhere.example", "viewer")
		for range 4 {
			w.ok(w.store.Resend(t.Context(), w.admin, w.North, i.ID))
		}

		tooMuch := w.store.Resend(t.Context(), w.admin, w.North, i.ID)
		_, other := w.store.Invite(t.Context(), w.Other, w.Contoso, invitation.Input{Email: "stranger@elsewhere.example", Role: "viewer"})

		w.want("a sixth mail", tooMuch, fault.RateLimited)
		w.ok(other) // one organization keeps no other from inviting somebody
		if n := len(w.letters("stranger@elsewhere.example")); n != 6 {
			t.Error(n)
		}
		for range 4 { // of many together there is a bound that nobody is told of
			many := db.NewID()
			w.Tx(func(tx *db.Tx) error {
				_, err := tx.Run("INSERT INTO organizations (id, kind, name, created_at, updated_at) VALUES (?, 'ordinary', 'One of many', ?, ?)", many, tx.Now, tx.Now)
				return err
			})
			w.Join(many, w.Other, "owner")
			again, err := w.store.Invite(t.Context(), w.Other, many, invitation.Input{Email: "stranger@elsewhere.example", Role: "viewer"})
			w.ok(err)
			for range 3 {
				w.ok(w.store.Resend(t.Context(), w.Other, many, again.ID))
			}
		}
		if n := len(w.letters("stranger@elsewhere.example")); n != 15 {
			t.Error(n, "mails to one address in a day")
		}
		w.clock.Advance(25 * time.Hour)
		w.ok(w.store.Resend(t.Context(), w.admin, w.North, i.ID))
	})
}

// Z8: single use holds under parallel tries, as does the end by revocation.
func TestOfParallelAnswersOneHolds(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for range 5 {
			i := w.invite(w.admin, verasAddress, "viewer")
			var all sync.WaitGroup
			var mu sync.Mutex
			done, start := 0, make(chan struct{})
			for n := range 12 {
				all.Go(func() {
					<-start
					var err error
					switch n % 3 {
					case 0:
						_, err = w.store.Accept(context.Background(), w.vera, i.ID)
					case 1:
						err = w.store.Decline(context.Background(), w.vera, i.ID)
					default:
						err = w.store.Revoke(context.Background(), w.admin, w.North, i.ID)
					}
					mu.Lock()
					defer mu.Unlock()
					if err == nil {
						done++
					} else {
						w.want("too late", err, fault.NotFound)
					}
				})
			}
			close(start)
			all.Wait()
			if done != 1 {
				t.Errorf("%d answers held", done)
			}
			w.Tx(func(tx *db.Tx) error {
				_, err := tx.Run("DELETE FROM members WHERE user_id = ?", w.vera.UserID)
				return err
			})
			w.clock.Advance(25 * time.Hour)
		}
	})
}

func TestLongExpiredInvitationsAreSweptAway(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.invite(w.admin, verasAddress, "viewer")
		w.clock.Advance(invitation.Age + 29*24*time.Hour)
		w.ok(w.store.Sweep(t.Context()))
		stays, err := w.store.Open(t.Context(), w.admin, w.North)
		w.ok(err)
		w.clock.Advance(24 * time.Hour)
		w.ok(w.store.Sweep(t.Context()))
		gone, err := w.store.Open(t.Context(), w.admin, w.North)

		if err != nil || len(stays) != 1 || len(gone) != 0 {
			t.Error(err, stays, gone)
		}
	})
}
