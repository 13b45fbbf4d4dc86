package key

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Patch is what a program changes of a key; nil stays as it is.
type Patch struct {
	Name     *string
	Networks *[]string
	Origins  *[]string
	Rate     *Rate // the zero Rate takes it away
	Metadata *map[string]string
	EndsAt   *time.Time // an earlier end
}

// BoundsFormOf is what people would type for these bounds.
func BoundsFormOf(networks, origins []string, rate Rate, metadata map[string]string) (BoundsForm, error) {
	f := BoundsForm{Networks: strings.Join(networks, "\n"), Origins: strings.Join(origins, "\n")}
	if !rate.None() {
		f.RateRequests, f.RatePeriod = strconv.Itoa(rate.Requests), strconv.Itoa(rate.Period)
	}
	if len(metadata) > 0 {
		b, err := json.Marshal(metadata)
		if err != nil {
			return f, err
		}
		f.Metadata = string(b)
	}
	return f, nil
}

// over lays the patch over a form of the bounds as they are.
func (p Patch) over(f BoundsForm) (BoundsForm, error) {
	if p.Networks != nil {
		f.Networks = strings.Join(*p.Networks, "\n")
	}
	if p.Origins != nil {
		f.Origins = strings.Join(*p.Origins, "\n")
	}
	if p.Rate != nil {
		f.RateRequests, f.RatePeriod = "", ""
		if !p.Rate.None() {
			f.RateRequests, f.RatePeriod = strconv.Itoa(p.Rate.Requests), strconv.Itoa(p.Rate.Period)
		}
	}
	if p.Metadata != nil {
		more, err := BoundsFormOf(nil, nil, Rate{}, *p.Metadata)
		if err != nil {
			return f, err
		}
		f.Metadata = more.Metadata
	}
	return f, nil
}

// Patch changes name, bounds and end of a key in one step, for programs and operators; it is Rename and SetBounds together, and who calls needs no fresh
// password. An end is brought forward, never put off. Faults: NotFound, Forbidden, also for a program whose own key can do less, Invalid (name,
// expires_at, and the fields of BoundsForm), Conflict when the key is over.
func (s *Store) Patch(ctx context.Context, a actor.Actor, id db.ID, p Patch) error {
	if !a.Program() && !a.Trusted() {
		return fault.Denied()
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		r, err := forMember(tx, a, id)
		if err != nil {
			return err
		}
		if err := final(r, tx); err != nil {
			return err
		}
		if err := s.patchName(tx, a, r, p.Name); err != nil {
			return err
		}
		if err := s.patchEnd(tx, a, r, p.EndsAt); err != nil {
			return err
		}
		before, err := boundsOf(tx.DB, id)
		if err != nil {
			return err
		}
		form, err := p.over(before.Form())
		if err != nil {
			return err
		}
		after, err := form.checked(tx, r, before)
		if err != nil {
			return err
		}
		details := differences(before, after)
		if len(details) == 0 {
			return nil
		}
		return s.setBounds(tx, a, r, before, after, details, true)
	})
}

func (s *Store) patchName(tx *db.Tx, a actor.Actor, r Row, to *string) error {
	if to == nil {
		return nil
	}
	var bad fault.Problems
	name := cleanName(*to, &bad)
	if err := bad.Err(); err != nil || name == r.Name {
		return err
	}
	record(tx, a, audit.KeyRenamed, r, map[string]string{"before": r.Name, "after": name})
	_, err := tx.Run("UPDATE keys SET name = ?, updated_at = ? WHERE id = ?", name, tx.Now, r.ID)
	return err
}

// patchEnd brings the end forward, which only takes away: no key needs to be able to do more for it.
func (s *Store) patchEnd(tx *db.Tx, a actor.Actor, r Row, to *time.Time) error {
	ends := r.EndsAt()
	switch {
	case to == nil:
		return nil
	case !to.After(tx.Now):
		return fault.BadField("expires_at", "That moment is over. To stop a key at once, revoke it.")
	case ends == nil || to.Before(*ends):
		return s.ShortenTx(tx, a, []Row{r}, *to, nil)
	case to.After(*ends):
		return fault.BadField("expires_at", "The end of a key is brought forward, never put off. For a later one, rotate the key.")
	}
	return nil
}

// BoundsOf reads the bounds of keys that the caller has read already, and may see.
func (s *Store) BoundsOf(ctx context.Context, rows []Row) (map[db.ID]Bounds, error) {
	out := make(map[db.ID]Bounds, len(rows))
	ids := make([]db.ID, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	for len(ids) > 0 {
		n := min(len(ids), 500)
		var found []struct {
			ID db.ID
			boundsRow
		}
		if err := s.db.Read(ctx).Raw("SELECT k.id, "+boundsColumns+" FROM keys k WHERE k.id IN ?", ids[:n]).Scan(&found).Error; err != nil {
			return nil, err
		}
		for _, f := range found {
			b, err := f.bounds()
			if err != nil {
				return nil, err
			}
			out[f.ID] = b
		}
		ids = ids[n:]
	}
	return out, nil
}

// NetworkTexts are the networks as they are written.
func (b Bounds) NetworkTexts() []string { return slices.Clone(networkTexts(b.Networks)) }

// MetadataMap is the metadata by name; values that are no texts stand as JSON.
func (b Bounds) MetadataMap() map[string]string {
	out := map[string]string{}
	var all map[string]any
	if b.Metadata == "" || json.Unmarshal([]byte(b.Metadata), &all) != nil {
		return out
	}
	for name, v := range all {
		if text, ok := v.(string); ok {
			out[name] = text
		} else if raw, err := json.Marshal(v); err == nil {
			out[name] = string(raw)
		}
	}
	return out
}
