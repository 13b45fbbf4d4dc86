package share_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog/catalogtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/org/share"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

const day = 24 * time.Hour

// world is Northwind, which lends its app Shop, and Contoso, with people of each role.
type world struct {
	*catalogtest.World
	t                           *testing.T
	clock                       *dbtest.Clock
	store                       *share.Store
	admin, developer            actor.Actor // of Northwind
	theirAdmin, theirs, theirs2 actor.Actor // of Contoso: admin, developer, viewer
}

func each(t *testing.T, body func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := &world{World: catalogtest.New(t, d), t: t, clock: clock}
		w.store = share.NewStore(share.Options{DB: d, Outbox: w.Outbox, Link: func(p string) string { return "https://portal.example" + p }})
		join := func(name, role string, o db.ID) actor.Actor {
			a := w.Person(name, "")
			w.Join(o, a, role)
			return a
		}
		w.admin, w.developer = join("Ann Admin", "admin", w.North), join("Dev Patel", "developer", w.North)
		w.theirAdmin, w.theirs, w.theirs2 = join("Tom Admin", "admin", w.Contoso), join("Tia Dev", "developer", w.Contoso), join("Tia View", "viewer", w.Contoso)
		body(t, w)
	})
}

func (w *world) input(days int) share.Input {
	return share.Input{Receiver: w.Contoso.Show(org.Prefix), Rights: []actor.Right{actor.ReadUsage}, Reason: "They look after the shop", EndsOn: w.clock.Now().AddDate(0, 0, days).Format(share.DayLayout)}
}

func (w *world) offer(days int) share.Share {
	w.t.Helper()
	s, err := w.store.Offer(context.Background(), w.admin, w.Shop, w.input(days))
	w.ok(err)
	return s
}

func (w *world) accepted(days int) share.Share {
	w.t.Helper()
	s, err := w.store.Accept(context.Background(), w.theirAdmin, w.offer(days).ID)
	w.ok(err)
	return s
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) want(what string, err error, kind fault.Kind) {
	w.t.Helper()
	if !fault.Is(err, kind) {
		w.t.Errorf("%s: %v, want %s", what, err, kind)
	}
}

// letters are whom mail went to, and of which kind; it empties the outbox.
func (w *world) letters() []string {
	w.t.Helper()
	var rows []struct{ Recipient, Kind string }
	w.ok(w.DB.Read(context.Background()).Raw("SELECT recipient, kind FROM mails WHERE kind LIKE 'share%' ORDER BY recipient, kind").Scan(&rows).Error)
	w.Tx(func(tx *db.Tx) error { _, err := tx.Run("DELETE FROM mails"); return err })
	out := []string{}
	for _, r := range rows {
		name, _, _ := strings.Cut(r.Recipient, "@")
		out = append(out, name+" "+r.Kind)
	}
	return out
}

// acts are those of shares that an organization's log tells, oldest first, with their cause.
func (w *world) acts(o db.ID) string {
	w.t.Helper()
	var acts []string
	w.ok(w.DB.Read(context.Background()).Raw("SELECT act FROM audit_events WHERE organization_id = ? AND act LIKE 'share.%' ORDER BY seq", o).Scan(&acts).Error)
	return strings.Join(acts, " ")
}

// seen says who finds a share, and who would find it in their list.
func (w *world) seen(id db.ID) string {
	w.t.Helper()
	var out []string
	for _, p := range []struct {
		name string
		a    actor.Actor
	}{{"owner", w.Owner}, {"admin", w.admin}, {"developer", w.developer}, {"their owner", w.Other}, {"their admin", w.theirAdmin}, {"their developer", w.theirs}, {"their viewer", w.theirs2}, {"staff", w.Staff}} {
		_, err := w.store.Get(context.Background(), p.a, id)
		list, listErr := w.store.Received(context.Background(), p.a)
		w.ok(listErr)
		if err == nil {
			out = append(out, p.name)
		} else {
			w.want(p.name, err, fault.NotFound)
		}
		if strings.HasPrefix(p.name, "their") && (err == nil) != slices.ContainsFunc(list, func(s share.Share) bool { return s.ID == id }) {
			w.t.Errorf("%s finds it %v and lists %d", p.name, err, len(list))
		}
	}
	return strings.Join(out, ", ")
}

