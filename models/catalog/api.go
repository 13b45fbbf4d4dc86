package catalog

import (
	"context"
	"regexp"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/markdown"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Who sees an API.
const (
	Public   = "public"
	SignedIn = "signed_in"
	Invited  = "invited" // members of the organizations named for it
)

// Prefixes of the ids that people see.
const (
	Prefix        = "api"
	VersionPrefix = "ver"
	ScopePrefix   = "scp"
	RulePrefix    = "rule"
	PlanPrefix    = "plan"
	PresetPrefix  = "pre"
	AccessPrefix  = "acc"
)

// API is an entry of the catalogue. Its publisher is whose keys with keys:verify may ask about it.
type API struct {
	ID                db.ID
	Slug              string
	Name              string
	PublisherID       db.ID
	Summary           string
	Description       string // Markdown
	DataDomain        string // empty only for the portal's own: goes with any
	Visibility        string
	RefusesUndeclared bool
	IsPortal          bool
	Terms             string
	TermsVersion      int
	FirstCheckedAt    *time.Time // the first verification by a gateway
	LastCheckedAt     *time.Time
	// Until when refusals are passed over, marked: in both environments, or in one; nil: they refuse. See SetReportOnly and ReportsUntil.
	ReportOnlyUntil, ReportOnlyLiveUntil, ReportOnlyTestUntil *time.Time

	RetiredAt *time.Time
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Input is what staff says of an API. InvitedIDs count when Visibility is Invited.
type Input struct {
	Slug              string
	Name              string
	PublisherID       db.ID
	Summary           string
	Description       string
	DataDomain        string
	Visibility        string
	InvitedIDs        []db.ID
	RefusesUndeclared bool
}

var (
	slugForm   = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	domainForm = regexp.MustCompile(`^[a-z][a-z0-9]*([-_][a-z0-9]+)*$`)
)

func (in *Input) check() error {
	var p fault.Problems
	in.Name = org.CheckName(&p, "name", in.Name)
	p.Check(slugForm.MatchString(in.Slug) && len(in.Slug) <= 40, "slug", "A slug is lower-case letters, digits and single hyphens, at most 40 characters, such as orders or order-events.")
	in.Summary = org.CheckText(&p, "summary", in.Summary, 200)
	in.Description = org.CheckText(&p, "description", in.Description, 20000)
	if _, err := markdown.Render(in.Description, markdown.Options{}); err != nil {
		p.Add("description", "This text is nested too deep or has too many brackets.")
	}
	p.Check(domainForm.MatchString(in.DataDomain) && len(in.DataDomain) <= 40, "data_domain", "A data domain is a short label in lower case, such as customer or employee.")
	p.Check(in.Visibility == Public || in.Visibility == SignedIn || in.Visibility == Invited, "visibility", "Choose who sees this API.")
	p.Check(len(in.InvitedIDs) <= 500, "invited", "At most %d organizations can be invited.", 500)
	return p.Err()
}

// Create adds an API with its first version. Faults: Forbidden, Invalid, also for a slug that is taken.
func (s *Store) Create(ctx context.Context, a actor.Actor, in Input, version VersionInput) (API, error) {
	if err := org.RequireStaff(a, permission.StaffAPIsManage); err != nil {
		return API{}, err
	}
	if err := firstOf(in.check(), version.check("version", "state")); err != nil {
		return API{}, err
	}
	var api API
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		if err := publisherThere(tx, in.PublisherID); err != nil {
			return err
		}
		api = API{ID: db.NewID(), Slug: in.Slug, Name: in.Name, PublisherID: in.PublisherID, TermsVersion: 1}
		if _, err := tx.Run(`INSERT INTO apis (id, slug, name, publisher_id, summary, description, data_domain, visibility, refuses_undeclared, created_at, updated_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, api.ID, in.Slug, in.Name, in.PublisherID, in.Summary, in.Description, in.DataDomain, in.Visibility, in.RefusesUndeclared, tx.Now, tx.Now); err != nil {
			return taken(err, "slug", "Another API has this slug already.")
		}
		if err := setInvited(tx, api.ID, in); err != nil {
			return err
		}
		change.Record(tx, change.API, api.ID)
		audit.Record(tx, a, audit.Event{Act: audit.APICreated, TargetKind: "api", TargetID: api.ID, OrganizationID: in.PublisherID, Details: in.details()})
		if err := insertVersion(tx, a, api, version); err != nil {
			return err
		}
		return indexAPI(tx, api.ID)
	})
	return api, err
}

// firstOf joins the problems of several checks into one fault.
func firstOf(errs ...error) error {
	var all fault.Problems
	for _, err := range errs {
		if f := fault.As(err); f != nil && f.Kind == fault.Invalid {
			all = append(all, f.Problems...)
		} else if err != nil {
			return err
		}
	}
	return all.Err()
}

// taken makes a violated unique index an Invalid fault.
func taken(err error, field, sentence string) error {
	if db.Duplicate(err) {
		return fault.BadField(field, sentence)
	}
	return err
}

func publisherThere(tx *db.Tx, id db.ID) error {
	n, err := number(tx.DB, "SELECT COUNT(*) FROM organizations WHERE id = ? AND deleted_at IS NULL AND kind <> 'personal'", id)
	if err == nil && n == 0 {
		return fault.BadField("publisher", "Choose the organization that publishes this API.")
	}
	return err
}

func setInvited(tx *db.Tx, apiID db.ID, in Input) error {
	if _, err := tx.Run("DELETE FROM api_organizations WHERE api_id = ?", apiID); err != nil || in.Visibility != Invited || len(in.InvitedIDs) == 0 {
		return err
	}
	_, err := tx.Run(`INSERT INTO api_organizations (api_id, organization_id, created_at)
		SELECT x.id, o.id, x.updated_at FROM apis x, organizations o WHERE x.id = ? AND o.id IN ? AND o.deleted_at IS NULL`, apiID, in.InvitedIDs)
	return err
}

func (in Input) details() map[string]string {
	undeclared := "allowed"
	if in.RefusesUndeclared {
		undeclared = "refused"
	}
	return map[string]string{"slug": in.Slug, "name": in.Name, "publisher": in.PublisherID.Show(org.Prefix), "domain": in.DataDomain, "visibility": in.Visibility, "undeclared routes": undeclared}
}

// Change sets the facts of an API. The slug is fixed once a gateway has asked about it, and the data domain once a key has a grant on it, because
// a key has one domain for life; slug, publisher and domain of the portal's own API are fixed. Faults: Forbidden, NotFound, Conflict for a
// retired one, Invalid.
func (s *Store) Change(ctx context.Context, a actor.Actor, id db.ID, in Input) error {
	return s.manage(ctx, a, id, func(tx *db.Tx, api API) error {
		if api.IsPortal {
			in.Slug, in.PublisherID, in.DataDomain = api.Slug, api.PublisherID, "portal"
		}
		if err := firstOf(in.check(), s.fixed(tx, api, in)); err != nil {
			return err
		}
		if api.IsPortal {
			in.DataDomain = ""
		} else if err := publisherThere(tx, in.PublisherID); err != nil {
			return err
		}
		if _, err := tx.Run(`UPDATE apis SET slug = ?, name = ?, publisher_id = ?, summary = ?, description = ?, data_domain = ?, visibility = ?, refuses_undeclared = ?, updated_at = ? WHERE id = ?`,
			in.Slug, in.Name, in.PublisherID, in.Summary, in.Description, in.DataDomain, in.Visibility, in.RefusesUndeclared, tx.Now, id); err != nil {
			return taken(err, "slug", "Another API has this slug already.")
		}
		audit.Record(tx, a, audit.Event{Act: audit.APIChanged, TargetKind: "api", TargetID: id, OrganizationID: in.PublisherID, Details: in.details()})
		return setInvited(tx, id, in)
	})
}

func (s *Store) fixed(tx *db.Tx, api API, in Input) error {
	var p fault.Problems
	p.Check(in.Slug == api.Slug || api.FirstCheckedAt == nil, "slug", "A gateway asks about this API by its slug, so the slug stays %s.", api.Slug)
	if in.DataDomain != api.DataDomain && !api.IsPortal {
		n, err := number(tx.DB, "SELECT COUNT(*) FROM key_grants WHERE api_id = ?", api.ID)
		if err != nil {
			return err
		}
		p.Check(n == 0, "data_domain", "Keys were made for this API, and a key keeps its data domain for life, so it stays %s.", api.DataDomain)
	}
	return p.Err()
}

// SetTerms sets the terms that a requester agrees to; empty means none. Another text is a new version of them. Faults: as Change.
func (s *Store) SetTerms(ctx context.Context, a actor.Actor, id db.ID, terms string) error {
	return s.manage(ctx, a, id, func(tx *db.Tx, api API) error {
		var p fault.Problems
		terms = org.CheckText(&p, "terms", terms, 20000)
		if _, err := markdown.Render(terms, markdown.Options{}); err != nil {
			p.Add("terms", "This text is nested too deep or has too many brackets.")
		}
		if err := p.Err(); err != nil || terms == api.Terms {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.APIChanged, TargetKind: "api", TargetID: id, OrganizationID: api.PublisherID, Details: map[string]string{"changed": "terms"}})
		_, err := tx.Run("UPDATE apis SET terms = ?, terms_version = terms_version + 1, updated_at = ? WHERE id = ?", terms, tx.Now, id)
		return err
	})
}
