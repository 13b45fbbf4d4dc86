package handover

import (
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// UnbindTx removes somebody from the organization whose rule for signing in their account gets out of, as part of the caller's transaction, and tells its owners and admins. Not
// out: they are no member, or its last owner, who stays (Z5).
func (s *Store) UnbindTx(tx *db.Tx, u account.User, b account.Binding) (out bool, err error) {
	if err := org.LockMembers(tx, b.OrganizationID); err != nil {
		return false, err
	}
	err = s.DepartTx(tx, actor.ForSystem(), b.OrganizationID, u.ID)
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Conflict) { // found before anything was written
		return false, nil
	}
	if err != nil {
		return false, err
	}
	to, err := org.Managers(tx, b.OrganizationID)
	if err != nil {
		return false, err
	}
	button := outbox.L("See the organization")
	return true, s.write(tx, to, outbox.Letter{
		Kind: "member_unbound", Subject: outbox.L("Somebody is no longer a member of your organization"),
		Lines: []outbox.Line{
			outbox.L("The account of %s no longer uses the address %v: somebody restored the one from before, for which %s does not vouch.", u.Name, u.Email, b.Label),
			outbox.L("So they are no longer a member. Invite them again if they are to be one with their other address."),
		},
		Button: &button, URL: s.link("/console/organizations/" + b.OrganizationID.Show(org.Prefix)),
	})
}
