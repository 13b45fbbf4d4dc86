// Package quota tells what is used of the quotas of apps, by month and by day, and warns their people when one is nearly used up and when it is.
//
// What it reads is stored: what processes have charged and not written yet, within the last second or two, is not in it. Verification has counters of
// its own, see keyring.MonthlyQuotas.
package quota

import (
	"context"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Store reads quotas and writes warnings.
type Store struct {
	db     *db.DB
	outbox *outbox.Outbox
	link   func(path string) string
}

// NewStore returns the store over d; link makes an address of a path of the portal.
func NewStore(d *db.DB, o *outbox.Outbox, link func(path string) string) *Store {
	return &Store{db: d, outbox: o, link: link}
}

// The periods.
const (
	Month = "month"
	Day   = "day"
)

// Standing is what is used of one quota: that of an app at an API in an environment, in this month or on this day of UTC.
type Standing struct {
	AppID            db.ID
	AppName          string
	OrganizationID   db.ID
	OrganizationName string
	APIID            db.ID `gorm:"column:api_id"`
	APIName          string
	Environment      string
	Period           string
	Used             int64
	Quota            int64
	ResetsAt         time.Time `gorm:"-"`
}

// Mark is the highest mark that it has reached: 0, 80 or 100.
func (s Standing) Mark() int { return keyring.QuotaMark(s.Used, s.Quota) }

// periods are the tables of the two periods: where they count, from when they do now, and the plan's column.
func periods(now time.Time) []period {
	month, nextMonth := keyring.Month(now)
	day, nextDay := keyring.Day(now)
	return []period{{Month, "quota_counters", "period_start", "quota_month", month, nextMonth}, {Day, "quota_days", "day", "quota_day", day, nextDay}}
}

type period struct {
	name, table, column, quota string
	start, next                time.Time
}

// from joins counters u of a period with their app a, organization o, API p, access x and plan l, and ends inside a WHERE. Its one argument is the
// start of the period.
func (p period) from() string {
	return strings.NewReplacer("{table}", p.table, "{start}", p.column, "{quota}", p.quota).Replace(`
	FROM {table} u JOIN apps a ON a.id = u.app_id AND a.deleted_at IS NULL JOIN organizations o ON o.id = a.organization_id AND o.deleted_at IS NULL
	JOIN apis p ON p.id = u.api_id JOIN access x ON x.app_id = u.app_id AND x.api_id = u.api_id AND x.state IN ('approved', 'suspended')
	JOIN plans l ON l.id = x.plan_id AND l.{quota} IS NOT NULL
	WHERE u.{start} = ?`)
}

func (p period) columns() string {
	return `SELECT u.app_id, a.name AS app_name, o.id AS organization_id, o.name AS organization_name, u.api_id, p.name AS api_name, u.environment, '` + p.name + `' AS period, u.used, l.` + p.quota + ` AS quota`
}

// mostStandings bounds what a page shows.
const mostStandings = 200

// OfApp is what is used of the quotas of an app, the fullest first. Others' apps have none.
func (s *Store) OfApp(ctx context.Context, a actor.Actor, app db.ID) ([]Standing, error) {
	return s.standings(ctx, a, " AND a.id = ?", app)
}

// Warned is what has reached a mark among the quotas of the actor's organizations, the fullest first.
func (s *Store) Warned(ctx context.Context, a actor.Actor) ([]Standing, error) {
	all, err := s.standings(ctx, a, "")
	for i, one := range all {
		if one.Mark() == 0 {
			return all[:i], err
		}
	}
	return all, err
}

func (s *Store) standings(ctx context.Context, a actor.Actor, more string, args ...any) ([]Standing, error) {
	members, arg := a.Members()
	unseen, hidden := a.Hidden()
	var all []Standing
	for _, p := range periods(s.db.Now()) {
		var rows []Standing
		err := s.db.Read(ctx).Raw(p.columns()+p.from()+" AND o.id IN (SELECT m.organization_id FROM "+members+" m WHERE m.role IN ?) AND a.id NOT IN "+unseen+more+
			" ORDER BY u.used * 1.0 / l."+p.quota+" DESC, a.name, p.name, u.environment LIMIT ?",
			slices.Concat([]any{p.start, arg, permission.OrgRoles(permission.UsageRead)}, hidden, args, []any{mostStandings})...).Scan(&rows).Error
		if err != nil {
			return nil, err
		}
		for i := range rows {
			rows[i].ResetsAt = p.next
		}
		all = merge(all, rows)
	}
	return all, nil
}

// merge puts two lists together by how full their quotas are.
func merge(a, b []Standing) []Standing {
	out := make([]Standing, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if float64(a[0].Used)/float64(a[0].Quota) >= float64(b[0].Used)/float64(b[0].Quota) {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// due are the quotas that have reached a mark of which nobody was told.
func due(g *gorm.DB, p period) ([]Standing, error) {
	var rows []Standing
	err := g.Raw(p.columns()+p.from()+` AND u.used >= l.`+p.quota+` - l.`+p.quota+` / 5 AND NOT EXISTS (SELECT 1 FROM quota_warnings w WHERE w.period_start = ?
		AND w.period = '`+p.name+`' AND w.app_id = u.app_id AND w.api_id = u.api_id AND w.environment = u.environment
		AND w.mark = CASE WHEN u.used >= l.`+p.quota+` THEN 100 ELSE 80 END) ORDER BY u.app_id, u.api_id, u.environment LIMIT ?`, p.start, p.start, mostWarnings).Scan(&rows).Error
	for i := range rows {
		rows[i].ResetsAt = p.next
	}
	return rows, err
}

// mostWarnings is how many quotas one run warns of; the next run goes on.
const mostWarnings = 1000
