package key

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// MaxName is the most characters of a key's name.
const MaxName = 80

// CreateRequest is what a developer asks for.
type CreateRequest struct {
	Token       string // of NewFormToken(CreatePurpose())
	AppID       db.ID
	Environment string
	Name        string
	Pairs       []Pair // may be empty only while the app has no access to choose from
	Expiry      Expiry
	Bounds      BoundsForm
	Deliver     Deliver // nil: the text comes in the result
}

// Deliver takes a new key's text where it goes instead of into the result, in the transaction that makes the key.
type Deliver func(tx *db.Tx, a actor.Actor, id db.ID, text apikey.Secret) error

// Create makes a key of an app. A repeat of the same form gives the key that it made, with Again set and no secret. Faults: NotFound for
// an app of others; Forbidden without the right to make keys; Invalid (name, environment, grants, expires, expires_on, those of
// BoundsForm, or the form's token); Conflict when app or organization is suspended, or the app holds as many keys as a policy allows.
func (s *Store) Create(ctx context.Context, a actor.Actor, r CreateRequest) (Made, error) {
	return s.make(ctx, a, CreatePurpose(), r.Token, func(tx *db.Tx, id db.ID) (newKey, error) {
		app, err := s.appForKey(tx, a, r.AppID)
		if err != nil {
			return newKey{}, err
		}
		offered, err := choices(tx.DB, app.ID)
		if err != nil {
			return newKey{}, err
		}
		n, err := draft(tx.DB, tx.Now, r, app, offered)
		if err != nil {
			return newKey{}, err
		}
		return n, roomForKey(tx, app.ID, n.rules)
	})
}

// newKey is a key about to be stored.
type newKey struct {
	app         appRow
	environment string
	name        string
	domain      string
	expiry      Key // ExpiresAt and RotatedFrom alone
	bounds      Bounds
	scopes      []Choice
	rotates     db.ID
	endUnsaid   bool // nobody chose when it ends
	owner       *Key // whose maker and responsible person it keeps; nil: who makes it is its maker
	details     map[string]string
	act         audit.Act
	deliver     Deliver
	rules       policy.Effective
}

// make spends the form, lets plan decide what to make, and stores it, all in one transaction.
func (s *Store) make(ctx context.Context, a actor.Actor, purpose, token string, plan func(tx *db.Tx, id db.ID) (newKey, error)) (Made, error) {
	var made Made
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		made = Made{}
		id, again, err := s.spendForm(tx, a, purpose, token, db.NewID())
		if err != nil {
			return err
		}
		if !again {
			n, err := plan(tx, id)
			if err != nil {
				return err
			}
			if err := makesWithin(tx, a, &n); err != nil {
				return err
			}
			if made.Secret, err = s.store(tx, a, id, n); err != nil {
				return err
			}
			if n.deliver != nil {
				if err := n.deliver(tx, a, id, made.Secret); err != nil {
					return err
				}
				made.Secret = apikey.Secret{}
			}
		}
		made.Again = again
		made.Key, err = anyRow(tx.DB, id)
		return err
	})
	if err != nil {
		return Made{}, err
	}
	return made, nil
}

