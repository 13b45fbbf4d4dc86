package account

import (
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Welcome reports whether GATEHOUSE_SIGNUP lets somebody with this canonical address have an account. Faults: Forbidden, saying why not.
func (s *Store) Welcome(email string) error {
	switch policy := s.SignupPolicy(); {
	case policy.Policy == config.SignupClosed:
		return fault.New(fault.Forbidden, "Accounts here are made by the portal’s admins. Ask one of them.")
	case policy.Policy == config.SignupDomains && !slices.Contains(policy.Domains, domainOf(email)):
		return fault.New(fault.Forbidden, "Accounts here are for addresses at %s.", strings.Join(policy.Domains, ", "))
	}
	return nil
}

// directoryApprovals is how often in a day admins are mailed that an account waits which the directory of one organization made (L7).
const directoryApprovals = 10

// ProvisionTx makes the account of somebody whose address a provider or a mail has just shown to be theirs, by the sign-up setting, and ends the sign-ups of that
// address: whatever a stranger prepared with it is gone (A15). By says what brought them. Under GATEHOUSE_SIGNUP=approval the account waits for an admin. Faults:
// Forbidden, Invalid about "name", Conflict when the address has an account.
func (s *Store) ProvisionTx(tx *db.Tx, a actor.Actor, n NewUser, by map[string]string) (u User, waits bool, err error) {
	if err := s.Welcome(n.Email); err != nil {
		return User{}, false, err
	}
	var p fault.Problems
	n.Name = checkName(&p, "name", n.Name)
	if err := p.Err(); err != nil {
		return User{}, false, err
	}
	n.TimeZone = knownZone(n.TimeZone)
	n.Unapproved = s.SignupPolicy().Policy == config.SignupApproval
	if err := endSignups(tx, n.Email, db.ID{}); err != nil {
		return User{}, false, err
	}
	if u, err = s.AddUser(tx, n); err != nil {
		return User{}, false, err
	}
	if a.Kind != actor.Directory { // who brings others stays who did it
		a.Kind, a.UserID, a.Name = actor.User, u.ID, u.Name
	}
	audit.Record(tx, a, audit.Event{Act: audit.UserSignedUp, TargetKind: "user", TargetID: u.ID, Details: by, Personal: map[string]string{"email": u.Email}})
	if !n.Unapproved {
		return u, false, nil
	}
	if a.Kind == actor.Directory { // which makes many at once: the list of those who wait tells the rest
		if told, err := TakeTx(tx, "directory approvals of "+a.OrganizationID.String(), directoryApprovals, 24*time.Hour); err != nil || !told {
			return u, true, err
		}
	}
	return u, true, s.tellAdmins(tx, u)
}
