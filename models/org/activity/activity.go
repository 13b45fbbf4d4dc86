// Package activity reads from the audit log what was done in one organization, as its admins may see it: who of theirs did what to which of their things.
// Of others they learn what was done, and not who they are.
package activity

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Nouns are those whose acts an organization sees. What staff do about the catalogue or in the forum is not among them.
var Nouns = []string{"key.", "app.", "access.", "member.", "organization.", "leak.", "calendar.", "invitation.", "share.", "domain.", "directory."}

// By says what somebody is to the organization.
type By string

// Who can have done something.
const (
	Member   By = "member"
	Former   By = "former"    // a member once
	Program  By = "program"   // with a key of the organization
	Director By = "directory" // that the organization lets say who belongs to it
	Sharer   By = "share"     // of another organization, by a share of an app
	Staff    By = "staff"     // of the portal: never named
	Portal   By = "portal"    // by itself, or by its operator
	Stranger By = "stranger"  // neither: somebody who opened a link, or who pasted a key
)

// Event is one act.
type Event struct {
	ID         db.ID
	At         time.Time
	Act        string
	Refused    bool
	By         By
	ActorID    db.ID             // of a member, a former one or a program; zero for the others
	Name       string            // of these; empty once it was erased; of a sharer that of their organization
	Network    string            // from where a member or a program did it, cut to /24 or /48
	TargetKind string            // key, app, access, user, organization
	TargetID   db.ID             // what it was done to
	TargetName string            // what that was called then, or is called now
	Own        bool              // it is still the organization's, and can be looked at
	With       string            // what the organization of the fact "with" is called, when this one knows it
	Shared     string            // what the app of the fact "share" is called, when this one knows it
	Facts      map[string]string // of FactNames, and of some acts what was before and what is now
	RequestID  string
}

// ActorKind is what the audit log calls somebody of whom ActorID tells.
func (e Event) ActorKind() string {
	switch e.By {
	case Program:
		return string(actor.Key)
	case Director:
		return string(actor.Directory)
	}
	return string(actor.User)
}

// FactNames are the details that an organization sees. Those that are not here are for staff.
var FactNames = []string{
	"hint", "environment", "expires", "grants", "reason", "until", "ends", "cause", "plan", "scopes", "scope", "api", "role", "keys", "widens", "overlap_days",
	"networks", "networks_before", "networks_after", "origins", "origins_before", "origins_after", "rate", "rate_before", "rate_after",
	"metadata", "metadata_before", "metadata_after", "word", "changed", "members_added", "members_removed", "access_kept", "access_waits", "by", "begins", "domain", "rights", "with", "share",
}

// changeNames are the details "from" and "to", which an organization sees of the acts below alone: of others they may be the ids of organizations that are not told of.
var changeNames = []string{"from", "to"}

var changes = []audit.Act{audit.MemberRoleChanged, audit.DomainJoinSet, audit.DomainProviderSet, audit.DirectoryUserChanged}

// factsOf are the details of an act that an organization sees.
func factsOf(e audit.Entry) map[string]string {
	out := map[string]string{}
	for _, name := range slices.Concat(FactNames, changeNames) {
		v, ok := e.Facts[name]
		if ok && (!slices.Contains(changeNames, name) || slices.Contains(changes, audit.Act(e.Act))) {
			out[name] = v
		}
	}
	return out
}

// Filter narrows the list. Zero fields do not narrow.
type Filter struct {
	Noun     string // one of Nouns
	Actor    db.ID
	Target   db.ID
	From, To time.Time // [From, To)
}

// Store reads. Safe for concurrent use.
type Store struct{ db *db.DB }

// NewStore makes a store.
func NewStore(d *db.DB) *Store { return &Store{db: d} }

func (f Filter) of(a actor.Actor, organization db.ID) audit.Filter {
	nouns := Nouns
	if slices.Contains(Nouns, f.Noun) {
		nouns = []string{f.Noun}
	}
	narrow := audit.Filter{OrganizationID: organization, Nouns: nouns, ActorID: f.Actor, TargetID: f.Target, From: f.From, To: f.To}
	narrow.Besides, narrow.BesidesArgs = reached(a)
	return narrow
}

// reached leaves out what is done in apps that are limited to others, and what keys of theirs do: a program does not reach them. Who else reads this is an admin, and does.
func reached(a actor.Actor) (condition string, args []any) {
	if !a.Program() {
		return "", nil
	}
	hidden, one := a.Hidden()
	keys := "SELECT h.id FROM keys h WHERE h.app_id IN " + hidden
	condition = "COALESCE(target_id NOT IN (SELECT h.id FROM apps h WHERE h.id IN " + hidden + " UNION ALL " + keys + " UNION ALL SELECT h.id FROM access h WHERE h.app_id IN " + hidden +
		" UNION ALL SELECT h.id FROM app_shares h WHERE h.app_id IN " + hidden + "), TRUE) AND COALESCE(actor_id NOT IN (" + keys + "), TRUE)"
	for range 5 {
		args = append(args, one...)
	}
	return condition, args
}

