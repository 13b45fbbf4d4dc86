package demo

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key/leak"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
)

// unowned is the key of Marta's for which nobody answers since she left Kestrel: what needs an owner is seen on the console.
const unowned = "CI"

// plotCare lets happen what people have to look after: a stricter policy of one API, and a member who leaves keys behind.
func (f *filler) plotCare() {
	f.happens(f.at(9, 11), "policy of customers", func(ctx context.Context) error {
		of := policy.Source{Kind: policy.API, ID: f.products["customers"].id}
		return f.setPolicy(ctx, "jonas", of, policy.Rules{DefaultDays: new(60), MaxDays: new(180), KeysPerApp: new(10)})
	})
	f.happens(f.at(2, 17), "marta leaves", func(ctx context.Context) error {
		return f.handover.Leave(ctx, f.as("marta"), f.companies["kestrel"])
	})
	f.happens(f.at(1, 9), "marta's keys", f.takeOver)
}

// takeOver lets Helen say that Dev answers for what Marta left behind, but for one key.
func (f *filler) takeOver(ctx context.Context) error {
	var left []db.ID
	err := f.db.Read(ctx).Raw(`SELECT k.id FROM keys k JOIN apps a ON a.id = k.app_id WHERE a.organization_id = ? AND k.created_by = ? AND k.name <> ?
		AND k.revoked_at IS NULL AND k.overlap_ends_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > ?) ORDER BY k.created_at, k.id`,
		f.companies["kestrel"], f.users["marta"].ID, unowned, f.clock.now).Scan(&left).Error
	for _, id := range left {
		if err == nil {
			err = f.handover.Confirm(ctx, f.as("helen"), id, f.users["dev"].ID)
		}
	}
	return err
}

// report lets GitHub find a key in a public repository.
func (f *filler) report(ctx context.Context, m *made) error {
	_, err := f.leaks.Deliver(ctx, []byte(m.name), []leak.Match{{Token: m.text, URL: m.fate.reason, Source: "commit"}})
	return err
}
