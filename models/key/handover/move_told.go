package handover

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// details are what the audit logs hold of the move: what went with the app, what did not, and what is asked of its keys now.
func (m Move) details() map[string]string {
	out := map[string]string{"name": m.App.Name, "from": m.From.ID.Show(org.Prefix), "to": m.To.ID.Show(org.Prefix), "keys": strconv.FormatInt(m.Keys, 10)}
	lists, rules := map[string][]string{}, map[string]int{}
	for _, x := range m.Access {
		if x.waits() {
			lists["access_waits"] = append(lists["access_waits"], x.APIName)
		} else {
			lists["access_kept"] = append(lists["access_kept"], x.APIName+" ("+x.PlanName+")")
		}
		if x.TermsVersion > 0 {
			lists["terms_agreed"] = append(lists["terms_agreed"], fmt.Sprintf("%s v%d", x.APIName, x.TermsVersion))
		}
	}
	for _, b := range m.Breaks {
		rules[string(b.Rule)]++
	}
	for _, rule := range slices.Sorted(maps.Keys(rules)) {
		lists["policy"] = append(lists["policy"], rule+" "+strconv.Itoa(rules[rule]))
	}
	for name, list := range lists {
		out[name] = strings.Join(list, ", ")
	}
	return out
}

// waits reports whether staff decide about it for the new organization.
func (x MovedAccess) waits() bool { return x.Anew || x.State == catalog.Requested }

// tellMoved mails the admins of both organizations, and those of the publishers of the APIs, each once.
func (s *Store) tellMoved(tx *db.Tx, m Move) error {
	told := map[db.ID]bool{}
	for _, o := range []Place{m.From, m.To} {
		l := outbox.Letter{Kind: "app_moved", Subject: outbox.L("An app was moved to another organization")}
		l.Lines = append([]outbox.Line{m.moved()}, waiting(m.Access)...)
		button := outbox.L("Open the console")
		l.Button, l.URL = &button, s.link("/console/apps?org="+o.ID.Show(org.Prefix))
		if err := s.tellManagers(tx, o.ID, m.App.ID, l, told); err != nil {
			return err
		}
	}
	of := map[db.ID][]MovedAccess{}
	var order []db.ID
	for _, x := range m.Access {
		if x.Portal || x.State == catalog.Requested {
			continue
		}
		if of[x.PublisherID] == nil {
			order = append(order, x.PublisherID)
		}
		of[x.PublisherID] = append(of[x.PublisherID], x)
	}
	for _, publisher := range order {
		l := outbox.Letter{Kind: "app_moved_publisher", Subject: outbox.L("An app that uses your API was moved to another organization")}
		l.Lines = append([]outbox.Line{m.moved(), outbox.L("It uses APIs of yours: %s.", names(of[publisher]))}, waiting(of[publisher])...)
		button := outbox.L("Open the console")
		l.Button, l.URL = &button, s.link("/console")
		if err := s.tellManagers(tx, publisher, m.App.ID, l, told); err != nil {
			return err
		}
	}
	return nil
}

// tellManagers mails those who were not told yet, and from whom the app is not hidden.
func (s *Store) tellManagers(tx *db.Tx, organization, app db.ID, l outbox.Letter, told map[db.ID]bool) error {
	to, err := org.Managers(tx, organization, app)
	if err != nil {
		return err
	}
	to = slices.DeleteFunc(to, func(r org.Recipient) bool { return told[r.ID] })
	for _, r := range to {
		told[r.ID] = true
	}
	return s.write(tx, to, l)
}

func (m Move) moved() outbox.Line {
	return outbox.L("The app %[1]s was moved from %[2]s to %[3]s, with its keys, its access and its usage.", m.App.Name, m.From.Name, m.To.Name)
}

// tellDeciders mails staff which requests are of another organization now.
func (s *Store) tellDeciders(tx *db.Tx, m Move) error {
	to, err := catalog.Deciders(tx)
	if err != nil {
		return err
	}
	l := outbox.Letter{Kind: "access_moved", Subject: outbox.L("Access waits again, for another organization")}
	l.Lines = append([]outbox.Line{m.moved()}, waiting(m.Access)...)
	button := outbox.L("See the requests")
	l.Button, l.URL = &button, s.link("/admin/requests?state=requested")
	return s.write(tx, to, l)
}

func names(list []MovedAccess) string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = x.APIName
	}
	return strings.Join(out, ", ")
}

// waiting says to which of the APIs access waits; that keys work on when none does.
func waiting(list []MovedAccess) []outbox.Line {
	waits := slices.DeleteFunc(slices.Clone(list), func(x MovedAccess) bool { return !x.waits() })
	if len(waits) == 0 {
		return []outbox.Line{outbox.L("Its keys work on.")}
	}
	return []outbox.Line{outbox.L("Its access to %s waits for the portal’s staff to decide for the new organization. Its keys work on elsewhere.", names(waits))}
}
