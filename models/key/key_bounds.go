package key

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// ErrWidens is what SetBounds returns when the key could do more afterwards than before, and the actor did not prove who they are.
var ErrWidens = fault.New(fault.Forbidden, "This lets the key do more than before. Enter your password again first.")

// bounds fills the bounds of a key's page.
func (s *Store) bounds(g *gorm.DB, d *Detail) (err error) {
	d.Bounds, err = boundsOf(g, d.ID)
	return err
}

// SetBounds binds a key anew; it holds on the very next call. mayWiden says that the actor entered their password just now (a program has none, and stays within what its own key can do): without it a change by
// which the key could do more is refused with ErrWidens. Of a widening the key's people are mailed. Setting what is set does nothing.
// Faults: NotFound, Forbidden, Invalid (the fields of BoundsForm), Conflict when the key is over, ErrWidens.
func (s *Store) SetBounds(ctx context.Context, a actor.Actor, id db.ID, f BoundsForm, mayWiden bool) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		r, err := forMember(tx, a, id)
		if err != nil {
			return err
		}
		if err := final(r, tx); err != nil {
			return err
		}
		before, err := boundsOf(tx.DB, id)
		if err != nil {
			return err
		}
		after, err := f.checked(tx, r, before)
		if err != nil {
			return err
		}
		details := differences(before, after)
		if len(details) == 0 {
			return nil
		}
		return s.setBounds(tx, a, r, before, after, details, mayWiden || a.Program())
	})
}

func (s *Store) setBounds(tx *db.Tx, a actor.Actor, r Row, before, after Bounds, details map[string]string, mayWiden bool) error {
	wider := widened(before, after)
	within := holdsWithin
	if len(wider) > 0 {
		within = touchesWithin
	}
	if err := within(tx, a, r, nil, &after); err != nil {
		return err
	}
	if len(wider) > 0 {
		if !mayWiden && !a.Trusted() {
			return ErrWidens
		}
		details["widens"] = strings.Join(wider, " ")
		if err := s.tellWidened(tx, r, boundsLines(wider, after)); err != nil {
			return err
		}
	}
	record(tx, a, audit.KeyBounded, r, details)
	if len(after.Networks) > 0 {
		if _, err := tx.Run("DELETE FROM key_policy_dues WHERE key_id = ? AND rule = ?", r.ID, policy.Networks); err != nil {
			return err
		}
	}
	b := after.row()
	_, err := tx.Run("UPDATE keys SET networks = ?, origins = ?, metadata = ?, rate_requests = ?, rate_period_seconds = ?, rate_burst = NULL, updated_at = ? WHERE id = ?",
		b.Networks, b.Origins, b.Metadata, b.RateRequests, b.RatePeriodSeconds, tx.Now, r.ID)
	return err
}

// checked reads the form for a key that there is. A rate that stays as it was is not held against the plan, which may have been tightened since.
func (f BoundsForm) checked(tx *db.Tx, r Row, before Bounds) (Bounds, error) {
	var bad fault.Problems
	after := f.read(&bad)
	verifier, err := verifies(tx, r.ID)
	if err != nil {
		return Bounds{}, err
	}
	verifierHasNoOrigin(verifier, after, &bad)
	held, err := heldRules(tx, r)
	if err != nil {
		return Bounds{}, err
	}
	held.CheckNetworks(len(after.Networks), &bad)
	if after.Rate != before.Rate {
		var apis []db.ID
		if err := tx.Raw("SELECT DISTINCT api_id FROM key_grants WHERE key_id = ?", r.ID).Scan(&apis).Error; err != nil {
			return Bounds{}, err
		}
		if err := after.Rate.withinPlans(tx.DB, r.AppID, apis, &bad); err != nil {
			return Bounds{}, err
		}
	}
	return after, bad.Err()
}

// Names of what can be widened, for the audit log.
const (
	widerNetworks = "networks"
	widerOrigins  = "origins"
	widerRate     = "rate"
)

// widened names what lets the key do more afterwards. It errs on the side of more: two halves for the network that they make up count as wider.
func widened(before, after Bounds) []string {
	var out []string
	if len(before.Networks) > 0 && (len(after.Networks) == 0 || slices.ContainsFunc(after.Networks, outside(before.Networks))) {
		out = append(out, widerNetworks)
	}
	if len(before.Origins) > 0 && (len(after.Origins) == 0 || slices.ContainsFunc(after.Origins, func(o string) bool { return !coversOrigin(before.Origins, o) })) {
		out = append(out, widerOrigins)
	}
	if !before.Rate.None() && (after.Rate.None() || after.Rate.looser(before.Rate) || after.Rate.Requests > before.Rate.Requests) {
		out = append(out, widerRate)
	}
	return out
}

// outside reports of a network whether none of the list holds it whole.
func outside(list []netip.Prefix) func(netip.Prefix) bool {
	return func(p netip.Prefix) bool {
		return !slices.ContainsFunc(list, func(q netip.Prefix) bool { return q.Bits() <= p.Bits() && q.Contains(p.Addr()) })
	}
}

func coversOrigin(list []string, origin string) bool {
	return slices.Contains(list, origin) || keyring.NewOrigins(list).Allow(origin)
}

// differences tells the audit log what changed; nothing for no change. Of metadata only the names are told.
func differences(before, after Bounds) map[string]string {
	out := map[string]string{}
	note := func(name, was, is string) {
		if was != is {
			out[name+"_before"], out[name+"_after"] = was, is
		}
	}
	b, c := before.row(), after.row()
	note("networks", b.Networks, c.Networks)
	note("origins", b.Origins, c.Origins)
	note("rate", before.Rate.text(), after.Rate.text())
	if b.Metadata != c.Metadata {
		out["metadata_before"], out["metadata_after"] = strings.Join(metadataNames(b.Metadata), " "), strings.Join(metadataNames(c.Metadata), " ")
	}
	return out
}

// boundsLines says in a letter what became wider.
func boundsLines(wider []string, after Bounds) []outbox.Line {
	var out []outbox.Line
	for _, what := range wider {
		switch {
		case what == widerNetworks && len(after.Networks) == 0:
			out = append(out, outbox.L("It can now be used from any network."))
		case what == widerNetworks:
			out = append(out, outbox.L("It can now be used from these networks: %s", strings.Join(networkTexts(after.Networks), ", ")))
		case what == widerOrigins && len(after.Origins) == 0:
			out = append(out, outbox.L("It can now be used without an origin, and from any."))
		case what == widerOrigins:
			out = append(out, outbox.L("It can now be used from these origins: %s", strings.Join(after.Origins, ", ")))
		case after.Rate.None():
			out = append(out, outbox.L("It has no rate of its own any more: the plans alone hold it."))
		default:
			out = append(out, outbox.L("Its own rate is looser than before."))
		}
	}
	return out
}

// tellWidened mails that a key can do more than before.
func (s *Store) tellWidened(tx *db.Tx, r Row, what []outbox.Line) error {
	return s.MailAct(tx, []Row{r}, func(_ context.Context, rows []Row) outbox.Letter {
		l := outbox.Letter{Kind: "key_widened", Subject: outbox.L("The API key %s can do more than before", r.Hint())}
		l.Lines = append([]outbox.Line{outbox.L("Somebody of your organization changed this key:")}, KeyLines(rows)...)
		l.Lines = append(l.Lines, what...)
		l.After = []outbox.Line{outbox.L("If nobody of yours did this, revoke the key and change your password.")}
		s.Button(&l, rows)
		return l
	})
}
