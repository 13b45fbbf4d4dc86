package catalog

import (
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// What a requester is told. Each line takes the app and the API.
var (
	approvedSubject  = text.N("Your access is approved")
	approvedLine     = text.N("%[1]s may use %[2]s now. Create a key, and make the first call.")
	refusedSubject   = text.N("Your request was refused")
	refusedLine      = text.N("The request of %[1]s for %[2]s was refused.")
	suspendedSubject = text.N("Your access is suspended")
	suspendedLine    = text.N("%[1]s can’t use %[2]s until the suspension ends: its keys are refused there.")
	endedSubject     = text.N("Your access has ended")
	endedLine        = text.N("%[1]s can’t use %[2]s any more: its keys are refused there.")
)

// tellRequester writes to whoever asked for the access, while they may be told of the app; when nobody did or they may not, to those who manage the organization.
func (s *Store) tellRequester(tx *db.Tx, x AccessRow, kind, subject, line, reason string) error {
	to, err := org.PersonOrManagers(tx, x.OrganizationID, x.AppID, x.RequestedBy)
	if err != nil {
		return err
	}
	button := outbox.L("Open the app")
	letter := outbox.Letter{
		Kind: kind, Subject: outbox.L(subject), Lines: []outbox.Line{outbox.L(line, x.AppName, x.APIName)},
		Button: &button, URL: s.link("/console/apps/" + x.AppID.Show(org.AppPrefix)),
	}
	if reason != "" {
		letter.Lines = append(letter.Lines, outbox.L("Reason: %s", reason))
	}
	return s.send(tx, letter, to)
}

// tellStaff writes to staff who may decide, at most 20, that a request waits.
func (s *Store) tellStaff(tx *db.Tx, x Access, app org.App, o org.Organization, api API) error {
	to, err := Deciders(tx)
	if err != nil {
		return err
	}
	button := outbox.L("Open the request")
	return s.send(tx, outbox.Letter{
		Kind: "access_requested", Subject: outbox.L("A request for access waits"),
		Lines:  []outbox.Line{outbox.L("%[1]s of %[2]s asks for access to %[3]s.", app.Name, o.Name, api.Name), outbox.L("Purpose: %s", x.Purpose)},
		Button: &button, URL: s.link("/admin/requests/" + x.ID.Show(AccessPrefix)),
	}, to)
}

func (s *Store) send(tx *db.Tx, letter outbox.Letter, to []org.Recipient) error {
	for _, r := range to {
		letter.To, letter.UserID, letter.Language, letter.TimeZone = r.Email, r.ID, r.Language, r.TimeZone
		if err := s.outbox.Queue(tx, letter); err != nil {
			return err
		}
	}
	return nil
}