// List reads a page, newest first. Faults: NotFound for who is no member, Forbidden for a member who is no admin.
func (s *Store) List(ctx context.Context, a actor.Actor, organization db.ID, f Filter, r db.PageRequest) (db.Page[Event], error) {
	if _, err := org.Require(s.db.Read(ctx), a, organization, permission.ActivityRead); err != nil {
		return db.Page[Event]{}, err
	}
	if told, err := s.told(ctx, a, organization, f.Actor); err != nil || !told {
		return db.Page[Event]{}, err
	}
	page, err := audit.List(ctx, s.db, f.of(a, organization), r)
	if err != nil {
		return db.Page[Event]{}, err
	}
	events, err := s.seen(ctx, a, organization, page.Rows)
	return db.Page[Event]{Rows: events, Next: page.Next, Previous: page.Previous, Sort: page.Sort}, err
}

const batch = 500

// Each calls fn for every event that fits, oldest first: for downloads. Faults: as List.
func (s *Store) Each(ctx context.Context, a actor.Actor, organization db.ID, f Filter, fn func(Event) error) error {
	if _, err := org.Require(s.db.Read(ctx), a, organization, permission.ActivityRead); err != nil {
		return err
	}
	if told, err := s.told(ctx, a, organization, f.Actor); err != nil || !told {
		return err
	}
	var waiting []audit.Entry
	pass := func() error {
		events, err := s.seen(ctx, a, organization, waiting)
		if err != nil {
			return err
		}
		for _, e := range events {
			if err := fn(e); err != nil {
				return err
			}
		}
		waiting = waiting[:0]
		return nil
	}
	err := audit.Each(ctx, s.db, f.of(a, organization), func(e audit.Entry) error {
		if waiting = append(waiting, e); len(waiting) < batch {
			return nil
		}
		return pass()
	})
	if err != nil {
		return err
	}
	return pass()
}

// told reports whether the organization is told who acted when it was that one. What others did is read without who they are, so asking for one of them finds nothing:
// else whoever has a guess could try it (Z3).
func (s *Store) told(ctx context.Context, a actor.Actor, organization, who db.ID) (bool, error) {
	if who.IsZero() {
		return true, nil
	}
	var asked audit.Entry
	asked.ActorID = &who
	known, err := s.known(ctx, a, organization, []audit.Entry{asked})
	_, own := known.names[who]
	return own || known.former[who], err
}

// seen makes of entries what the organization may see of them.
func (s *Store) seen(ctx context.Context, a actor.Actor, organization db.ID, entries []audit.Entry) ([]Event, error) {
	known, err := s.known(ctx, a, organization, entries)
	if err != nil {
		return nil, err
	}
	out := make([]Event, len(entries))
	for i, e := range entries {
		out[i] = Event{
			ID: e.ID, At: e.At, Act: e.Act, Refused: e.Result == audit.Refused, TargetKind: e.TargetKind, TargetID: db.Deref(e.TargetID), RequestID: e.RequestID,
			Facts: factsOf(e),
		}
		known.name(&out[i], e)
	}
	return out, nil
}

// name says who it was, and what it was done to.
func (k known) name(out *Event, e audit.Entry) {
	id := db.Deref(e.ActorID)
	out.By = k.by(actor.Kind(e.ActorKind), id)
	switch out.By {
	case Member, Program:
		out.ActorID, out.Name = id, k.names[id]
		if addr, err := netip.ParseAddr(e.Who["address"]); err == nil {
			out.Network = actor.Network(addr)
		}
	case Former, Director:
		out.ActorID, out.Name = id, e.Who["actor"]
	case Stranger, Staff:
		if e.Facts["share"] != "" && actor.Kind(e.ActorKind) == actor.User {
			out.By, out.Name = Sharer, k.sharers[e.Facts["with"]]
		}
	}
	out.With, out.Shared = k.sharers[e.Facts["with"]], k.shared[e.Facts["share"]]
	switch e.TargetKind {
	case "user": // what an act on a person calls a name is another thing's
	case "domain":
		out.TargetName = cmp.Or(e.Facts["name"], e.Facts["domain"])
	default:
		out.TargetName = e.Facts["name"]
	}
	target := db.Deref(e.TargetID)
	name, own := k.names[target]
	if out.Own = own; own && out.TargetName == "" {
		out.TargetName = name
	}
	if out.TargetName == "" && k.former[target] {
		out.TargetName = k.formerNames[target]
	}
}

func (k known) by(kind actor.Kind, id db.ID) By {
	_, own := k.names[id]
	switch {
	case kind == actor.System || kind == actor.Operator:
		return Portal
	case kind == actor.Key && own:
		return Program
	case kind == actor.Directory:
		return Director
	case kind == actor.User && own:
		return Member
	case kind == actor.User && k.former[id]:
		return Former
	case kind == actor.User && k.staff[id]:
		return Staff
	}
	return Stranger
}
