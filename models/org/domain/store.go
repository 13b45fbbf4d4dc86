// Package domain lets organizations prove that a domain is theirs, by a TXT record. Who has a verified address there may then join by themselves, if
// the owners say so, and may have to sign in by a provider. A proof covers the domain itself, not those below it, belongs to one organization at a time,
// and is looked for again each day.
package domain

import (
	"context"
	"strings"
	"time"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Prefix is how ids of claims are shown.
const Prefix = "dom"

// How a proof is written: a TXT record of this label under the domain holds this word and the token.
const (
	Label = "_gatehouse-challenge"
	Word  = "gatehouse-domain-verification="
)

// Times of proofs.
const (
	Again     = 24 * time.Hour      // how often a proven domain is looked for
	Patience  = 7 * 24 * time.Hour  // for how long a proof outlives its record
	Endurance = 30 * 24 * time.Hour // for how long it outlives answers: no word from DNS is not the same as no record
)

// Bounds against lists and questions without end (L7).
const (
	MaxDomains = 20 // of one organization
	maxChecks  = 30 // of one organization in a window, by hand
	window     = time.Hour
)

// Options of a Store.
type Options struct {
	DB     *db.DB
	Outbox *outbox.Outbox
	Link   func(path string) string // absolute address under the base URL
	DNS    DNS

	Providers []Provider
}

// Store keeps domains. Safe for concurrent use.
type Store struct {
	db     *db.DB
	outbox *outbox.Outbox
	link   func(string) string
	dns    DNS

	providers []Provider
}

// NewStore makes a store.
func NewStore(o Options) *Store {
	return &Store{db: o.DB, outbox: o.Outbox, link: o.Link, dns: o.DNS, providers: o.Providers}
}

// Domain is a claim of an organization.
type Domain struct {
	ID             db.ID
	OrganizationID db.ID
	Name           string // as accounts keep addresses: lower case, IDNA's ASCII form
	Token          string
	ProvenAt       *time.Time // nil: not proven, or lost
	CheckedAt      *time.Time
	Finding        Finding
	MissingSince   *time.Time // of a proven one: the first check in a row that did not find the record
	LostAt         *time.Time
	JoinRole       string     // as what people with an address there may join; "": they may not
	Provider       string     // by which they must sign in; "": by any means
	ProviderAwayAt *time.Time // of one with a Provider: since when the settings don't offer it for the domain, so that nobody must
	CreatedAt      time.Time
}

// Proven reports whether the domain is the organization's now.
func (d Domain) Proven() bool { return d.ProvenAt != nil }

// Record is the name and the value of the TXT record that proves the claim.
func (d Domain) Record() (name, value string) { return Label + "." + d.Name, Word + d.Token }

// Shown is the name as people write it.
func (d Domain) Shown() string {
	if shown, err := idna.Display.ToUnicode(d.Name); err == nil {
		return shown
	}
	return d.Name
}

// EndsAt is when the proof ends unless the record is back; zero while it is there.
func (d Domain) EndsAt() time.Time {
	if d.MissingSince == nil {
		return time.Time{}
	}
	if d.Finding == Unreachable {
		return d.MissingSince.Add(Endurance)
	}
	return d.MissingSince.Add(Patience)
}

// Canonical is the form in which a domain is kept and compared. Faults: Invalid about "domain".
func Canonical(text string) (string, error) {
	text = strings.TrimSuffix(strings.TrimPrefix(strings.ToLower(strings.TrimSpace(text)), "@"), ".")
	wrong := fault.BadField("domain", "Enter a domain, such as example.com.")
	if text == "" || len(text) > 4*253 {
		return "", wrong
	}
	ascii, err := idna.Lookup.ToASCII(text)
	if err != nil || !plain(ascii) {
		return "", wrong
	}
	if suffix, _ := publicsuffix.PublicSuffix(ascii); suffix == ascii {
		return "", fault.BadField("domain", "Anybody can have a name under %s, so it can’t belong to one organization. Enter a domain of your own.", ascii)
	}
	return ascii, nil
}

// plain takes host names of at least two labels that are no IP address and leave room for the record's label.
func plain(name string) bool {
	labels := strings.Split(name, ".")
	if len(labels) < 2 || len(name)+len(Label)+1 > 253 || !strings.ContainsFunc(labels[len(labels)-1], func(r rune) bool { return r < '0' || r > '9' }) {
		return false
	}
	for _, l := range labels {
		if l == "" || len(l) > 63 || strings.HasPrefix(l, "-") || strings.HasSuffix(l, "-") || strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}

// proven reads proofs d of organizations o that are there.
const proven = "SELECT d.* FROM domains d JOIN organizations o ON o.id = d.organization_id AND o.deleted_at IS NULL WHERE d.proven_at IS NOT NULL "

// Of is the organization that has proven the domain of an address, in the form in which accounts keep it, and the provider by which it wants its people to sign in, ""
// for any (Store.Binding says whether they must). Not ok: nobody has. q is a transaction's DB, or db.DB's Read. Whether the address is verified is the caller's to check.
func Of(q *gorm.DB, address string) (organizationID db.ID, providerName string, ok bool, err error) {
	d, ok, err := of(q, address)
	return d.OrganizationID, d.Provider, ok, err
}

// of is Of with all of the domain.
func of(q *gorm.DB, address string) (Domain, bool, error) {
	name := domainOf(address)
	if name == "" {
		return Domain{}, false, nil
	}
	var rows []Domain
	if err := q.Raw(proven+"AND d.name = ?", name).Scan(&rows).Error; err != nil || len(rows) == 0 {
		return Domain{}, false, err
	}
	return rows[0], true, nil
}

// domainOf is what stands behind the @ of an address; "" of what is none.
func domainOf(address string) string {
	if at := strings.LastIndexByte(address, '@'); at > 0 {
		return address[at+1:]
	}
	return ""
}

func list(q *gorm.DB, organizationID db.ID) (rows []Domain, err error) {
	err = q.Raw("SELECT * FROM domains WHERE organization_id = ? ORDER BY name LIMIT ?", organizationID, MaxDomains).Scan(&rows).Error
	return rows, err
}

// one reads a claim of an organization. Faults: NotFound.
func one(q *gorm.DB, organizationID, id db.ID) (Domain, error) {
	var rows []Domain
	if err := q.Raw("SELECT * FROM domains WHERE organization_id = ? AND id = ?", organizationID, id).Scan(&rows).Error; err != nil {
		return Domain{}, err
	}
	if len(rows) == 0 {
		return Domain{}, fault.Missing()
	}
	return rows[0], nil
}

// List is the domains of an organization by name. Faults: NotFound, Forbidden below owner.
func (s *Store) List(ctx context.Context, a actor.Actor, organizationID db.ID) ([]Domain, error) {
	q := s.db.Read(ctx)
	if _, err := org.Require(q, a, organizationID, permission.DomainsManage); err != nil {
		return nil, err
	}
	return list(q, organizationID)
}

// Get reads one domain. Faults: NotFound, Forbidden below owner.
func (s *Store) Get(ctx context.Context, a actor.Actor, organizationID, id db.ID) (Domain, error) {
	q := s.db.Read(ctx)
	if _, err := org.Require(q, a, organizationID, permission.DomainsManage); err != nil {
		return Domain{}, err
	}
	return one(q, organizationID, id)
}