// Z2, Z7: an offer is known to who can answer it, an accepted one to all members of the receiver, and neither to anybody once it ended; both logs tell.
func TestAnOfferIsAcceptedAndEndedByEitherSide(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.offer(30)
		if got := w.seen(s.ID); got != "owner, admin, developer, their owner, their admin" {
			t.Error("an offer:", got)
		}
		if got, _ := w.store.Get(t.Context(), w.admin, s.ID); got.ReceiverName != "" || got.LenderName != "Northwind" || !got.Offered() {
			t.Errorf("whoever offers learns whose id it is: %+v", got)
		}
		for name, a := range map[string]actor.Actor{"lender's owner": w.Owner, "lender's developer": w.developer} {
			_, err := w.store.Accept(t.Context(), a, s.ID)
			w.want(name+" accepts", err, fault.Forbidden)
			w.want(name+" declines", w.store.Decline(t.Context(), a, s.ID), fault.Forbidden)
		}
		_, err := w.store.Accept(t.Context(), w.theirs, s.ID)
		w.want("their developer accepts", err, fault.NotFound)
		if diff := cmp.Diff([]string{"carl.contoso share_offered", "tom.admin share_offered"}, w.letters()); diff != "" {
			t.Error(diff)
		}

		got, err := w.store.Accept(t.Context(), w.theirAdmin, s.ID)
		w.ok(err)
		if got.Offered() || got.ReceiverName != "Contoso" || w.seen(s.ID) != "owner, admin, developer, their owner, their admin, their developer, their viewer" {
			t.Errorf("%+v %s", got, w.seen(s.ID))
		}
		_, err = w.store.Accept(t.Context(), w.theirAdmin, s.ID)
		w.want("again", err, fault.Conflict)
		if diff := cmp.Diff([]string{"ann.admin share_accepted", "nora.north share_accepted"}, w.letters()); diff != "" {
			t.Error(diff)
		}
		for name, a := range map[string]actor.Actor{"developer": w.developer, "their developer": w.theirs} {
			_, err := w.store.End(t.Context(), a, s.ID)
			w.want(name+" ends", err, fault.Forbidden)
		}
		_, err = w.store.End(t.Context(), w.theirAdmin, s.ID)
		w.ok(err)
		if w.seen(s.ID) != "" || w.acts(w.North) != "share.offered share.accepted share.ended" || w.acts(w.Contoso) != "share.received share.taken share.lost" {
			t.Errorf("%q %q %q", w.seen(s.ID), w.acts(w.North), w.acts(w.Contoso))
		}
		if diff := cmp.Diff([]string{"ann.admin share_ended", "nora.north share_ended"}, w.letters()); diff != "" {
			t.Error(diff)
		}

		s = w.accepted(30)
		w.letters()
		_, err = w.store.End(t.Context(), w.Owner, s.ID)
		w.ok(err)
		if diff := cmp.Diff([]string{"carl.contoso share_ended", "tom.admin share_ended"}, w.letters()); diff != "" || w.seen(s.ID) != "" {
			t.Error(diff, w.seen(s.ID))
		}
		s = w.offer(30)
		w.ok(w.store.Decline(t.Context(), w.Other, s.ID))
		s2 := w.offer(30)
		_, err = w.store.End(t.Context(), w.theirAdmin, s2.ID)
		w.want("an offer is declined, not ended", err, fault.Conflict)
		_, err = w.store.End(t.Context(), w.admin, s2.ID)
		w.ok(err)
		if w.seen(s.ID)+w.seen(s2.ID) != "" || !strings.HasSuffix(w.acts(w.Contoso), "share.received share.refused share.received share.lost") {
			t.Error(w.seen(s.ID), w.seen(s2.ID), w.acts(w.Contoso))
		}
	})
}

