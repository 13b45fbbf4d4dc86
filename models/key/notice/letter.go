package notice

import (
	"context"
	"strconv"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// letter puts a digest into words. Its subject holds hints and numbers, never a name: those are the words of whoever made the key. Of a key's text the
// hint is all that it holds (K1).
func (s *Store) letter(ctx context.Context, to key.Reader, now time.Time, rows []key.Row, leaks map[db.ID]time.Time) outbox.Letter {
	var over, soon, leaked []key.Row
	for _, r := range rows {
		switch {
		case !leaks[r.ID].IsZero():
			leaked = append(leaked, r)
		case r.ExpiresAt.After(now):
			soon = append(soon, r)
		default:
			over = append(over, r)
		}
	}
	expires := func(r key.Row) time.Time { return *r.ExpiresAt }
	l := outbox.Letter{Kind: "key_expires", To: to.Email, UserID: to.UserID, Language: to.Language, TimeZone: to.TimeZone, Subject: subject(ctx, over, soon, leaked, leaks)}
	if len(soon)+len(leaked) == 0 {
		l.Kind = "key_expired"
	}
	if len(leaked) > 0 {
		l.Lines = append(l.Lines, outbox.L("These keys were reported as leaked and are paused. They are revoked for ever, unless their people decide before:"))
		l.Lines = append(l.Lines, lines(ctx, leaked, "“%[1]s” (%[2]s), app %[3]s of %[4]s: revoked on %[5]s", func(r key.Row) time.Time { return leaks[r.ID] })...)
		l.After = append(l.After, outbox.L("Rotate a leaked key before then. Its page says where it was reported."))
	}
	if len(soon) > 0 {
		l.Lines = append(l.Lines, outbox.L("These keys stop working soon:"))
		l.Lines = append(l.Lines, lines(ctx, soon, "“%[1]s” (%[2]s), app %[3]s of %[4]s: expires on %[5]s", expires)...)
		l.After = append(l.After, outbox.L("Rotate a key before then: the new one has the same scopes, and both work for as long as you choose."))
	}
	if len(over) > 0 {
		l.Lines = append(l.Lines, outbox.L("These keys have expired and are refused:"))
		l.Lines = append(l.Lines, lines(ctx, over, "“%[1]s” (%[2]s), app %[3]s of %[4]s: expired on %[5]s", expires)...)
		l.After = append(l.After, outbox.L("A program that still needs access needs a new key."))
	}
	l.After = append(l.After, outbox.L("Such notices come in one mail a day, in the morning."))
	s.keys.Button(&l, rows)
	return l
}

// The sentences of lines.
var _ = []string{
	text.N("“%[1]s” (%[2]s), app %[3]s of %[4]s: expires on %[5]s"),
	text.N("“%[1]s” (%[2]s), app %[3]s of %[4]s: expired on %[5]s"),
	text.N("“%[1]s” (%[2]s), app %[3]s of %[4]s: revoked on %[5]s"),
}

func lines(ctx context.Context, rows []key.Row, sentence string, at func(key.Row) time.Time) []outbox.Line {
	var out []outbox.Line
	for _, r := range rows[:min(len(rows), key.Listed)] {
		out = append(out, outbox.L(sentence, r.Name, r.Hint(), r.AppName, r.OrganizationName, text.DateTime(ctx, at(r))))
	}
	if len(rows) > key.Listed {
		out = append(out, outbox.L("… and others: the list of keys shows them all."))
	}
	return out
}

func subject(ctx context.Context, over, soon, leaked []key.Row, leaks map[db.ID]time.Time) outbox.Line {
	switch {
	case len(leaked) == 1 && len(over)+len(soon) == 0:
		return outbox.L("The leaked API key %[1]s is revoked on %[2]s", leaked[0].Hint(), text.Date(ctx, leaks[leaked[0].ID]))
	case len(leaked) > 0 && len(over)+len(soon) == 0:
		return outbox.L("%d leaked API keys are revoked soon", strconv.Itoa(len(leaked)))
	case len(leaked) > 0:
		return outbox.L("API keys end soon or have ended: %s", strconv.Itoa(len(over)+len(soon)+len(leaked)))
	case len(over) == 0 && len(soon) == 1:
		return outbox.L("The API key %[1]s expires on %[2]s", soon[0].Hint(), text.Date(ctx, *soon[0].ExpiresAt))
	case len(over) == 0:
		return outbox.L("%d API keys expire soon", strconv.Itoa(len(soon)))
	case len(soon) == 0 && len(over) == 1:
		return outbox.L("The API key %s has expired", over[0].Hint())
	case len(soon) == 0:
		return outbox.L("%d API keys have expired", strconv.Itoa(len(over)))
	}
	return outbox.L("API keys expire soon or have expired: %s", strconv.Itoa(len(over)+len(soon)))
}
