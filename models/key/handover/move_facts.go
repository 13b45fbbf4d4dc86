package handover

import (
	"time"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// DeputedKey is a key that lives and holds scopes of the portal's own API. With those it acts for the organization that it is of, whichever that is.
type DeputedKey struct {
	LeftKey
	Scopes []string
}

func (m *Move) read(tx *db.Tx) error {
	err := tx.Raw("SELECT COUNT(*) FROM keys k WHERE k.app_id = ? AND "+living, m.App.ID, tx.Now, tx.Now).Scan(&m.Keys).Error
	if err != nil {
		return err
	}
	err = tx.Raw("SELECT CAST(COALESCE(SUM(h.calls), 0) AS bigint) FROM usage_series s JOIN usage_hours h ON h.series_id = s.id WHERE s.app_id = ? AND h.at >= ?",
		m.App.ID, tx.Now.Add(-24*time.Hour).Truncate(time.Hour)).Scan(&m.Calls).Error
	if err != nil {
		return err
	}
	if err := m.readAccess(tx); err != nil {
		return err
	}
	if err := m.readDeputed(tx); err != nil {
		return err
	}
	err = tx.Raw(`SELECT COUNT(*) FROM keys k WHERE k.app_id = ? AND `+living+` AND k.overlap_ends_at IS NULL AND COALESCE(k.responsible_id, k.created_by) IS NOT NULL
		AND NOT EXISTS (SELECT 1 FROM members w WHERE w.organization_id = ? AND w.user_id = COALESCE(k.responsible_id, k.created_by))`, m.App.ID, tx.Now, tx.Now, m.To.ID).Scan(&m.Unowned).Error
	if err != nil {
		return err
	}
	m.Breaks, m.Most, err = breaks(tx, m.App.ID, m.To.ID)
	return err
}

// readAccess reads what the app may use or asks for. Somebody of staff decided about access when its plan needs approval, it has a sensitive scope, or the
// row says so.
func (m *Move) readAccess(tx *db.Tx) error {
	return tx.Raw(`SELECT y.id, y.api_name, y.publisher_id, y.portal, y.plan_name, y.terms_version, y.state, y.hidden, y.gateway, (y.state <> 'requested' AND y.decided) AS anew,
		(y.decided AND y.state = 'suspended' AND (y.suspended_until IS NULL OR y.suspended_until > ?)) AS stopped
		FROM (SELECT x.id, p.name AS api_name, p.publisher_id, p.is_portal AS portal, n.name AS plan_name, CASE WHEN p.terms <> '' THEN p.terms_version ELSE 0 END AS terms_version, x.state, x.suspended_until,
			NOT (p.visibility IN ('public', 'signed_in') OR p.publisher_id = ? OR EXISTS (SELECT 1 FROM api_organizations i WHERE i.api_id = p.id AND i.organization_id = ?)) AS hidden,
			(p.is_portal AND EXISTS (SELECT 1 FROM access_scopes xs JOIN scopes s ON s.id = xs.scope_id WHERE xs.access_id = x.id AND s.name = ?)) AS gateway,
			(n.needs_approval OR x.decided_by IS NOT NULL OR EXISTS (SELECT 1 FROM access_scopes xs JOIN scopes s ON s.id = xs.scope_id WHERE xs.access_id = x.id AND s.sensitive AND s.withdrawn_at IS NULL)) AS decided
			FROM access x JOIN apis p ON p.id = x.api_id JOIN plans n ON n.id = x.plan_id WHERE x.app_id = ? AND x.state IN ('requested', 'approved', 'suspended')) y
		ORDER BY y.api_name, y.id`, tx.Now, m.To.ID, m.To.ID, key.VerifyScope, m.App.ID).Scan(&m.Access).Error
}

// readDeputed reads which keys hold a scope of the portal's own API, whichever: a new one counts from its first day. Whether the app's access to it is in
// force does not matter, since the target could get it again.
func (m *Move) readDeputed(tx *db.Tx) error {
	var rows []struct {
		LeftKey
		Scope string
	}
	err := tx.Raw(`SELECT k.id, k.name, k.prefix, k.last_four, s.name AS scope FROM keys k JOIN key_grants g ON g.key_id = k.id JOIN scopes s ON s.id = g.scope_id
		JOIN apis p ON p.id = s.api_id WHERE p.is_portal AND k.app_id = ? AND `+living+" ORDER BY LOWER(k.name), k.id, s.name", m.App.ID, tx.Now, tx.Now).Scan(&rows).Error
	m.Deputed = nil
	for _, r := range rows {
		if n := len(m.Deputed); n == 0 || m.Deputed[n-1].ID != r.ID {
			m.Deputed = append(m.Deputed, DeputedKey{LeftKey: r.LeftKey})
		}
		last := &m.Deputed[len(m.Deputed)-1]
		last.Scopes = append(last.Scopes, r.Scope)
	}
	return err
}

// settle does what follows from an app being another organization's: approvals wait anew, and the target's policies begin their notice.
func (s *Store) settle(tx *db.Tx, a actor.Actor, m Move) error {
	if _, err := tx.Run(`DELETE FROM key_grants_taken WHERE key_id IN (SELECT id FROM keys WHERE app_id = ?)
		AND scope_id IN (SELECT s.id FROM scopes s JOIN apis p ON p.id = s.api_id WHERE p.is_portal)`, m.App.ID); err != nil { // given back there, they would act there
		return err
	}
	if err := agree(tx, a, m); err != nil {
		return err
	}
	asks := false
	for _, x := range m.Access {
		asks = asks || x.Anew || x.State == catalog.Requested
		if !x.Anew {
			continue
		}
		if err := catalog.AskAnew(tx, a, x.ID, m.To.ID); err != nil {
			return err
		}
	}
	if err := s.policies.Arrived(tx, m.App.ID, m.To.ID); err != nil || !asks {
		return err
	}
	return s.tellDeciders(tx, m)
}

// agree writes down that who moves the app agrees to the terms of its APIs, as they are now, for the target.
func agree(tx *db.Tx, a actor.Actor, m Move) error {
	for _, x := range m.Access {
		if x.TermsVersion == 0 {
			continue
		}
		_, err := tx.Run("UPDATE access SET terms_version = ?, terms_agreed_at = ?, terms_agreed_by = ?, updated_at = ? WHERE id = ?", x.TermsVersion, tx.Now, a.UserID.Ref(), tx.Now, x.ID)
		if err != nil {
			return err
		}
	}
	return nil
}