// B2-4: whether there is an organization with an id is not told by any answer to an offer.
func TestAnOfferToNobodyIsAnsweredAsOneToSomebody(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before := w.acts(w.North)
		in := w.input(30)
		in.Receiver = db.NewID().Show(org.Prefix)

		nobody, err := w.store.Offer(t.Context(), w.admin, w.Shop, in)
		w.ok(err)
		somebody := w.offer(30)

		list, err := w.store.OfApp(t.Context(), w.admin, w.Shop)
		w.ok(err)
		if len(list) != 2 || before != "" || w.acts(w.North) != "share.offered share.offered" {
			t.Fatal(list, w.acts(w.North))
		}
		tell := func(s share.Share) string {
			s.ID, s.ReceiverID = db.ID{}, db.ID{}
			s.CreatedAt = s.CreatedAt.UTC()
			return fmt.Sprintf("%+v", s)
		}
		for i, id := range []db.ID{somebody.ID, nobody.ID} {
			if list[i].ID != id || tell(list[i]) != tell(list[1-i]) {
				t.Errorf("\n%s\n%s", tell(list[0]), tell(list[1]))
			}
		}
	})
}

func TestWhatCannotBeOfferedIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for name, change := range map[string]func(in *share.Input){
			"receiver: made up": func(in *share.Input) { in.Receiver = "Contoso" },
			"receiver: itself":  func(in *share.Input) { in.Receiver = w.North.Show(org.Prefix) },
			"rights: none":      func(in *share.Input) { in.Rights = nil },
			"rights: unknown":   func(in *share.Input) { in.Rights = []actor.Right{"keys:write"} },
			"reason: none":      func(in *share.Input) { in.Reason = " " },
			"reason: long":      func(in *share.Input) { in.Reason = strings.Repeat("x", share.MaxReason+1) },
			"ends_on: none":     func(in *share.Input) { in.EndsOn = "" },
			"ends_on: past":     func(in *share.Input) { in.EndsOn = w.clock.Now().AddDate(0, 0, -1).Format(share.DayLayout) },
			"ends_on: far": func(in *share.Input) {
				in.EndsOn = w.clock.Now().AddDate(0, 0, share.MaxDays+1).Format(share.DayLayout)
			},
		} {
			in := w.input(30)
			change(&in)
			_, err := w.store.Offer(t.Context(), w.admin, w.Shop, in)
			field, _, _ := strings.Cut(name, ":")
			if found := fault.As(err); found == nil || found.Kind != fault.Invalid || len(found.Problems) != 1 || found.Problems[0].Field != field {
				t.Errorf("%s: %+v", name, found)
			}
		}
		_, err := w.store.Offer(t.Context(), w.developer, w.Shop, w.input(30))
		w.want("a developer", err, fault.Forbidden)
		_, err = w.store.Offer(t.Context(), w.theirAdmin, w.Shop, w.input(30))
		w.want("a stranger", err, fault.NotFound)
		_, err = w.store.Offer(t.Context(), actor.Actor{Kind: actor.Key, KeyID: db.NewID(), OrganizationID: w.North}, w.Shop, w.input(30))
		w.want("a program", err, fault.NotFound)
		s := w.accepted(30)
		_, err = w.store.Offer(t.Context(), w.admin, w.Shop, w.input(30))
		w.want("shared already", err, fault.Conflict)
		in := w.input(30)
		in.Receiver = w.Company.Show(org.Prefix)
		_, err = w.store.Offer(t.Context(), w.theirAdmin, w.Shop, in)
		w.want("shared on by who received it", err, fault.NotFound)
		_, err = w.store.End(t.Context(), w.admin, s.ID)
		w.ok(err)
		for range share.MaxOpen {
			in.Receiver = db.NewID().Show(org.Prefix)
			_, err = w.store.Offer(t.Context(), w.admin, w.Shop, in)
			w.ok(err)
		}
		_, err = w.store.Offer(t.Context(), w.admin, w.Shop, w.input(30))
		w.want("one too many", err, fault.Conflict)
	})
}

