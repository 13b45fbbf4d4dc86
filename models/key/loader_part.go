package key

import (
	"context"
	"math/bits"
	"slices"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

var _ keyring.WholeLoader = (*Loader)(nil)

// keysQuery has the condition of factQuery with expressions that no index is of: SQLite would take that of digests, and pass over all keys each time.
const keysQuery = "SELECT " + rowColumns + ", " + boundsColumns + ", o.personal_user_id, k.digest AS digest" + rowTables +
	" WHERE k.digest_algorithm || '' IN ('hmac-sha256', 'imported-sha256', 'imported-hmac-sha256') AND k.pepper_version || '' IN ?" + importFinished

const partQuery = keysQuery + " AND k.id > ? AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > ?) ORDER BY k.id LIMIT ?"

// LoadPart implements keyring.WholeLoader: two queries a part.
func (l *Loader) LoadPart(ctx context.Context, after keyring.ID, limit int) ([]keyring.Loaded, error) {
	var rows []factRow
	g := l.db.Read(ctx)
	err := g.Raw(partQuery, append(slices.Clone(l.versions), importedVersion), db.ID(after), l.db.Now(), limit).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return l.loaded(ctx, rows)
}

// someQuery is factQuery of several keys by their ids.
const someQuery = keysQuery + " AND k.id IN ?"

var _ keyring.SomeLoader = (*Loader)(nil)

// LoadSome implements keyring.SomeLoader: two queries.
func (l *Loader) LoadSome(ctx context.Context, ids []keyring.ID) ([]keyring.Loaded, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []factRow
	err := l.db.Read(ctx).Raw(someQuery, append(slices.Clone(l.versions), importedVersion), powers(ids)).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return l.loaded(ctx, rows)
}

// powers are ids, the last one repeated until their number is a power of two: each number makes another statement to prepare.
func powers[T ~[16]byte](ids []T) []db.ID {
	all := make([]db.ID, 1<<bits.Len(uint(len(ids)-1)))
	for i := range all {
		all[i] = db.ID(ids[min(i, len(ids)-1)])
	}
	return all
}

// loaded reads the grants of keys, and puts both together.
func (l *Loader) loaded(ctx context.Context, rows []factRow) ([]keyring.Loaded, error) {
	ids := make([]db.ID, len(rows))
	for i := range rows {
		ids[i] = rows[i].ID
	}
	var grants []grantFact
	if err := l.db.Read(ctx).Raw(grantFacts+"WHERE g.key_id IN ? ORDER BY g.key_id, g.api_id, s.name", powers(ids)).Scan(&grants).Error; err != nil {
		return nil, err
	}
	byKey := make(map[db.ID][]grantFact, len(rows))
	for from := 0; from < len(grants); {
		to := from + 1
		for to < len(grants) && grants[to].KeyID == grants[from].KeyID {
			to++
		}
		byKey[grants[from].KeyID], from = grants[from:to], to
	}
	part := make([]keyring.Loaded, len(rows))
	for i, r := range rows {
		f, err := r.facts()
		if err != nil {
			return nil, err
		}
		f.Reach = reach(r.DataDomain, byKey[r.ID])
		part[i].Facts = f
		copy(part[i].Digest[:], r.Digest)
	}
	return part, nil
}
