package key

import (
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// MaxNetworks is how many networks are remembered of one key: the ones used last.
const MaxNetworks = 50

// Use is what one key was used for by calls that were let through; a refused call is no use (K12).
type Use struct {
	KeyID    db.ID
	At       time.Time // of the last call
	Scopes   []ScopeUse
	Networks []NetworkAt
}

// ScopeUse is the last time that a scope of an API was needed.
type ScopeUse struct {
	APIID db.ID
	Scope string
	At    time.Time
}

// NetworkAt is the last time that the key was used from a network (/24 or /48).
type NetworkAt struct {
	Network string
	At      time.Time
}

// RecordUse writes when keys, their grants and their networks were last used, in the caller's transaction: usage calls it for each batch.
// Times go forward only, so batches may come in any order and more than once. It needs about 2n/128 statements for n uses; keys must be
// named once each.
func RecordUse(tx *db.Tx, uses []Use) error {
	uses = slices.Clone(uses)
	// One order for all replicas, so that two flushes can't deadlock.
	slices.SortFunc(uses, func(a, b Use) int { return strings.Compare(string(a.KeyID[:]), string(b.KeyID[:])) })
	if err := recordKeys(tx, uses); err != nil {
		return err
	}
	if err := recordScopes(tx, uses); err != nil {
		return err
	}
	return recordNetworks(tx, uses)
}

// chunks cuts n rows into runs whose lengths are powers of two up to 128, so that there are eight texts of each statement and no more.
func chunks(n int) []int {
	var out []int
	for size := 128; n > 0; {
		if n >= size {
			out, n = append(out, size), n-size
		} else {
			size /= 2
		}
	}
	return out
}

func rowsText(row string, n int) string { return strings.TrimSuffix(strings.Repeat(row+", ", n), ", ") }

func recordKeys(tx *db.Tx, uses []Use) error {
	row := "(?, ?, ?)"
	if tx.Home.Dialect == db.Postgres {
		row = "(CAST(? AS uuid), CAST(? AS timestamptz), CAST(? AS text))"
	}
	for _, n := range chunks(len(uses)) {
		var args []any
		for _, u := range uses[:n] {
			args = append(args, u.KeyID, u.At, lastNetwork(u))
		}
		_, err := tx.Run("WITH used (id, at, network) AS (VALUES "+rowsText(row, n)+`) UPDATE keys SET last_used_at = used.at,
			last_used_network = CASE WHEN used.network = '' THEN keys.last_used_network ELSE used.network END
			FROM used WHERE keys.id = used.id AND (keys.last_used_at IS NULL OR keys.last_used_at < used.at)`, args...)
		if err != nil {
			return err
		}
		uses = uses[n:]
	}
	return nil
}

func lastNetwork(u Use) string {
	var last NetworkAt
	for _, n := range u.Networks {
		if last.Network == "" || n.At.After(last.At) {
			last = n
		}
	}
	return last.Network
}

type grantUse struct {
	key, scope db.ID
	at         time.Time
}

func recordScopes(tx *db.Tx, uses []Use) error {
	ids, err := scopeIDs(tx, uses)
	if err != nil {
		return err
	}
	var rows []grantUse
	for _, u := range uses {
		for _, s := range u.Scopes {
			if id, ok := ids[scopeName{s.APIID, s.Scope}]; ok {
				rows = append(rows, grantUse{u.KeyID, id, s.At})
			}
		}
	}
	for _, n := range chunks(len(rows)) {
		var args []any
		for _, r := range rows[:n] {
			args = append(args, r.key, r.scope, r.at)
		}
		_, err := tx.Run("INSERT INTO key_grant_uses (key_id, scope_id, last_used_at) VALUES "+rowsText("(?, ?, ?)", n)+
			" ON CONFLICT (key_id, scope_id) DO UPDATE SET last_used_at = excluded.last_used_at WHERE excluded.last_used_at > key_grant_uses.last_used_at", args...)
		if err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

type scopeName struct {
	APIID db.ID
	Name  string
}

// scopeIDs reads the ids of the scopes of all APIs that were used.
func scopeIDs(tx *db.Tx, uses []Use) (map[scopeName]db.ID, error) {
	var apis []db.ID
	for _, u := range uses {
		for _, s := range u.Scopes {
			if !slices.Contains(apis, s.APIID) {
				apis = append(apis, s.APIID)
			}
		}
	}
	out := map[scopeName]db.ID{}
	for _, api := range apis {
		var found []struct {
			ID   db.ID
			Name string
		}
		if err := tx.Raw("SELECT id, name FROM scopes WHERE api_id = ?", api).Scan(&found).Error; err != nil {
			return nil, err
		}
		for _, f := range found {
			out[scopeName{api, f.Name}] = f.ID
		}
	}
	return out, nil
}

type networkRow struct {
	key     db.ID
	network string
	at      time.Time
}

func recordNetworks(tx *db.Tx, uses []Use) error {
	var rows []networkRow
	var keys []db.ID
	for _, u := range uses {
		for _, n := range u.Networks {
			rows = append(rows, networkRow{u.KeyID, n.Network, n.At})
		}
		if len(u.Networks) > 0 {
			keys = append(keys, u.KeyID)
		}
	}
	for _, n := range chunks(len(rows)) {
		var args []any
		for _, r := range rows[:n] {
			args = append(args, r.key, r.network, r.at, r.at)
		}
		_, err := tx.Run("INSERT INTO key_network_uses (key_id, network, first_used_at, last_used_at) VALUES "+rowsText("(?, ?, ?, ?)", n)+
			" ON CONFLICT (key_id, network) DO UPDATE SET last_used_at = excluded.last_used_at WHERE excluded.last_used_at > key_network_uses.last_used_at", args...)
		if err != nil {
			return err
		}
		rows = rows[n:]
	}
	return boundNetworks(tx, keys)
}

// boundNetworks forgets the networks that were used longest ago where a key has more than MaxNetworks.
func boundNetworks(tx *db.Tx, keys []db.ID) error {
	for len(keys) > 0 {
		n := min(len(keys), 500)
		var over []db.ID
		err := tx.Raw("SELECT key_id FROM key_network_uses WHERE key_id IN ? GROUP BY key_id HAVING COUNT(*) > ?", keys[:n], MaxNetworks).Scan(&over).Error
		if err != nil {
			return err
		}
		for _, id := range over {
			_, err := tx.Run(`DELETE FROM key_network_uses WHERE key_id = ? AND network NOT IN
				(SELECT network FROM key_network_uses WHERE key_id = ? ORDER BY last_used_at DESC, network LIMIT ?)`, id, id, MaxNetworks)
			if err != nil {
				return err
			}
		}
		keys = keys[n:]
	}
	return nil
}
