package staff

import (
	"context"
	"strconv"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/setting"
)

// SetPortal changes the portal's name, hue and footer. Faults: Forbidden, Invalid.
func (s *Store) SetPortal(ctx context.Context, a actor.Actor, in setting.Portal) error {
	if !a.Trusted() && !permission.Staff(a.StaffRole, permission.StaffPolicyManage) {
		return fault.Lacking(string(permission.StaffPolicyManage), "")
	}
	in.Name, in.Footer = strings.TrimSpace(in.Name), strings.TrimSpace(in.Footer)
	var p fault.Problems
	p.Check(named(in.Name), "name", "Enter a name for the portal, at most 80 characters.")
	p.Check(in.Hue >= 0 && in.Hue <= 360, "hue", "A hue is a number from 1 to 360, or 0 for the built-in one.")
	p.Check(len([]rune(in.Footer)) <= 200, "footer", "A footer has at most 200 characters.")
	audit.NoKey(&p, "name", in.Name)
	audit.NoKey(&p, "footer", in.Footer)
	if err := p.Err(); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		var old setting.Portal
		if _, err := setting.GetTx(tx, setting.PortalName, &old); err != nil {
			return err
		}
		in.SetUpAt = old.SetUpAt
		audit.Record(tx, a, audit.Event{Act: audit.PortalChanged, TargetKind: "setting", Details: map[string]string{"name": in.Name, "hue": strconv.Itoa(in.Hue)}})
		return setting.Put(tx, setting.PortalName, in)
	})
}
