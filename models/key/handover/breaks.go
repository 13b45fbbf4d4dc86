package handover

import (
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
)

// Rule names what of a policy a key breaks, or will feel.
type Rule string

// The rules.
const (
	TooLong    Rule = "lifetime" // it lives longer than the policy lets a new one
	NoNetworks Rule = "networks" // it names no networks
	MayIdle    Rule = "idle"     // it is paused once it was not used for Days
	TooOld     Rule = "rotate"   // it must have been rotated within Days
)

// Break is a key that the policy of the target would not let be made as it is, or that is held to more there.
type Break struct {
	Key  key.Row
	Rule Rule
	Days int
}

// breaks lists what the target's own policy says of the app's keys beyond what holds for them anyway, and how many keys it allows an app, 0 for as many as one
// likes. A key with keys:verify keeps its freedom from ends and pauses. No key stops by this: rules about making hold for those made later.
func breaks(tx *db.Tx, appID, target db.ID) (out []Break, most int, err error) {
	book, err := policy.Load(tx.DB, tx.Now)
	if err != nil {
		return nil, 0, err
	}
	for _, n := range book.For(policy.Subject{OrganizationID: target}).PerApp {
		if n.Source.Kind == policy.Organization {
			most = n.Value
		}
	}
	rows, err := livingOf(tx, appID)
	if err != nil {
		return nil, 0, err
	}
	for _, r := range rows {
		subject := r.Subject()
		subject.OrganizationID = target
		out = append(out, r.against(book.For(subject), target)...)
	}
	return out, most, nil
}

// livingRow is a key with what a policy asks about.
type livingRow struct {
	key.Row
	verifier bool
	networks bool
}

func livingOf(tx *db.Tx, appID db.ID) ([]livingRow, error) {
	var ids []db.ID
	if err := tx.Raw("SELECT k.id FROM keys k WHERE k.app_id = ? AND "+living+" ORDER BY LOWER(k.name), k.id", appID, tx.Now, tx.Now).Scan(&ids).Error; err != nil {
		return nil, err
	}
	rows, err := key.RowsTx(tx, ids)
	if err != nil {
		return nil, err
	}
	if err := key.WithGrants(tx.DB, rows); err != nil {
		return nil, err
	}
	var bound []db.ID
	if err := tx.Raw("SELECT id FROM keys WHERE app_id = ? AND networks <> ''", appID).Scan(&bound).Error; err != nil {
		return nil, err
	}
	has := map[db.ID]bool{}
	for _, id := range bound {
		has[id] = true
	}
	out := make([]livingRow, len(rows))
	for i, r := range rows {
		out[i] = livingRow{Row: r, networks: has[r.ID]}
		for _, g := range r.Grants {
			out[i].verifier = out[i].verifier || g.Scope == key.VerifyScope
		}
	}
	return out, nil
}

func (r livingRow) against(e policy.Effective, target db.ID) []Break {
	of := func(s policy.Source) bool { return s.Kind == policy.Organization && s.ID == target }
	var out []Break
	add := func(rule Rule, days int) { out = append(out, Break{r.Row, rule, days}) }
	long := r.ExpiresAt != nil && e.Max.Value > 0 && r.ExpiresAt.Sub(r.CreatedAt) > time.Duration(e.Max.Value)*24*time.Hour+24*time.Hour // the end of a day in some zone
	switch {
	case r.verifier:
	case long && of(e.Max.Source), r.ExpiresAt == nil && !e.Never.On && of(e.Never.Source):
		add(TooLong, e.Max.Value)
	}
	if e.Networks.On && of(e.Networks.Source) && !r.networks {
		add(NoNetworks, 0)
	}
	if e.Idle.Value > 0 && of(e.Idle.Source) && !r.verifier {
		add(MayIdle, e.Idle.Value)
	}
	if e.Rotate.Value > 0 && of(e.Rotate.Source) && !r.verifier {
		add(TooOld, e.Rotate.Value)
	}
	return out
}
