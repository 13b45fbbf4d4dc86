package catalog

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// RouteRule says which scope a method and path template need.
type RouteRule struct {
	ID           db.ID
	APIID        db.ID  `gorm:"column:api_id"`
	VersionID    *db.ID // when that version is retired, the route is refused
	VersionName  string
	VersionState string
	Method       string
	PathTemplate string
	ScopeID      db.ID
	ScopeName    string
	Cost         int // what one call is charged as, at least 1
	CreatedAt    time.Time
}

// MostCost is the most that one call can cost; at the edge a caller can say as much.
const MostCost = 1_000_000

// MaxRules bounds the route rules of one API.
const MaxRules = 1000

// methods are those of HTTP (RFC 9110 and 5789), its drafts (QUERY), and WebDAV (RFC 4918, 3253, 3648, 5323, 4791). Any other is a slip of the keyboard,
// and its rule would never match.
var methods = []string{
	"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY",
	"PROPFIND", "PROPPATCH", "MKCOL", "MKCALENDAR", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH", "LINK", "UNLINK", "PURGE",
}

const rulesOf = `SELECT r.*, s.name AS scope_name, COALESCE(v.name, '') AS version_name, COALESCE(v.state, '') AS version_state
	FROM route_rules r JOIN scopes s ON s.id = r.scope_id LEFT JOIN api_versions v ON v.id = r.version_id WHERE r.api_id = ? ORDER BY r.path_template, r.method LIMIT 1001`

// AddRules adds route rules, one a line: "GET /v2/orders/{id} orders:read", and after it what a call costs, where that is not 1. All of them are taken or none. Faults: Forbidden, NotFound,
// Conflict, Invalid naming each line that is wrong.
func (s *Store) AddRules(ctx context.Context, a actor.Actor, apiID, versionID db.ID, lines string) (int, error) {
	added := 0
	err := s.manage(ctx, a, apiID, func(tx *db.Tx, api API) error {
		if !versionID.IsZero() {
			if _, err := one[Version](tx.DB, "SELECT * FROM api_versions WHERE id = ? AND api_id = ?", versionID, apiID); err != nil {
				return fault.BadField("version_id", "Choose a version of this API.")
			}
		}
		rules, err := readRules(tx.DB, apiID, lines)
		if err != nil {
			return err
		}
		for _, r := range rules {
			if _, err := tx.Run("INSERT INTO route_rules (id, api_id, version_id, method, path_template, scope_id, cost, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
				db.NewID(), apiID, versionID.Ref(), r.Method, r.PathTemplate, r.ScopeID, r.Cost, tx.Now); err != nil {
				return taken(err, "rules", "One of these routes has a rule already.")
			}
			audit.Record(tx, a, audit.Event{
				Act: audit.RouteRuleAdded, TargetKind: "api", TargetID: apiID, OrganizationID: api.PublisherID,
				Details: ruleDetails(r),
			})
		}
		added = len(rules)
		return nil
	})
	return added, err
}

// readRules reads lines beside the rules that are there already.
func readRules(q *gorm.DB, apiID db.ID, lines string) ([]RouteRule, error) {
	var old []RouteRule
	if err := q.Raw(rulesOf, apiID).Scan(&old).Error; err != nil {
		return nil, err
	}
	var scopes []Scope
	if err := q.Raw("SELECT * FROM scopes WHERE api_id = ? AND withdrawn_at IS NULL", apiID).Scan(&scopes).Error; err != nil {
		return nil, err
	}
	byName := map[string]Scope{}
	for _, scope := range scopes {
		byName[scope.Name] = scope
	}
	compiled := keyring.API{}
	for _, r := range old {
		compiled.Rules = append(compiled.Rules, keyring.Rule{Method: r.Method, Template: r.PathTemplate, Scope: r.ScopeName})
	}
	var p fault.Problems
	var rules []RouteRule
	for i, line := range strings.Split(strings.ReplaceAll(lines, "\r\n", "\n"), "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || len(p) >= 20 {
			continue
		}
		r, err := readRule(words, i+1, byName, &compiled)
		if err != nil {
			p = append(p, fault.As(err).Problems...)
			continue
		}
		rules = append(rules, r)
	}
	p.Check(len(rules) > 0 || len(p) > 0, "rules", "Enter a rule on each line, such as GET /v2/orders orders:read.")
	audit.NoKey(&p, "rules", lines)
	p.Check(len(rules)+len(old) <= MaxRules, "rules", "An API has at most %d route rules.", MaxRules)
	return rules, p.Err()
}

