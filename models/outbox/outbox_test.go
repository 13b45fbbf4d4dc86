package outbox_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

func box(t *testing.T) *outbox.Outbox {
	t.Helper()
	root, err := secret.Parse("q8Zr2Lk0vTn4Xc7Wm1Jp9Hs6Gd3Fb5Ye", "")
	if err != nil {
		t.Fatal(err)
	}
	return outbox.New(root.Sealer(secret.LabelMail))
}

func queue(t *testing.T, d *db.DB, o *outbox.Outbox, to string) {
	t.Helper()
	err := d.Tx(t.Context(), func(tx *db.Tx) error {
		return o.Queue(tx, outbox.Letter{Kind: "verify_address", To: to, Subject: outbox.L("Verify your address"), URL: "https://portal.example/verify?token=hidden-token"})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// REL-23
func TestMailIsRetriedAcrossRestartsAndDeliveredOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		o := box(t)
		queue(t, d, o, "a@example.com")
		var tries int
		ids := map[string]bool{}
		transport := func(_ context.Context, id string, l outbox.Letter) (bool, error) {
			tries++
			ids[id] = true
			if tries < 4 {
				return false, errors.New("connection refused")
			}
			return false, nil
		}

		for range 8 {
			s := outbox.NewSender(d, o, "replica", transport) // a new process each time
			if err := s.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
			clock.Advance(time.Hour)
		}

		page, err := outbox.List(t.Context(), d, outbox.Filter{State: "sent"}, db.PageRequest{})
		if err != nil || tries != 4 || len(ids) != 1 || len(page.Rows) != 1 {
			t.Fatal(err, tries, ids, page.Rows)
		}
		if _, _, err := o.Read(t.Context(), d, page.Rows[0].ID); err == nil {
			t.Fatal("the body of a sent mail is still there")
		}
	})
}

func TestTwoReplicasSendEachMailOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		o := box(t)
		for range 20 {
			queue(t, d, o, "a@example.com")
		}
		var sent atomic.Int64
		transport := func(context.Context, string, outbox.Letter) (bool, error) { sent.Add(1); return false, nil }
		errs := make(chan error, 2)

		for _, name := range []string{"a", "b"} {
			go func() { errs <- outbox.NewSender(d, o, name, transport).Step(t.Context()) }()
		}

		if err := errors.Join(<-errs, <-errs); err != nil || sent.Load() != 20 {
			t.Fatal(err, sent.Load())
		}
	})
}

// K1, A13: what the database holds of a waiting mail gives nothing away.
func TestWaitingMailIsSealedAndReadableByAnAdmin(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		o := box(t)
		queue(t, d, o, "a@example.com")

		page, err := outbox.List(t.Context(), d, outbox.Filter{State: "waiting"}, db.PageRequest{})
		if err != nil {
			t.Fatal(err)
		}
		m, letter, err := o.Read(t.Context(), d, page.Rows[0].ID)

		if err != nil || strings.Contains(m.BodySealed, "hidden-token") || !strings.Contains(letter.URL, "hidden-token") {
			t.Fatal(err, m, letter)
		}
	})
}

func TestRefusedAddressIsNotTriedAgain(t *testing.T) {
	d := dbtest.SQLite(t, nil)
	o := box(t)
	queue(t, d, o, "nobody@example.com")
	tries := 0
	s := outbox.NewSender(d, o, "a", func(context.Context, string, outbox.Letter) (bool, error) {
		tries++
		return true, errors.New("no such user")
	})

	err := errors.Join(s.Step(t.Context()), s.Step(t.Context()))

	page, listErr := outbox.List(t.Context(), d, outbox.Filter{State: "failed"}, db.PageRequest{})
	if err != nil || listErr != nil || tries != 1 || len(page.Rows) != 1 || page.Rows[0].LastError != "no such user" {
		t.Fatal(err, listErr, tries, page.Rows)
	}
}

// A7, L7: whoever has letters written to many holds up nobody who waits for a code or a link.
func TestLettersThatPeopleWaitForGoFirst(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		o := box(t)
		for _, l := range []outbox.Letter{{Kind: "many"}, {Kind: "notice", Urgency: outbox.Guarding}, {Kind: "many"}, {Kind: "code", Urgency: outbox.Awaited}, {Kind: "link", Urgency: outbox.Awaited}} {
			if err := d.Tx(t.Context(), func(tx *db.Tx) error { return o.Queue(tx, l) }); err != nil {
				t.Fatal(err)
			}
			clock.Advance(time.Second)
		}
		var sent []string

		err := outbox.NewSender(d, o, "a", func(_ context.Context, _ string, l outbox.Letter) (bool, error) {
			sent = append(sent, l.Kind)
			return false, nil
		}).Step(t.Context())

		if err != nil || strings.Join(sent, " ") != "code link notice many many" {
			t.Error(err, sent)
		}
	})
}

// A13: a code or a link that works no more is not sent.
func TestAnExpiredLetterIsNotSent(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		o := box(t)
		for _, kind := range []string{"late", "in time"} {
			l := outbox.Letter{Kind: kind, ExpiresAt: clock.Now().Add(10 * time.Minute)}
			if err := d.Tx(t.Context(), func(tx *db.Tx) error { return o.Queue(tx, l) }); err != nil {
				t.Fatal(err)
			}
			clock.Advance(5 * time.Minute)
		}
		var sent []string

		err := outbox.NewSender(d, o, "a", func(_ context.Context, _ string, l outbox.Letter) (bool, error) {
			sent = append(sent, l.Kind)
			return false, nil
		}).Step(t.Context())

		if err != nil || strings.Join(sent, " ") != "in time" {
			t.Error(err, sent)
		}
	})
}