// Z7: offers lapse, shares end by themselves and are told ahead, once, and the job writes down in both logs that they are over.
func TestSharesEndByThemselvesAndAreToldAhead(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.accepted(30)
		in := w.input(5)
		short, err := w.store.Offer(t.Context(), w.Other, w.Foreign, share.Input{Receiver: w.North.Show(org.Prefix), Rights: in.Rights, Reason: in.Reason, EndsOn: in.EndsOn})
		w.ok(err)
		_, err = w.store.Accept(t.Context(), w.admin, short.ID)
		w.ok(err)
		w.letters()
		run := func() { t.Helper(); w.ok(w.store.Sweep(t.Context())) }

		run()
		if got := w.letters(); len(got) != 0 {
			t.Error("too early, or too short:", got)
		}
		w.clock.Set(s.EndsAt.Add(-share.Ahead))
		run()
		run()
		if diff := cmp.Diff([]string{"ann.admin share_ends", "carl.contoso share_ends", "nora.north share_ends", "tom.admin share_ends"}, w.letters()); diff != "" {
			t.Error(diff)
		}
		offer := w.input(300)
		offer.Receiver = w.Company.Show(org.Prefix)
		waiting, err := w.store.Offer(t.Context(), w.admin, w.Shop, offer)
		w.ok(err)
		w.clock.Set(s.EndsAt)
		if got := w.seen(s.ID); got != "" {
			t.Error("over before the job:", got)
		}
		w.clock.Set(waiting.CreatedAt.Add(share.OfferAge))
		if _, err := w.store.Accept(t.Context(), w.Staff, waiting.ID); !fault.Is(err, fault.NotFound) {
			t.Error("a lapsed offer:", err)
		}
		run()
		var causes []string
		w.ok(w.DB.Read(t.Context()).Raw("SELECT ended_cause FROM app_shares ORDER BY ended_cause").Scan(&causes).Error)
		if !slices.Equal(causes, []string{"expired", "expired", "lapsed"}) || !strings.HasSuffix(w.acts(w.Contoso), "share.lost") {
			t.Error(causes, w.acts(w.Contoso))
		}
		w.clock.Advance(91 * day)
		run()
		var left int
		if err := w.DB.Read(t.Context()).Raw("SELECT COUNT(*) FROM app_shares").Scan(&left).Error; err != nil || left != 0 {
			t.Error(left, err)
		}
	})
}

// Z7: what an app's former organization shared is over when the app is another's, also when it comes back.
func TestAMovedAppIsSharedNoMore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.accepted(30)
		w.Tx(func(tx *db.Tx) error { return share.EndOfAppTx(tx, w.Owner, w.Shop) })
		if w.seen(s.ID) != "" || !strings.HasSuffix(w.acts(w.Contoso), "share.lost") {
			t.Error(w.seen(s.ID))
		}
		s = w.accepted(30)
		w.Tx(func(tx *db.Tx) error {
			_, err := tx.Run("UPDATE apps SET deleted_at = ? WHERE id = ?", tx.Now, w.Shop)
			return err
		})
		if w.seen(s.ID) != "" {
			t.Error("of a deleted app:", w.seen(s.ID))
		}
		w.ok(w.store.Sweep(t.Context()))
		var cause string
		w.ok(w.DB.Read(t.Context()).Raw("SELECT ended_cause FROM app_shares WHERE id = ?", s.ID).Scan(&cause).Error)
		if cause != "gone" {
			t.Error(cause)
		}
	})
}

// L6: names that people typed stand in no subject.
func TestLettersNameOrganizationsInTheirLinesAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.accepted(30)
		var ids []db.ID
		w.ok(w.DB.Read(t.Context()).Raw("SELECT id FROM mails WHERE kind LIKE 'share%'").Scan(&ids).Error)
		for _, id := range ids {
			_, l, err := w.Outbox.Read(t.Context(), w.DB, id)
			w.ok(err)
			if subject := fmt.Sprint(l.Subject); strings.Contains(subject, "Contoso") || strings.Contains(subject, "Northwind") || strings.Contains(subject, "Shop") || !strings.HasPrefix(l.URL, "https://portal.example/console/shares/shr_") || !named(l, "Shop") {
				t.Errorf("%+v", l)
			}
		}
		if len(ids) != 4 {
			t.Error(len(ids))
		}
	})
}

func named(l outbox.Letter, name string) bool {
	return slices.ContainsFunc(l.Lines, func(line outbox.Line) bool { return slices.Contains(line.Args, name) })
}
