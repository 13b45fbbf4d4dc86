package edge_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/job"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/bulk"
	"github.com/gatehouse-dev/gatehouse/models/key/enforcement"
	"github.com/gatehouse-dev/gatehouse/models/key/leak"
	"github.com/gatehouse-dev/gatehouse/models/key/rotation"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// acted are the causes by which a key stops without its people doing so: by policy, after a leak, by an act on many, by what follows from a rotation or a move.
var acted = []struct {
	cause, answer string
	stop          func(ctx context.Context, h *house, clock *dbtest.Clock) error
}{
	{"paused by the policy for idle keys", "Unauthorized PAUSED", func(ctx context.Context, h *house, _ *dbtest.Clock) error {
		return h.held(ctx, "idle_days", "idle")
	}},
	{"paused by the policy for old keys", "Unauthorized PAUSED", func(ctx context.Context, h *house, _ *dbtest.Clock) error {
		return h.held(ctx, "rotate_days", "age")
	}},
	{"paused after a leak", "Unauthorized PAUSED", func(ctx context.Context, h *house, _ *dbtest.Clock) error {
		return h.leaked(ctx, leak.Pause)
	}},
	{"revoked after a leak", "Unauthorized REVOKED", func(ctx context.Context, h *house, _ *dbtest.Clock) error {
		return h.leaked(ctx, leak.Revoke)
	}},
	{"paused with many", "Unauthorized PAUSED", func(ctx context.Context, h *house, clock *dbtest.Clock) error {
		return h.withMany(ctx, bulk.Wish{Verb: key.Pausing})
	}},
	{"revoked with many", "Unauthorized REVOKED", func(ctx context.Context, h *house, clock *dbtest.Clock) error {
		return h.withMany(ctx, bulk.Wish{Verb: key.Revoking})
	}},
	{"ended sooner with many", "Unauthorized EXPIRED", func(ctx context.Context, h *house, clock *dbtest.Clock) error {
		err := h.withMany(ctx, bulk.Wish{Verb: key.Shortening, EndsAt: clock.Now().Add(5 * time.Second)})
		clock.Advance(5 * time.Second)
		return err
	}},
	{"rotated, and retired before its overlap was over", "Unauthorized EXPIRED", func(ctx context.Context, h *house, _ *dbtest.Clock) error {
		if _, err := h.keys.Rotate(ctx, actor.ForOperator(), h.keyID, key.RotateRequest{OverlapDays: 7, Expiry: key.Expiry{Days: 30}}); err != nil {
			return err
		}
		if h.ask(h.handler) != yes {
			return errors.New("it does not work during its overlap")
		}
		return rotation.NewStore(h.DB, h.keys).Retire(ctx, h.Person, h.keyID, nil)
	}},
	{"app moved, to where its approved access does not follow", "Forbidden WRONG_API", func(ctx context.Context, h *house, _ *dbtest.Clock) error {
		h.ordinary()
		h.Run("UPDATE access SET decided_by = ? WHERE id = ?", h.Staff.UserID, h.OrdersAccess)
		contoso, err := h.orgs.Create(ctx, h.Person, org.Input{Name: "Contoso"})
		if err == nil {
			_, err = h.handover.Move(ctx, h.Person, h.App, contoso.ID)
		}
		return err
	}},
	{"app moved, into an organization that is deleted then", "Unauthorized REVOKED", func(ctx context.Context, h *house, _ *dbtest.Clock) error {
		h.ordinary()
		contoso, err := h.orgs.Create(ctx, h.Person, org.Input{Name: "Contoso"})
		if err == nil {
			_, err = h.handover.Move(ctx, h.Person, h.App, contoso.ID)
		}
		if err == nil && h.verify(h.handler) != "VALID Contoso" {
			err = errors.New("it does not work on after the move")
		}
		if err != nil {
			return err
		}
		return h.orgs.Delete(ctx, h.Person, contoso.ID, "Contoso")
	}},
	{"access asked for anew, and refused", "Forbidden WRONG_API", func(ctx context.Context, h *house, _ *dbtest.Clock) error {
		err := h.DB.Tx(ctx, func(tx *db.Tx) error { return catalog.AskAnew(tx, h.Person, h.OrdersAccess, h.Org) })
		if err != nil {
			return err
		}
		var next []db.ID
		if err := h.DB.Read(ctx).Raw("SELECT id FROM access WHERE app_id = ? AND state = 'requested'", h.App).Scan(&next).Error; err != nil || len(next) != 1 {
			return errors.Join(err, errors.New("it was not asked for anew"))
		}
		return h.catalog.Refuse(ctx, h.Staff, next[0], "no")
	}},
}

