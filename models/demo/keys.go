package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// made is a key that the story made.
type made struct {
	credential
	id        db.ID
	at        time.Time  // made
	takesOver *made      // the key that it was rotated from
	ends      *time.Time // its expiry, or the end of its overlap
	text      string     // of a key that will be found where it should not be
}

// plotKeys lets developers make their keys, and lets happen what becomes of them.
func (f *filler) plotKeys() {
	for i, c := range credentials {
		var m *made
		minute := float64(i%20) / 30
		f.happens(f.at(c.made, 13+minute), "key "+c.name, func(ctx context.Context) (err error) {
			m, err = f.makeKey(ctx, c)
			return err
		})
		if c.fate.what != "" && c.fate.what != "silent" {
			f.happens(f.at(c.fate.ago, 16+minute), c.fate.what+" "+c.name, func(ctx context.Context) error { return f.befall(ctx, m) })
		}
	}
}

func (c credential) expiry() key.Expiry {
	if c.life == never {
		return key.Expiry{Never: true}
	}
	return key.Expiry{Days: c.life}
}

func (f *filler) makeKey(ctx context.Context, c credential) (*made, error) {
	var pairs []key.Pair
	for _, scope := range strings.Fields(c.scopes) {
		pairs = append(pairs, key.Pair{API: f.apiOf(scope).Slug, Scope: scope})
	}
	a := f.as(c.by)
	k, err := f.keys.Create(ctx, a, key.CreateRequest{
		Token: f.keys.NewFormToken(a, key.CreatePurpose()), AppID: f.apps[c.app], Environment: c.env, Name: c.name, Pairs: pairs, Expiry: c.expiry(),
	})
	if err != nil {
		return nil, err
	}
	m := &made{credential: c, id: k.Key.ID, at: f.clock.now, ends: k.Key.ExpiresAt}
	if c.fate.what == "leaked" {
		m.text = k.Secret.Reveal()
	}
	f.made = append(f.made, m)
	return m, nil
}

// apiOf is the API that has a scope; the demo's scopes have names of their own.
func (f *filler) apiOf(scope string) *shelved {
	for _, s := range f.products {
		if _, ok := s.scopes[scope]; ok {
			return s
		}
	}
	return &shelved{}
}

// befall lets happen to a key what its fate says.
func (f *filler) befall(ctx context.Context, m *made) error {
	by := m.fate.by
	if by == "" {
		by = m.by
	}
	a := f.as(by)
	switch m.fate.what {
	case "paused":
		return f.keys.Pause(ctx, a, m.id)
	case "suspended":
		return f.keys.Suspend(ctx, a, m.id, m.fate.reason, until(f.clock.now, m.fate.days))
	case "revoked":
		if a.StaffRole != "" {
			return f.keys.RevokeByStaff(ctx, a, m.id, m.fate.reason)
		}
		return f.keys.Revoke(ctx, a, m.id, m.fate.reason)
	case "rotated":
		return f.rotate(ctx, m)
	case "leaked":
		return f.report(ctx, m)
	}
	return errors.New("nothing is known of " + fmt.Sprintf("%+v", m.fate))
}

func (f *filler) rotate(ctx context.Context, m *made) error {
	a := f.as(m.by)
	k, err := f.keys.Rotate(ctx, a, m.id, key.RotateRequest{Token: f.keys.NewFormToken(a, key.RotatePurpose(m.id)), OverlapDays: m.fate.days, Expiry: m.expiry()})
	if err != nil {
		return err
	}
	end := f.clock.now.AddDate(0, 0, m.fate.days)
	m.ends = &end
	next := &made{credential: m.credential, id: k.Key.ID, at: f.clock.now, takesOver: m, ends: k.Key.ExpiresAt}
	next.fate = fate{}
	f.made = append(f.made, next)
	return nil
}
