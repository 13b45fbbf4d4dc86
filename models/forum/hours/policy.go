package hours

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/setting"
)

// SettingName is the setting that holds a Policy.
const SettingName = "support"

// Policy is when support works, how soon it answers, and how long it waits for an asker.
type Policy struct {
	Days       []time.Weekday `json:"days"`
	From       string         `json:"from"` // "09:00"
	To         string         `json:"to"`   // "17:00", at most "24:00"
	Zone       string         `json:"zone"` // IANA name
	Holidays   []string       `json:"holidays,omitempty"`
	FirstReply int            `json:"first_reply_minutes"` // business minutes until the first word of staff
	NextReply  int            `json:"next_reply_minutes"`  // and until each later one
	WarnAfter  int            `json:"warn_after_days"`     // calendar days a question waits for its asker before the warning
	CloseAfter int            `json:"close_after_days"`    // and from the warning until it closes
}

// DefaultPolicy holds until staff set another.
func DefaultPolicy() Policy {
	return Policy{
		Days: []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}, From: "09:00", To: "17:00", Zone: "UTC",
		FirstReply: 4 * 60, NextReply: 8 * 60, WarnAfter: 7, CloseAfter: 3,
	}
}

// Clock is the policy's opening hours. It fails when they can't be read, which a policy that was saved through the desk can.
func (p Policy) Clock() (Clock, error) { return NewClock(p.Days, p.From, p.To, p.Zone, p.Holidays) }

// PolicyOf reads the policy.
func PolicyOf(ctx context.Context, d *db.DB) (Policy, error) {
	p := Policy{}
	found, err := setting.Get(ctx, d, SettingName, &p)
	return p.orDefault(found), err
}

// PolicyTx is PolicyOf inside a transaction.
func PolicyTx(tx *db.Tx) (Policy, error) {
	p := Policy{}
	found, err := setting.GetTx(tx, SettingName, &p)
	return p.orDefault(found), err
}

func (p Policy) orDefault(found bool) Policy {
	if !found {
		return DefaultPolicy()
	}
	return p
}

// FirstDue is until when somebody who has waited since an instant should have the first word of staff.
func (p Policy) FirstDue(since time.Time) (time.Time, error) { return p.due(since, p.FirstReply) }

// NextDue is until when an asker who has waited since an instant should have the next word of staff.
func (p Policy) NextDue(since time.Time) (time.Time, error) { return p.due(since, p.NextReply) }

func (p Policy) due(since time.Time, minutes int) (time.Time, error) {
	c, err := p.Clock()
	if err != nil {
		return time.Time{}, err
	}
	return c.Due(since, minutes), nil
}