func readRule(words []string, n int, scopes map[string]Scope, compiled *keyring.API) (RouteRule, error) {
	if len(words) != 3 && len(words) != 4 {
		return RouteRule{}, fault.BadField("rules", "Line %d: write method, path and scope, such as GET /v2/orders orders:read.", n)
	}
	r := RouteRule{Method: strings.ToUpper(words[0]), PathTemplate: words[1], ScopeName: words[2], Cost: 1}
	if len(words) == 4 {
		var err error
		if r.Cost, err = strconv.Atoi(words[3]); err != nil || r.Cost < 1 || r.Cost > MostCost {
			return RouteRule{}, fault.BadField("rules", "Line %[1]d: the cost is a whole number from 1 to %[2]d.", n, MostCost)
		}
	}
	if !slices.Contains(methods, r.Method) {
		return RouteRule{}, fault.BadField("rules", "Line %[1]d: %[2]s is not a method; use GET, POST, PUT, PATCH, DELETE, HEAD or OPTIONS.", n, shorten(words[0]))
	}
	scope, ok := scopes[r.ScopeName]
	if !ok {
		return RouteRule{}, fault.BadField("rules", "Line %[1]d: this API has no scope %[2]s. Add the scope first.", n, shorten(r.ScopeName))
	}
	r.ScopeID = scope.ID
	if len(r.PathTemplate) > 500 {
		return RouteRule{}, fault.BadField("rules", "Line %[1]d: a path has at most %[2]d characters.", n, 500)
	}
	before := compiled.Rules
	compiled.Rules = append(append([]keyring.Rule{}, before...), keyring.Rule{Method: r.Method, Template: r.PathTemplate, Scope: r.ScopeName})
	if err := compiled.Compile(); err != nil {
		compiled.Rules = before
		if strings.HasSuffix(err.Error(), "said twice") {
			return RouteRule{}, fault.BadField("rules", "Line %[1]d: %[2]s has a rule already.", n, shorten(r.Method+" "+r.PathTemplate))
		}
		return RouteRule{}, fault.BadField("rules", "Line %[1]d: %[2]s is not a method and a path such as GET /v2/orders/{id}; a parameter is a whole segment in braces.", n, shorten(r.Method+" "+r.PathTemplate))
	}
	return r, nil
}

// ruleDetails are what the audit log says of a rule.
func ruleDetails(r RouteRule) map[string]string {
	details := map[string]string{"route": r.Method + " " + r.PathTemplate, "scope": r.ScopeName}
	if r.Cost != 1 {
		details["cost"] = strconv.Itoa(r.Cost)
	}
	return details
}

func shorten(s string) string {
	if len(s) > 100 {
		return strings.ToValidUTF8(s[:100], "") + "…"
	}
	return s
}

// RemoveRule takes a route rule away. Faults: Forbidden, NotFound, Conflict.
func (s *Store) RemoveRule(ctx context.Context, a actor.Actor, apiID, ruleID db.ID) error {
	return s.manage(ctx, a, apiID, func(tx *db.Tx, api API) error {
		r, err := one[RouteRule](tx.DB, "SELECT r.*, s.name AS scope_name FROM route_rules r JOIN scopes s ON s.id = r.scope_id WHERE r.id = ? AND r.api_id = ?", ruleID, apiID)
		if err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{
			Act: audit.RouteRuleRemoved, TargetKind: "api", TargetID: apiID, OrganizationID: api.PublisherID,
			Details: ruleDetails(r),
		})
		_, err = tx.Run("DELETE FROM route_rules WHERE id = ?", ruleID)
		return err
	})
}
