package guide

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/internal/content"
)

// How a check asks. Each is a lookup by index of what belongs to one app; apis are named by slug, and an empty one asks nothing. series are the counts of
// the app, at most the newest 5,000.
const (
	apiOf = "(SELECT y.id FROM apis y WHERE y.slug = ?)"

	seriesOf = `(SELECT s.id, s.key_id, s.api_id, s.environment, s.code FROM usage_series s WHERE s.organization_id = ? AND s.app_id = ? ORDER BY s.id DESC LIMIT 5000)`

	keyMade = `SELECT COUNT(*) FROM (SELECT 1 AS one FROM keys k WHERE k.app_id = ? AND (? = '' OR k.environment = ?)
		AND (? = '' OR EXISTS (SELECT 1 FROM key_grants g WHERE g.key_id = k.id AND g.api_id = ` + apiOf + `)) LIMIT 1) x`

	accessApproved = `SELECT COUNT(*) FROM (SELECT 1 AS one FROM access x WHERE x.app_id = ? AND x.api_id = ` + apiOf + ` AND x.state = 'approved' LIMIT 1) x`

	firstCall = `SELECT COUNT(*) FROM (SELECT 1 AS one FROM ` + seriesOf + ` s WHERE s.code = 'VALID' AND (? = '' OR s.api_id = ` + apiOf + `) AND (? = '' OR s.environment = ?)
		AND (? = '' OR EXISTS (SELECT 1 FROM key_grants g JOIN scopes c ON c.id = g.scope_id WHERE g.key_id = s.key_id AND g.api_id = s.api_id AND c.name = ?)) LIMIT 1) x`

	// A refusal, and in its minute or a later one a call that was let through: counts are kept by the minute.
	refusalUnderstood = `SELECT COUNT(*) FROM (SELECT 1 AS one WHERE
		(SELECT MIN(r.at) FROM (SELECT (SELECT m.at FROM usage_minutes m WHERE m.series_id = s.id ORDER BY m.at LIMIT 1) AS at FROM ` + seriesOf + ` s
			WHERE s.code <> 'VALID' AND (? = '' OR s.code = ?) AND (? = '' OR s.api_id = ` + apiOf + `)) r)
		<= (SELECT MAX(v.at) FROM (SELECT (SELECT m.at FROM usage_minutes m WHERE m.series_id = s.id ORDER BY m.at DESC LIMIT 1) AS at FROM ` + seriesOf + ` s
			WHERE s.code = 'VALID' AND (? = '' OR s.api_id = ` + apiOf + `)) v)) x`

	keyRotated = `SELECT COUNT(*) FROM (SELECT 1 AS one FROM keys k WHERE k.app_id = ? AND k.rotated_from IS NOT NULL
		AND (? = '' OR EXISTS (SELECT 1 FROM key_grants g WHERE g.key_id = k.id AND g.api_id = ` + apiOf + `)) LIMIT 1) x`

	limitsSet = `SELECT COUNT(*) FROM (SELECT 1 AS one FROM keys k WHERE k.app_id = ? AND (k.networks <> '' OR k.origins <> '' OR k.rate_requests IS NOT NULL)
		AND (? = '' OR EXISTS (SELECT 1 FROM key_grants g WHERE g.key_id = k.id AND g.api_id = ` + apiOf + `)) LIMIT 1) x`

	oldKeySilent = `SELECT COUNT(*) FROM (SELECT 1 AS one FROM keys n JOIN keys o ON o.id = n.rotated_from WHERE n.app_id = ? AND n.last_used_at IS NOT NULL
		AND (o.last_used_at IS NULL OR o.last_used_at <= n.last_used_at) AND (o.revoked_at IS NOT NULL OR o.expires_at <= ? OR o.overlap_ends_at <= ?)
		AND (? = '' OR EXISTS (SELECT 1 FROM key_grants g WHERE g.key_id = n.id AND g.api_id = ` + apiOf + `)) LIMIT 1) x`
)

// happened reports whether what a step asks for has happened with app. A step without check never has.
func (s *Store) happened(ctx context.Context, app App, c content.Check) (bool, error) {
	now, org := s.now(), app.OrganizationID
	var query string
	var args []any
	switch c.Kind {
	case content.AppMade:
		return true, nil // there is the app
	case content.KeyMade:
		query, args = keyMade, []any{app.ID, c.Environment, c.Environment, c.API, c.API}
	case content.AccessApproved:
		query, args = accessApproved, []any{app.ID, c.API}
	case content.FirstCall:
		query, args = firstCall, []any{org, app.ID, c.API, c.API, c.Environment, c.Environment, c.Scope, c.Scope}
	case content.RefusalUnderstood:
		query, args = refusalUnderstood, []any{org, app.ID, c.Code, c.Code, c.API, c.API, org, app.ID, c.API, c.API}
	case content.KeyRotated:
		query, args = keyRotated, []any{app.ID, c.API, c.API}
	case content.LimitsSet:
		query, args = limitsSet, []any{app.ID, c.API, c.API}
	case content.OldKeySilent:
		query, args = oldKeySilent, []any{app.ID, now, now, c.API, c.API}
	default:
		return false, nil
	}
	var n int64
	err := s.db.Read(ctx).Raw(query, args...).Scan(&n).Error
	return n > 0, err
}
