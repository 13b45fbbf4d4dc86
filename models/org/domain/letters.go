package domain

import (
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// removals of an organization in providerWindow that are told: who proves a domain and removes it again and again writes no mail without end (L7).
const removals = 10

// path is where the domains of an organization are managed.
func path(organizationID db.ID) string {
	return "/console/organizations/" + organizationID.Show(org.Prefix) + "/domains"
}

// tell writes to the owners and admins of the claim's organization. A letter without a button leads to the domain.
func (s *Store) tell(tx *db.Tx, d Domain, l outbox.Letter) error {
	to, err := org.Managers(tx, d.OrganizationID)
	if l.Button == nil {
		button := outbox.L("See the domain")
		l.Button, l.URL = &button, s.link(path(d.OrganizationID)+"/"+d.ID.Show(Prefix))
	}
	for _, r := range to {
		if err == nil {
			l.To, l.UserID, l.Language, l.TimeZone = r.Email, r.ID, r.Language, r.TimeZone
			err = s.outbox.Queue(tx, l)
		}
	}
	return err
}

// tellLost says what a domain gave that is not proven any more.
func (s *Store) tellLost(tx *db.Tx, d Domain) error {
	l := outbox.Letter{
		Kind: "domain_lost", Subject: outbox.L("Your organization lost a domain"),
		Lines: []outbox.Line{
			outbox.L("The TXT record of %v was gone for too long. Nobody joins by an address there any more, and nobody has to sign in by a provider for it.", d.Name),
			outbox.L("Who has no password chooses one by “I forgot my password”."),
		},
	}
	stops, err := directoryStops(tx, d)
	if err != nil {
		return err
	}
	if stops {
		l.Lines = append(l.Lines, refusedDirectory)
	}
	l.Lines = append(l.Lines, outbox.L("Members stay members. Put the record back and check it to prove the domain again."))
	return s.tell(tx, d, l)
}

// tellRemoved says what somebody ended by removing a domain: the rule by which people sign in, or the directory. It is called once the claim is gone.
func (s *Store) tellRemoved(tx *db.Tx, a actor.Actor, d Domain) error {
	if !d.Proven() {
		return nil
	}
	stops, err := directoryStops(tx, d)
	if err != nil || d.Provider == "" && !stops {
		return err
	}
	if told, err := account.TakeTx(tx, "domain removals of "+d.OrganizationID.String(), removals, providerWindow); err != nil || !told { // what is done is done without a letter
		return err
	}
	button := outbox.L("See the domains")
	l := outbox.Letter{
		Kind: "domain_removed", Subject: outbox.L("A domain of your organization was removed"), Button: &button, URL: s.link(path(d.OrganizationID)),
		Lines: []outbox.Line{outbox.L("%[1]s removed the domain %[2]v from your organization.", a.Name, d.Name)},
	}
	if d.Provider != "" {
		l.Lines = append(l.Lines, outbox.L("Nobody with an address at %v has to sign in by a provider any more.", d.Name), outbox.L("Who has no password chooses one by “I forgot my password”."))
	}
	if stops {
		l.Lines = append(l.Lines, refusedDirectory)
	}
	return s.tell(tx, d, l)
}

var refusedDirectory = outbox.L("The directory is refused: nobody is added, and who leaves your company stays a member until somebody removes them here.")

// directoryStops reports whether the domain was the last that its organization has proven, and a token of its directory lives: it opens nothing from then on.
func directoryStops(tx *db.Tx, d Domain) (bool, error) {
	var n int64
	err := tx.Raw(`SELECT COUNT(*) FROM scim_tokens t WHERE t.organization_id = ? AND t.revoked_at IS NULL AND t.expires_at > ?
		AND NOT EXISTS (SELECT 1 FROM domains o WHERE o.organization_id = t.organization_id AND o.proven_at IS NOT NULL AND o.id <> ?)`, d.OrganizationID, tx.Now, d.ID).Scan(&n).Error
	return n > 0, err
}
