package account

import (
	"cmp"
	"net/url"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// elsewhere is an account at a provider that signed in to one here.
type elsewhere struct {
	Issuer  string
	Address string
}

// unlinkAll takes all providers away from a user who is finding the way back into their account: by one that an intruder linked, they would come back at once. Challenges
// for passkeys end, too, and factors in the making. It returns what was unlinked.
func unlinkAll(tx *db.Tx, a actor.Actor, userID db.ID) ([]elsewhere, error) {
	for _, query := range []string{"DELETE FROM ceremonies WHERE user_id = ?", "DELETE FROM factors WHERE user_id = ? AND confirmed_at IS NULL"} {
		if _, err := tx.Run(query, userID); err != nil {
			return nil, err
		}
	}
	var gone []elsewhere
	if err := tx.Raw("DELETE FROM identities WHERE user_id = ? RETURNING issuer, address", userID).Scan(&gone).Error; err != nil {
		return nil, err
	}
	slices.SortFunc(gone, func(x, y elsewhere) int {
		return cmp.Or(cmp.Compare(x.Issuer, y.Issuer), cmp.Compare(x.Address, y.Address))
	})
	for _, e := range gone {
		audit.Record(tx, a, audit.Event{Act: audit.ProviderUnlinked, TargetKind: "user", TargetID: userID, Details: map[string]string{"issuer": e.Issuer}, Personal: map[string]string{"email": e.Address}})
	}
	return gone, nil
}

// removeSince takes the second factors and recovery codes away that a user got since a moment, and returns how many factors. Those of before stay: a mail alone never
// takes the owner's own factor away (A13).
func removeSince(tx *db.Tx, a actor.Actor, userID db.ID, since time.Time) (int, error) {
	var gone []struct {
		ID   db.ID
		Kind string
		Name string
	}
	if err := tx.Raw("DELETE FROM factors WHERE user_id = ? AND created_at >= ? AND confirmed_at IS NOT NULL RETURNING id, kind, name", userID, since).Scan(&gone).Error; err != nil {
		return 0, err
	}
	for _, f := range gone {
		audit.Record(tx, a, audit.Event{Act: audit.FactorRemoved, TargetKind: "factor", TargetID: f.ID, Details: map[string]string{"kind": f.Kind}, Personal: map[string]string{"name": f.Name}})
	}
	if _, err := tx.Run("DELETE FROM recovery_codes WHERE user_id = ? AND created_at >= ?", userID, since); err != nil {
		return 0, err
	}
	for _, query := range []string{
		"DELETE FROM recovery_codes WHERE user_id = ? AND NOT EXISTS (SELECT 1 FROM factors f WHERE f.user_id = recovery_codes.user_id)",
		"DELETE FROM factor_failures WHERE user_id = ? AND NOT EXISTS (SELECT 1 FROM factors f WHERE f.user_id = factor_failures.user_id)",
	} {
		if _, err := tx.Run(query, userID); err != nil {
			return 0, err
		}
	}
	return len(gone), nil
}

// passkeysOf is when the user's passkeys were added, oldest first.
func passkeysOf(tx *db.Tx, userID db.ID) (added []time.Time, err error) {
	err = tx.Raw("SELECT created_at FROM factors WHERE user_id = ? AND kind = 'passkey' AND confirmed_at IS NOT NULL ORDER BY created_at, id", userID).Scan(&added).Error
	return added, err
}

// unlinkedLines tell what was unlinked, in the provider's own name on the network, which nobody can word.
func unlinkedLines(gone []elsewhere) (lines []outbox.Line) {
	for _, e := range gone {
		host := e.Issuer
		if u, err := url.Parse(e.Issuer); err == nil && u.Host != "" {
			host = u.Host
		}
		if e.Address == "" {
			lines = append(lines, outbox.L("An account at %s was unlinked from yours, and signs in to it no longer. Is it your own, link it again.", host))
			continue
		}
		lines = append(lines, outbox.L("The account %v at %s was unlinked from yours, and signs in to it no longer. Is it your own, link it again.", e.Address, host))
	}
	return lines
}

// passkeyLines tell of passkeys, which stay: by when they were added alone, since whoever added one gave it its name.
func passkeyLines(u User, added []time.Time) (lines []outbox.Line) {
	for _, at := range added {
		lines = append(lines, outbox.L("A passkey that was added on %s still signs you in. If you don’t know it, remove it.", moment(u.locale(), at)))
	}
	return lines
}