func (h *house) box() (*outbox.Outbox, func(string) string) {
	return outbox.New(h.Root.Sealer(secret.LabelMail)), func(path string) string { return "https://portal.example" + path }
}

// held has a policy of the API take effect whose notice is over.
func (h *house) held(ctx context.Context, column, rule string) error {
	now := h.DB.Now()
	h.Run("UPDATE keys SET created_at = ?, last_used_at = NULL WHERE id = ?", now.AddDate(0, 0, -100), h.keyID)
	h.Run("INSERT INTO key_policies (subject_kind, subject_id, "+column+", updated_at) VALUES ('api', ?, 30, ?)", h.Orders, now)
	h.Run("INSERT INTO key_policy_dues (key_id, rule, subject_kind, subject_id, days, due_at, told, created_at) VALUES (?, ?, 'api', ?, 30, ?, 1, ?)", h.keyID, rule, h.Orders, now, now.AddDate(0, 0, -7))
	return enforcement.NewStore(h.DB, h.keys).Enforce(ctx)
}

func (h *house) leaked(ctx context.Context, deed leak.Deed) error {
	box, link := h.box()
	s := leak.NewStore(leak.Options{DB: h.DB, Keys: h.keys, Outbox: box, Root: h.Root, Brand: "gk", Link: link})
	if err := s.SetPolicy(ctx, h.Staff, leak.Policy{Live: deed, Test: deed, NoticeDays: 7}); err != nil {
		return err
	}
	if _, err := s.HandIn(ctx, actor.Actor{}, leak.Handed{Source: leak.API, Texts: []string{h.key}}); err != nil {
		return err
	}
	return h.work(ctx, leak.JobKind, s.Job)
}

func (h *house) withMany(ctx context.Context, wish bulk.Wish) error {
	box, link := h.box()
	s := bulk.NewStore(bulk.Options{DB: h.DB, Keys: h.keys, Outbox: box, Link: link})
	wish.Filter = key.Filter{Query: "Checkout"}
	id, err := s.Preview(ctx, h.Staff, wish)
	if err != nil {
		return err
	}
	if h.ask(h.handler) != yes {
		return errors.New("the preview stopped it")
	}
	if err := s.Start(ctx, h.Staff, id, "found in a public repository"); err != nil {
		return err
	}
	return h.work(ctx, bulk.JobKind, s.Job)
}

func (h *house) work(ctx context.Context, kind string, do func(context.Context, json.RawMessage) error) error {
	worker := job.NewWorker(h.DB, "test")
	worker.Handle(kind, do)
	return worker.Step(ctx)
}

// K6, K7, K8, D5: on the next request in this process, and after one poll in another.
func TestEachActOfOthersStopsTheKeyAtOnce(t *testing.T) {
	for _, s := range acted {
		t.Run(s.cause, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
				h := newHouse(t, d)
				ring := h.Ring()
				other, _, _ := h.edgeOver(ring, "two")
				if a, b, c := h.ask(h.handler), h.ask(other), h.verify(h.handler); a != yes || b != yes || c != "VALID Northwind" {
					t.Fatal("control:", a, b, c)
				}

				err := s.stop(t.Context(), h, clock)

				here, verified := h.ask(h.handler), h.verify(h.handler)
				pollErr := ring.Poll(t.Context())
				there := h.ask(other)
				if err := errors.Join(err, pollErr); err != nil {
					t.Fatal(err)
				}
				if _, code, _ := strings.Cut(s.answer, " "); here != s.answer || there != s.answer || !strings.HasPrefix(verified, code) {
					t.Fatalf("here %q and %q, there %q, want %q", here, verified, there, s.answer)
				}
			})
		})
	}
}
