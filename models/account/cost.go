package account

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/password"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/setting"
)

// passesSetting holds how many passes a new hash takes. It is kept with the data, so that all replicas hash alike: else a hash would tell by its time
// at which one it was made.
const passesSetting = "password_passes"

// KnownCost has passwords hashed with as many passes as the installation has been found to bear.
func (s *Store) KnownCost(ctx context.Context) error {
	var passes uint32
	if found, err := setting.Get(ctx, s.db, passesSetting, &passes); err != nil || !found {
		return err
	}
	return s.SetPasses(passes)
}

// SetPasses has passwords hashed with that many passes from now on. Fails with password.ErrParams.
func (s *Store) SetPasses(passes uint32) error {
	p := s.hasher.Cost()
	p.Time = passes
	return s.hasher.SetCost(p)
}

// CalibrateCost measures what a hash costs here and raises it, for all replicas, where it is too little. It returns what it costs now.
func (s *Store) CalibrateCost(ctx context.Context, now func() time.Time) (password.Params, error) {
	measured := password.Calibrate(s.hasher.Cost(), s.hasher.Compute, now)
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		var kept uint32
		if _, err := setting.GetTx(tx, passesSetting, &kept); err != nil {
			return err
		}
		if kept >= measured.Time {
			measured.Time = kept // another replica was there first, and faster
			return nil
		}
		return setting.Put(tx, passesSetting, measured.Time)
	})
	if err != nil {
		return s.hasher.Cost(), err
	}
	return measured, s.SetPasses(measured.Time)
}
