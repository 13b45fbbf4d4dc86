package demo

import (
	"context"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/usage/refusal"
)

// refusalsOfLine is how many of the refusals of one key with one code and route can be opened.
const refusalsOfLine = 5

// causes are what each code of the demo comes from.
var causes = map[string]keyring.Cause{
	"NOT_FOUND": keyring.UnknownKey, "REVOKED": keyring.KeyRevoked, "EXPIRED": keyring.KeyExpired, "PAUSED": keyring.KeyPaused, "SUSPENDED": keyring.KeySuspended,
	"WRONG_API": keyring.AccessOver, "INSUFFICIENT_SCOPE": keyring.RouteScopeMissing, "RATE_LIMITED": keyring.PlanRate, "QUOTA_EXCEEDED": keyring.MonthUsedUp,
}

// writeRefusals writes the last of the refused calls, so that they can be opened by their request ids.
func (f *filler) writeRefusals(ctx context.Context, lines []*line) error {
	publishers, err := f.publishers(ctx)
	if err != nil {
		return err
	}
	recorder := refusal.NewRecorder(f.db, nil)
	for n, l := range lines {
		cause, refused := causes[l.code]
		if !refused {
			continue
		}
		counted := l.minutes
		if len(counted) == 0 {
			counted = l.hours
		}
		for i, at := range counted[max(0, len(counted)-refusalsOfLine):] {
			if f.now.Sub(at.at) < refusal.Keep {
				recorder.Put(f.refusalOf(l, at.at.Add(time.Duration(7+13*i)*time.Second), cause, fmt.Sprint(n, " ", i), publishers))
			}
		}
	}
	return recorder.Flush(ctx)
}

func (f *filler) refusalOf(l *line, at time.Time, cause keyring.Cause, seed string, publishers map[db.ID]db.ID) refusal.Record {
	keyID, appID, orgID, environment := l.ids(f)
	var id [10]byte
	binary.BigEndian.PutUint64(id[:], hashOf("request "+seed)*0x9e3779b97f4a7c15)
	binary.BigEndian.PutUint16(id[8:], uint16(hashOf(seed))) //nolint:gosec // the low half is meant
	r := refusal.Record{
		RequestID: "req_" + base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding).EncodeToString(id[:]),
		At:        at, Key: keyring.ID(keyID), App: keyring.ID(appID), Org: keyring.ID(orgID), API: keyring.ID(l.api.id), Publisher: keyring.ID(publishers[l.api.id]),
		Door: refusal.Authz, Code: l.code, Cause: cause, Status: 403, Method: "GET", Path: strings.NewReplacer("{id}", "4711", "{", "", "}", "").Replace(l.route),
		Address: networkOf(seed[:1], 0),
	}
	if r.Environment, _ = keyring.ParseEnvironment(environment); r.Environment == 0 {
		r.Environment = keyring.Live
	}
	r.Seen = keyring.Seen{Environment: environment}
	if l.method != "" {
		r.Method = l.method
	}
	if l.route == "" {
		r.Method = ""
	} else {
		r.Seen.Route = r.Method + " " + l.route
	}
	switch cause {
	case keyring.PlanRate:
		r.Status, r.Seen.RetryAfter, r.Seen.Rate = 429, int64(2*time.Second), &keyring.Left{Limit: 100, ResetsAt: at.Add(time.Minute).UnixNano()}
	case keyring.RouteScopeMissing:
		r.Seen.Missing, r.Seen.Needed = l.scope, []string{l.scope}
	case keyring.UnknownKey, keyring.KeyRevoked, keyring.KeyExpired, keyring.KeyPaused:
		r.Status = 401
		if l.key != nil && l.key.ends != nil {
			r.Seen.EndsAt = l.key.ends.UnixNano()
		}
		if cause == keyring.KeyRevoked {
			r.Seen.RevokedAt = at.Add(-time.Hour).UnixNano()
		}
	}
	return r
}

func (f *filler) publishers(ctx context.Context) (map[db.ID]db.ID, error) {
	var rows []struct{ ID, PublisherID db.ID }
	err := f.db.Read(ctx).Raw("SELECT id, publisher_id FROM apis").Scan(&rows).Error
	out := make(map[db.ID]db.ID, len(rows))
	for _, r := range rows {
		out[r.ID] = r.PublisherID
	}
	return out, err
}
