package edge_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
)

// stops are the causes of product.md (Keys) for which a key stops at once, one after the other (K7), and what its access no longer carries (K6).
var stops = []struct {
	cause, answer string
	stop          func(ctx context.Context, h *house, clock *dbtest.Clock) error
}{
	{"key revoked", "Unauthorized REVOKED", func(ctx context.Context, h *house, _ *dbtest.Clock) error {
		return h.keys.Revoke(ctx, h.Person, h.keyID, "leaked")
	}},
	{"key expired", "Unauthorized EXPIRED", func(_ context.Context, h *house, clock *dbtest.Clock) error {
		clock.Advance(8 * time.Second)
		return nil
	}},
	{"rotated key after its overlap", "Unauthorized EXPIRED", func(ctx context.Context, h *house, clock *dbtest.Clock) error {
		_, err := h.keys.Rotate(ctx, actor.ForOperator(), h.keyID, key.RotateRequest{OverlapDays: 0, Expiry: key.Expiry{Days: 30}})
		return err
	}},
	{"key paused", "Unauthorized PAUSED", func(ctx context.Context, h *house, _ *dbtest.Clock) error {
		return h.keys.Pause(ctx, h.Person, h.keyID)
	}},
	{"key suspended", "Forbidden SUSPENDED", func(ctx context.Context, h *house, _ *dbtest.Clock) error {
		return h.keys.Suspend(ctx, h.Staff, h.keyID, "odd", nil)
	}},
	{"app suspended", "Forbidden SUSPENDED", func(ctx context.Context, h *house, _ *dbtest.Clock) error {
		return h.orgs.SuspendApp(ctx, h.Staff, h.App, org.Suspension{Reason: "odd"})
	}},
	{"app deleted", "Unauthorized REVOKED", func(ctx context.Context, h *house, _ *dbtest.Clock) error {
		return h.orgs.DeleteApp(ctx, h.Person, h.App, "Northwind shop")
	}},
	{"organization suspended", "Forbidden SUSPENDED", func(ctx context.Context, h *house, _ *dbtest.Clock) error {
		return h.orgs.SuspendOrganization(ctx, h.Staff, h.Org, org.Suspension{Reason: "odd"})
	}},
	{"organization deleted", "Unauthorized REVOKED", func(ctx context.Context, h *house, _ *dbtest.Clock) error {
		return h.orgs.Delete(ctx, h.Person, h.ordinary(), "Northwind")
	}},
	{"access suspended", "Forbidden SUSPENDED", func(ctx context.Context, h *house, _ *dbtest.Clock) error {
		return h.catalog.Suspend(ctx, h.Staff, h.OrdersAccess, org.Suspension{Reason: "odd"})
	}},
	{"access ended", "Forbidden WRONG_API", func(ctx context.Context, h *house, _ *dbtest.Clock) error {
		return h.catalog.End(ctx, h.Staff, h.OrdersAccess, "over")
	}},
	{"scope withdrawn", "Forbidden INSUFFICIENT_SCOPE", func(ctx context.Context, h *house, _ *dbtest.Clock) error {
		return h.catalog.WithdrawScope(ctx, h.Staff, h.Orders, h.OrdersRead)
	}},
	{"API version retired", "Forbidden WRONG_API", func(ctx context.Context, h *house, _ *dbtest.Clock) error {
		return h.catalog.ChangeVersion(ctx, h.Staff, h.Orders, h.OrdersVersion, "retired", nil)
	}},
	{"API retired", "Forbidden WRONG_API", func(ctx context.Context, h *house, _ *dbtest.Clock) error {
		return h.catalog.Retire(ctx, h.Staff, h.Orders, "Orders")
	}},
	{"K6: access lowered below what the key holds", "Forbidden INSUFFICIENT_SCOPE", func(ctx context.Context, h *house, _ *dbtest.Clock) error {
		return h.lowered(ctx)
	}},
	{"user of a personal organization suspended", "Forbidden SUSPENDED", func(ctx context.Context, h *house, _ *dbtest.Clock) error {
		return h.accounts.Suspend(ctx, h.Staff, h.Person.UserID, "odd", nil)
	}},
	{"user of a personal organization deleted", "Unauthorized REVOKED", func(ctx context.Context, h *house, _ *dbtest.Clock) error {
		return h.directly(ctx, change.User, h.Person.UserID, "UPDATE users SET deleted_at = ? WHERE id = ?")
	}},
}

// ordinary makes the customer's organization one that can be deleted apart from its person.
func (h *house) ordinary() db.ID {
	h.Run("UPDATE organizations SET kind = 'ordinary', personal_user_id = NULL WHERE id = ?", h.Org)
	return h.Org
}

// lowered takes the key's scope out of the access, as a narrower approval does.
func (h *house) lowered(ctx context.Context) error {
	return h.DB.Tx(ctx, func(tx *db.Tx) error {
		change.Record(tx, change.Access, h.App)
		_, err := tx.Run("DELETE FROM access_scopes WHERE access_id = ? AND scope_id = ?", h.OrdersAccess, h.OrdersRead)
		return err
	})
}

// verify asks POST /v1/keys/verify the same question, and returns its code.
func (h *house) verify(handler http.Handler) string {
	r := httptest.NewRequest(http.MethodPost, "/v1/keys/verify", strings.NewReader(`{"key":"`+h.key+`","api":"orders","method":"GET","path":"/v2/orders","ip":"203.0.113.7"}`))
	r.Header.Set("Authorization", "Bearer "+h.Gateway)
	r.Header.Set("Content-Type", "application/json")
	alternate()
	w := carry(h.t, handler, r)
	var out struct {
		Valid        bool
		Code         string
		Organization struct{ Name string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || out.Valid != (out.Code == "VALID") {
		return "unreadable: " + w.Body.String()
	}
	return strings.TrimSpace(out.Code + " " + out.Organization.Name)
}

// directly is for what the stores do only with a password, or not for a personal organization.
func (h *house) directly(ctx context.Context, kind string, id db.ID, statement string) error {
	return h.DB.Tx(ctx, func(tx *db.Tx) error {
		change.Record(tx, kind, id)
		_, err := tx.Run(statement, tx.Now, id)
		return err
	})
}

// K7, K8, D5: on the next request in this process, and after one poll in another.
func TestEachCauseStopsTheKeyAtOnce(t *testing.T) {
	for _, s := range stops {
		t.Run(s.cause, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
				h := newHouse(t, d)
				h.Run("UPDATE keys SET expires_at = ? WHERE id = ?", clock.Now().Add(8*time.Second), h.keyID)
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

// K6: what does not stop a key: its maker goes, or its app moves, which verification tells on the next request.
func TestAKeyOutlivesItsMakerAndItsMove(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		h := newHouse(t, d)
		colleague := h.AddPerson("cora", "")
		h.ordinary()
		h.Run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, 'owner', ?)", h.Org, colleague.UserID, d.Now())
		h.Run("UPDATE keys SET created_by = ? WHERE id = ?", h.Person.UserID, h.keyID)
		contoso, err := h.orgs.Create(t.Context(), colleague, org.Input{Name: "Contoso"})
		if err != nil || h.verify(h.handler) != "VALID Northwind" {
			t.Fatal(err)
		}

		left := h.handover.Leave(t.Context(), h.Person, h.Org)
		after := h.verify(h.handler)
		_, moved := h.handover.Move(t.Context(), colleague, h.App, contoso.ID)
		there := h.verify(h.handler)

		if err := errors.Join(left, moved); err != nil || after != "VALID Northwind" || there != "VALID Contoso" {
			t.Fatal(err, after, there)
		}
	})
}