// store mints the key and writes it with its grants, its act and its change.
func (s *Store) store(tx *db.Tx, a actor.Actor, id db.ID, n newKey) (apikey.Secret, error) {
	text, err := apikey.Mint(s.brand, apikey.Environment(n.environment), s.random)
	if err != nil {
		return apikey.Secret{}, err
	}
	prefix, lastFour, _ := strings.Cut(text.Hint(), "…")
	digest := s.digester.Sum(text.Reveal())
	b := n.bounds.row()
	owner := Key{CreatedBy: a.UserID.Ref()}
	if n.owner != nil {
		owner = *n.owner
	}
	_, err = tx.Run(`INSERT INTO keys (id, app_id, environment, name, data_domain, prefix, last_four, digest_algorithm, pepper_version, digest,
		created_by, responsible_id, confirmed_at, expires_at, rotated_from, networks, origins, metadata, rate_requests, rate_period_seconds, created_at, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		id, n.app.ID, n.environment, n.name, n.domain, prefix, lastFour, apikey.AlgorithmHMACSHA256, s.digester.Version(), digest[:],
		owner.CreatedBy, owner.ResponsibleID, owner.ConfirmedAt, n.expiry.ExpiresAt, n.rotates.Ref(), b.Networks, b.Origins, b.Metadata, b.RateRequests, b.RatePeriodSeconds, tx.Now, tx.Now)
	if err != nil {
		return apikey.Secret{}, err
	}
	for _, c := range n.scopes {
		if _, err := tx.Run("INSERT INTO key_grants (key_id, api_id, scope_id) VALUES (?, ?, ?)", id, c.APIID, c.ScopeID); err != nil {
			return apikey.Secret{}, err
		}
	}
	details := map[string]string{"name": n.name, "hint": text.Hint(), "environment": n.environment, "app": n.app.ID.Show("app"), "expires": "never", "grants": pairsText(n.scopes)}
	if n.expiry.ExpiresAt != nil {
		details["expires"] = n.expiry.ExpiresAt.UTC().Format("2006-01-02T15:04:05Z")
	}
	n.bounds.details(details)
	for k, v := range n.details {
		details[k] = v
	}
	act := n.act
	if act == "" {
		act = audit.KeyCreated
	}
	audit.Record(tx, a, audit.Event{Act: act, TargetKind: "key", TargetID: id, OrganizationID: n.app.OrganizationID, Details: details})
	change.Record(tx, change.KeyCreated, id)
	return text, nil
}

func pairsText(scopes []Choice) string {
	var out []string
	for _, c := range scopes {
		out = append(out, c.API+"/"+c.Scope)
	}
	return strings.Join(out, " ")
}

// draft checks the wish against app, policies and access.
func draft(g *gorm.DB, now time.Time, r CreateRequest, app appRow, offered []Choice) (newKey, error) {
	var bad fault.Problems
	n := newKey{app: app, deliver: r.Deliver, environment: r.Environment, endUnsaid: unsaid(r.Expiry), name: cleanName(r.Name, &bad)}
	bad.Check(apikey.Environment(r.Environment).Valid(), "environment", "Choose live or test.")
	n.scopes = chosen(r, offered, &bad)
	n.domain = domainOf(n.scopes, &bad)
	verifier := isVerifier(n.scopes)
	var err error
	if n.rules, err = rulesFor(g, app.ID, n.scopes); err != nil {
		return n, err
	}
	n.expiry.ExpiresAt = n.rules.Resolve(r.Expiry, now, verifier, &bad)
	n.bounds = r.Bounds.read(&bad)
	n.rules.CheckNetworks(len(n.bounds.Networks), &bad)
	verifierHasNoOrigin(verifier, n.bounds, &bad)
	if err := n.bounds.Rate.withinPlans(g, app.ID, apisOf(n.scopes), &bad); err != nil {
		return n, err
	}
	return n, bad.Err()
}

// verifierHasNoOrigin keeps a gateway working: it is no browser, and sends no origin of its own.
func verifierHasNoOrigin(verifier bool, b Bounds, bad *fault.Problems) {
	bad.Check(!verifier || len(b.Origins) == 0, "origins", "A key with keys:verify is used by a gateway, which has no origin. Leave this empty, and name its networks instead.")
}

// apisOf are the APIs of scopes, each once.
func apisOf(scopes []Choice) []db.ID {
	var out []db.ID
	for _, c := range scopes {
		if !slices.Contains(out, c.APIID) {
			out = append(out, c.APIID)
		}
	}
	return out
}

func cleanName(name string, bad *fault.Problems) string {
	name = strings.TrimSpace(name)
	switch {
	case name == "":
		bad.Add("name", "Give the key a name, such as the program that uses it.")
	case utf8.RuneCountInString(name) > MaxName:
		bad.Add("name", "A name has at most %d characters.", MaxName)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }):
		bad.Add("name", "A name has no line breaks or control characters.")
	}
	audit.NoKey(bad, "name", name)
	return name
}

// chosen finds the wanted pairs among those that the app's access offers (K6).
func chosen(r CreateRequest, offered []Choice, bad *fault.Problems) []Choice {
	var out []Choice
	for _, p := range r.Pairs {
		i := slices.IndexFunc(offered, func(c Choice) bool { return c.Pair() == p })
		switch {
		case i < 0:
			bad.Add("grants", "The app’s access does not carry %s of %s.", p.Scope, p.API)
		case !offered[i].In(r.Environment) && apikey.Environment(r.Environment).Valid():
			bad.Add("grants", "%s has no %s environment.", offered[i].APIName, r.Environment)
		case !slices.Contains(out, offered[i]):
			out = append(out, offered[i])
		}
	}
	bad.Check(len(r.Pairs) > 0 || len(offered) == 0, "grants", "Tick at least one scope: without any, the key opens nothing.")
	return out
}

// domainOf is the one data domain that the scopes reach; the portal's own API goes with any.
func domainOf(scopes []Choice, bad *fault.Problems) string {
	domain, name := "", ""
	for _, c := range scopes {
		switch {
		case c.IsPortal || c.DataDomain == "" || c.DataDomain == domain:
		case domain == "":
			domain, name = c.DataDomain, c.APIName
		default:
			bad.Add("grants", "A key stays within one data domain. %s holds %s data and %s holds %s data: make one key for each.", name, domain, c.APIName, c.DataDomain)
			return domain
		}
	}
	return domain
}

func isVerifier(scopes []Choice) bool {
	return slices.ContainsFunc(scopes, func(c Choice) bool { return c.IsPortal && c.Scope == VerifyScope })
}

// appRow is an app with the reader's role.
type appRow struct {
	ID             db.ID
	Name           string
	OrganizationID db.ID
	Stopped        int
	Role           string
}

// appForKey locks an app in which the actor may make keys.
func (s *Store) appForKey(tx *db.Tx, a actor.Actor, id db.ID) (appRow, error) {
	app, err := appToMakeIn(tx.DB, tx.Now, a, id)
	if err != nil || tx.Home.Dialect != db.Postgres {
		return app, err
	}
	if err := tx.Exec("SELECT 1 FROM apps WHERE id = ? FOR UPDATE", id).Error; err != nil {
		return appRow{}, err
	}
	return appToMakeIn(tx.DB, tx.Now, a, id) // as it is under the lock
}

// appToMake reads an app in which the actor may make keys; appToMakeEnd ends it behind the table of the actor's memberships.
const appToMake = `SELECT a.id, a.name, a.organization_id, COALESCE(m.role, '') AS role, CASE WHEN
	(a.suspended_at IS NOT NULL AND (a.suspended_until IS NULL OR a.suspended_until > ?)) OR
	(o.suspended_at IS NOT NULL AND (o.suspended_until IS NULL OR o.suspended_until > ?)) THEN 1 ELSE 0 END AS stopped
	FROM apps a JOIN organizations o ON o.id = a.organization_id LEFT JOIN `

const appToMakeEnd = " m ON m.organization_id = o.id WHERE a.id = ? AND a.deleted_at IS NULL AND o.deleted_at IS NULL"

// appToMakeIn runs appToMake. Faults: NotFound, Forbidden, Conflict.
func appToMakeIn(g *gorm.DB, now time.Time, a actor.Actor, id db.ID) (appRow, error) {
	var rows []appRow
	members, arg := a.Members()
	unseen, hidden := a.Hidden()
	err := g.Raw(appToMake+members+appToMakeEnd+" AND a.id NOT IN "+unseen, append([]any{now, now, arg, id}, hidden...)...).Scan(&rows).Error
	switch {
	case err != nil:
		return appRow{}, err
	case len(rows) == 0 || rows[0].Role == "" && !a.Trusted():
		return appRow{}, fault.Missing()
	case !a.Trusted() && !permission.Org(rows[0].Role, permission.KeysMake):
		return appRow{}, fault.Lacking(string(permission.KeysMake), rows[0].OrganizationID.Show(org.Prefix))
	case rows[0].Stopped == 1:
		return appRow{}, fault.New(fault.Conflict, "The app or its organization is suspended. No key can be made until that ends.")
	}
	return rows[0], nil
}
