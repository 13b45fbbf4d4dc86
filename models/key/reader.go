package key

import (
	"context"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
)

// Reader is somebody who is told of a key: whoever answers for it (its maker, or whom the admins named after that one had left); the organization's
// admins and owners instead when nobody does; and the organization's technical address, while it is that of a member. All are org.AppPeople of its app, and who answers
// for the key but is none of them is as good as gone. Nobody else is written to: an address that anybody could enter would be a way to send mail to strangers.
type Reader struct {
	UserID   db.ID
	Email    string
	Language string
	TimeZone string
}

// Zone is the reader's time zone, or UTC.
func (r Reader) Zone() *time.Location {
	if zone, err := time.LoadLocation(r.TimeZone); err == nil {
		return zone
	}
	return time.UTC
}

// Locale is how the reader reads.
func (r Reader) Locale(ctx context.Context) context.Context {
	return text.With(ctx, text.Locale{Language: text.Language(r.Language), Zone: r.Zone()})
}

// idsAtOnce is how many ids one statement names.
const idsAtOnce = 500

// ReadersTx finds who is told of each key, by key, in the order of their addresses. An address that is both maker's and technical stands once.
func ReadersTx(tx *db.Tx, rows []Row) (map[db.ID][]Reader, error) {
	out := map[db.ID][]Reader{}
	for len(rows) > 0 {
		n := min(len(rows), idsAtOnce)
		var found []struct {
			KeyID    db.ID
			UserID   db.ID
			Email    string
			Language string
			TimeZone string
		}
		if err := tx.Raw(readersQuery, ReadersArgs(tx.Now, idsOf(rows[:n]))...).Scan(&found).Error; err != nil {
			return nil, err
		}
		for _, f := range found {
			out[f.KeyID] = append(out[f.KeyID], Reader{f.UserID, f.Email, f.Language, f.TimeZone})
		}
		rows = rows[n:]
	}
	return out, nil
}

const readersQuery = "SELECT k.id AS key_id, u.id AS user_id, u.email, u.language, u.time_zone" + ReadersSQL + " AND k.id IN ? ORDER BY k.id, u.email"

// The people of a key, in parts.
const (
	peopleOfKeys     = " FROM keys k JOIN apps a ON a.id = k.app_id" + org.AppPeople
	answersFor       = "COALESCE(k.responsible_id, k.created_by)"
	managers         = "m.role IN ('admin', 'owner')"
	andNobodyAnswers = " AND NOT EXISTS (SELECT 1 FROM members m JOIN users u ON u.id = m.user_id AND " + org.Reachable + " WHERE m.organization_id = o.id AND m.user_id = " + answersFor + " AND " + actor.MemberReaches + ")"
)

// ReadersSQL joins keys k with apps a, organizations o, members m and the users u who are told of each key, and ends inside a WHERE. Its arguments are ReadersArgs.
const ReadersSQL = peopleOfKeys + " WHERE (u.id = " + answersFor + " OR u.email = o.technical_email OR " + managers + andNobodyAnswers + ")"

// ReadersArgs are the arguments of ReadersSQL, before others.
func ReadersArgs(now time.Time, others ...any) []any {
	return append(append(org.ReachableArgs(now), org.ReachableArgs(now)...), others...)
}

// AlarmedSQL is ReadersSQL for what is urgent: the admins and owners are told as well, and who made the key although another answers for it. Its arguments are org.ReachableArgs.
const AlarmedSQL = peopleOfKeys + " WHERE (u.id IN (" + answersFor + ", k.created_by) OR u.email = o.technical_email OR " + managers + ")"

func idsOf(rows []Row) []db.ID {
	ids := make([]db.ID, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	return ids
}

// AppsOf are the apps of keys, each once.
func AppsOf(rows []Row) (apps []db.ID) {
	for _, r := range rows {
		if !slices.Contains(apps, r.AppID) {
			apps = append(apps, r.AppID)
		}
	}
	return apps
}

// RowsTx reads keys whosever they are, in the order of ids, without their grants; ids of no key are left out.
func RowsTx(tx *db.Tx, ids []db.ID) ([]Row, error) {
	found := make(map[db.ID]Row, len(ids))
	for rest := ids; len(rest) > 0; {
		n := min(len(rest), idsAtOnce)
		var rows []Row
		if err := tx.Raw("SELECT "+rowColumns+rowTables+" WHERE k.id IN ?", rest[:n]).Scan(&rows).Error; err != nil {
			return nil, err
		}
		for _, r := range rows {
			found[r.ID] = r
		}
		rest = rest[n:]
	}
	out := make([]Row, 0, len(found))
	for _, id := range ids {
		if r, ok := found[id]; ok {
			out = append(out, r)
		}
	}
	return out, nil
}
