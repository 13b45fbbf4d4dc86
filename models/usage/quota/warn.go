package quota

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// Every is how often Warn runs.
const Every = time.Minute

// Warn writes to the people of each app of which a quota has reached 80 or 100 per cent: once for a period and mark, whichever process runs it and
// however often. When both marks are reached between two runs, only the higher one is told. It is a job.
func (s *Store) Warn(ctx context.Context) error {
	for _, p := range periods(s.db.Now()) {
		rows, err := due(s.db.Read(ctx), p)
		if err != nil {
			return err
		}
		for _, one := range rows {
			if err := s.db.Tx(ctx, func(tx *db.Tx) error { return s.tell(tx, one, p.start) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// tell queues the letters of one mark, unless another process has.
func (s *Store) tell(tx *db.Tx, one Standing, start time.Time) error {
	told := false
	for _, mark := range []int{keyring.QuotaNearly, keyring.QuotaUsedUp} {
		if mark > one.Mark() {
			break
		}
		n, err := tx.Run(`INSERT INTO quota_warnings (app_id, api_id, environment, period, period_start, mark, at) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (period_start, period, app_id, api_id, environment, mark) DO NOTHING`, one.AppID, one.APIID, one.Environment, one.Period, start, mark, tx.Now)
		if err != nil {
			return err
		}
		told = n == 0
	}
	if told {
		return nil
	}
	var to []org.Recipient
	if err := tx.Raw(readers, append(org.ReachableArgs(tx.Now), one.AppID)...).Scan(&to).Error; err != nil {
		return err
	}
	for _, r := range to {
		if err := s.outbox.Queue(tx, s.letter(tx.Context(), one, r)); err != nil {
			return err
		}
	}
	return nil
}

// readers are the people of an app: who answers for its living keys, the organization's owners and admins, and its technical address; those who answer for keys first,
// at most 30. Nobody else is written to.
const readers = "SELECT u.id, u.email, u.language, u.time_zone, CASE WHEN " + answers + " THEN 0 ELSE 1 END AS place FROM apps a" + org.AppPeople +
	" WHERE a.id = ? AND (m.role IN ('admin', 'owner') OR u.email = o.technical_email OR " + answers + ") ORDER BY place, u.email LIMIT 30"

// answers is true of users u who answer for a living key of the app a.
const answers = "EXISTS (SELECT 1 FROM keys k WHERE k.app_id = a.id AND k.revoked_at IS NULL AND COALESCE(k.responsible_id, k.created_by) = u.id)"

// The sentences of a letter: app, what is used, the quota, API, environment.
var sentences = map[string]string{
	Month: text.N("Calls of %[1]s at %[4]s this month, environment %[5]s: %[2]s of %[3]s."),
	Day:   text.N("Calls of %[1]s at %[4]s on this day, environment %[5]s: %[2]s of %[3]s."),
}

var environments = map[string]string{"live": text.N("Live"), "test": text.N("Test")}

func (s *Store) letter(ctx context.Context, one Standing, to org.Recipient) outbox.Letter {
	zone, err := time.LoadLocation(to.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	ctx = text.With(ctx, text.Locale{Language: text.Language(to.Language), Zone: zone})
	l := outbox.Letter{Kind: "quota_nearly", To: to.Email, UserID: to.ID, Language: to.Language, TimeZone: to.TimeZone, Subject: outbox.L("80 percent of a quota are used")}
	what := outbox.L("Calls beyond the quota are refused with QUOTA_EXCEEDED.")
	if one.Mark() == keyring.QuotaUsedUp {
		l.Kind, l.Subject = "quota_used_up", outbox.L("A quota is used up")
		what = outbox.L("Its calls there are refused with QUOTA_EXCEEDED until the quota begins anew.")
	}
	l.Lines = []outbox.Line{
		outbox.L(sentences[one.Period], one.AppName, text.Number(ctx, one.Used), text.Number(ctx, one.Quota), one.APIName, text.T(ctx, environments[one.Environment])),
		what,
		outbox.L("The quota begins anew on %s.", text.DateTime(ctx, one.ResetsAt)),
	}
	l.After = []outbox.Line{outbox.L("A larger plan can be requested on the page of the API.")}
	button := outbox.L("Open the app")
	l.Button, l.URL = &button, s.link("/console/apps/"+one.AppID.Show(org.AppPrefix))
	l.ExpiresAt = one.ResetsAt.Add(7 * 24 * time.Hour)
	return l
}
