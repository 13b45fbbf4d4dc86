package leak

import (
	"slices"
	"strconv"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/setting"
)

// reason is kept with keys that the policy revokes for a leak, and told to their people.
const reason = "It was reported as leaked."

// take is one report: it finds the keys, opens an incident for each that has none open, does what the policy says and mails their people. It tells
// for each text whether it was ever a key. A report of the same id that comes again changes nothing.
func (s *Store) take(tx *db.Tx, a actor.Actor, p payload) ([]bool, error) {
	byDigest, err := s.keyIDs(tx, p.Found)
	if err != nil {
		return nil, err
	}
	real := make([]bool, len(p.Found))
	about := map[db.ID][]found{}
	var ids []db.ID
	for i, f := range p.Found {
		for _, d := range slices.Concat(f.Digests, f.Marks) {
			id, ok := byDigest[string(d)]
			if !ok {
				continue
			}
			real[i] = true
			if len(about[id]) == 0 {
				ids = append(ids, id)
			}
			if f.Place == "" && f.URL == "" {
				f.Place, f.URL = p.Place, p.URL
			}
			about[id] = append(about[id], f)
			break
		}
	}
	if err := s.others(tx, a, p.Found, real); err != nil || len(ids) == 0 {
		return real, err
	}
	rows, before, err := standing(tx, ids)
	if err != nil {
		return nil, err
	}
	t := taking{store: s, tx: tx, actor: a, report: p, policy: DefaultPolicy}
	if _, err := setting.GetTx(tx, policyName, &t.policy); err != nil {
		return nil, err
	}
	for _, r := range rows {
		if err := t.one(r, before[r.ID], about[r.ID]); err != nil {
			return nil, err
		}
	}
	audit.Record(tx, a, t.event())
	return real, t.finish()
}

// others asks about what is no key, and marks what is something else of ours.
func (s *Store) others(tx *db.Tx, a actor.Actor, all []found, real []bool) error {
	if s.also == nil {
		return nil
	}
	var digests [][]byte
	for i, f := range all {
		if !real[i] {
			digests = append(digests, f.Digests...)
		}
	}
	known, err := s.also(tx, a, digests)
	if err != nil {
		return err
	}
	for i, f := range all {
		real[i] = real[i] || slices.ContainsFunc(f.Digests, func(d []byte) bool { return known[string(d)] })
	}
	return nil
}

// standing locks the keys and reads them, each with the incident to which a new report of it belongs: the open one, or for a key that is over the last.
func standing(tx *db.Tx, ids []db.ID) ([]key.Row, map[db.ID]Incident, error) {
	var locked []db.ID
	if err := tx.Raw("SELECT id FROM keys WHERE id IN ? ORDER BY id"+lock(tx), ids).Scan(&locked).Error; err != nil {
		return nil, nil, err
	}
	rows, err := key.RowsTx(tx, locked)
	if err != nil {
		return nil, nil, err
	}
	var incidents []Incident
	if err := tx.Raw("SELECT * FROM leak_incidents WHERE key_id IN ? ORDER BY opened_at", ids).Scan(&incidents).Error; err != nil {
		return nil, nil, err
	}
	over := map[db.ID]bool{}
	for _, r := range rows {
		over[r.ID] = isOver(r, tx.Now)
	}
	before := map[db.ID]Incident{}
	for _, i := range incidents {
		if i.Open() || over[i.KeyID] {
			before[i.KeyID] = i
		}
	}
	return rows, before, nil
}

// isOver reports whether nothing can be done with the key any more, by anybody.
func isOver(r key.Row, now time.Time) bool {
	return !r.Living(now) || r.AppDeletedAt != nil || r.OrgDeletedAt != nil || r.OwnerDeletedAt != nil
}

// taking is one report while it is taken.
type taking struct {
	store  *Store
	tx     *db.Tx
	actor  actor.Actor
	report payload
	policy Policy

	revoke, pause, tell []key.Row // keys whose incident this report opens
	known               int       // keys with an incident before it
	dead                int
}

// maxNews is how much news of anybody's an incident has: who must not decide before they have read it all can't be kept from it for ever.
const maxNews = 20

// one puts the report of one key on record, and notes what is to be done.
func (t *taking) one(r key.Row, before Incident, places []found) error {
	id := before.ID
	switch {
	case !id.IsZero():
		t.known++
	default:
		i := Incident{ID: db.NewID(), KeyID: r.ID, OpenedAt: t.tx.Now, ReportedAt: t.tx.Now}
		t.judge(&i, r)
		if err := t.open(i, r); err != nil {
			return err
		}
		id = i.ID
	}
	var added, news int
	for _, f := range places {
		fresh, n, err := t.put(id, f)
		if err != nil {
			return err
		}
		added, news = added+n, news+fresh
	}
	if t.report.Source != GitHub {
		news = min(news, max(0, maxNews-before.News))
	}
	if _, err := t.tx.Run("UPDATE leak_incidents SET reports = reports + ?, news = news + ?, reported_at = CASE WHEN ? > 0 THEN ? ELSE reported_at END WHERE id = ?", added, news, added, t.tx.Now, id); err != nil {
		return err
	}
	_, err := t.tx.Run(`DELETE FROM leak_reports WHERE incident_id = ? AND (report_id, url) NOT IN
		(SELECT report_id, url FROM leak_reports WHERE incident_id = ? ORDER BY at DESC, report_id DESC, url LIMIT ?)`, id, id, MaxReports)
	return err
}

// put keeps one report; added is 0 when it came before, fresh is 1 when nobody has reported that place in that way.
func (t *taking) put(id db.ID, f found) (fresh, added int, err error) {
	var same int
	if err := t.tx.Raw("SELECT COUNT(*) FROM leak_reports WHERE incident_id = ? AND source = ? AND place = ? AND url = ?", id, t.report.Source, f.Place, f.URL).Scan(&same).Error; err != nil {
		return 0, 0, err
	}
	n, err := t.tx.Run("INSERT INTO leak_reports (incident_id, report_id, source, place, url, at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (incident_id, report_id, url) DO NOTHING",
		id, t.report.ReportID, t.report.Source, f.Place, f.URL, t.tx.Now)
	if n > 0 && same == 0 {
		fresh = 1
	}
	return fresh, int(n), err
}

// judge says what is done with a key by policy, and notes it for finish.
func (t *taking) judge(i *Incident, r key.Row) {
	if isOver(r, t.tx.Now) {
		i.Done, i.ClosedAt = Over, &t.tx.Now
		t.dead++
		return
	}
	switch t.policy.For(r.Environment) {
	case Revoke:
		i.Done = Revoked
		t.revoke = append(t.revoke, r)
	case Pause:
		end := t.tx.Now.AddDate(0, 0, t.policy.NoticeDays)
		i.Done, i.RevokeAt = Paused, &end
		t.pause = append(t.pause, r)
	default:
		i.Done = Nothing
		t.tell = append(t.tell, r)
	}
}

func (t *taking) open(i Incident, r key.Row) error {
	audit.Record(t.tx, t.actor, audit.Event{
		Act: audit.LeakOpened, TargetKind: "key", TargetID: r.ID, OrganizationID: r.OrganizationID,
		Details: map[string]string{"hint": r.Hint(), "name": r.Name, "done": string(i.Done), "incident": i.ID.Show(IncidentPrefix), "report": t.report.ReportID.Show(ReportPrefix)},
	})
	_, err := t.tx.Run("INSERT INTO leak_incidents (id, key_id, opened_at, reported_at, done, revoke_at, closed_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
		i.ID, i.KeyID, i.OpenedAt, i.ReportedAt, i.Done, i.RevokeAt, i.ClosedAt)
	return err
}

// event tells of the report as one act; those of its keys stand beside it (K9).
func (t *taking) event() audit.Event {
	return audit.Event{
		Act: audit.LeakReported, TargetKind: "leak_report", TargetID: t.report.ReportID,
		Details: map[string]string{
			"source": string(t.report.Source), "sent": strconv.Itoa(len(t.report.Found)), "revoked": strconv.Itoa(len(t.revoke)),
			"paused": strconv.Itoa(len(t.pause)), "told": strconv.Itoa(len(t.tell)), "known": strconv.Itoa(t.known), "over": strconv.Itoa(t.dead),
		},
	}
}

// finish does what was noted.
func (t *taking) finish() error {
	details := map[string]string{"report": t.report.ReportID.Show(ReportPrefix)}
	if len(t.revoke) > 0 {
		if err := t.store.keys.RevokeTx(t.tx, t.actor, t.revoke, reason, details); err != nil {
			return err
		}
	}
	if len(t.pause) > 0 {
		if err := t.store.keys.PauseTx(t.tx, t.actor, t.pause, key.PausedLeak, details); err != nil {
			return err
		}
	}
	return t.store.mail(t.tx, t.reported())
}
