package text

import (
	"context"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/number"
)

// Number writes a whole or a decimal number with the separators of the language: "1,204,331".
func Number[N int | int32 | int64 | uint64 | float64](ctx context.Context, n N) string {
	return speakerOf(ctx).printer.Sprint(number.Decimal(n, number.MaxFractionDigits(2)))
}

// Percent writes a share of 1 with at most two decimals: Percent(ctx, 0.0038) is "0.38%".
func Percent(ctx context.Context, share float64) string {
	return speakerOf(ctx).printer.Sprint(number.Percent(share, number.MaxFractionDigits(2)))
}

// Compact writes a large count short: 4.1 M, 18 K. Below 10,000 it is Number. For tiles.
func Compact(ctx context.Context, n int64) string { return CompactLike(ctx, n, n) }

// CompactLike writes n in the unit that Compact gives to like, so that the labels of one axis agree: 5 K beside 20 K.
func CompactLike(ctx context.Context, n, like int64) string {
	short := func(unit float64) string {
		return speakerOf(ctx).printer.Sprint(number.Decimal(float64(n)/unit, number.MaxFractionDigits(1)))
	}
	switch {
	case n == 0 || like < 10_000:
		return Number(ctx, n)
	case like < 1_000_000:
		return T(ctx, "%s K", short(1e3))
	case like < 1_000_000_000:
		return T(ctx, "%s M", short(1e6))
	default:
		return T(ctx, "%s B", short(1e9))
	}
}

// Date writes the day of t in the zone of ctx: "21 Nov 2026". The zero time is "–".
func Date(ctx context.Context, t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	t = t.In(Of(ctx).Zone)
	return T(ctx, "%[1]d %[2]s %[3]s", t.Day(), T(ctx, months[t.Month()-1]), strconv.Itoa(t.Year()))
}

// DateTime writes t to the minute in the zone of ctx, which it names: "21 Nov 2026, 14:05 UTC". The zero time is "–".
func DateTime(ctx context.Context, t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	t = t.In(Of(ctx).Zone)
	return T(ctx, "%[1]s, %[2]s %[3]s", Date(ctx, t), t.Format("15:04"), t.Format("MST"))
}

// Clock writes the hour and minute of t in the zone of ctx: "14:05".
func Clock(ctx context.Context, t time.Time) string { return t.In(Of(ctx).Zone).Format("15:04") }

// DayMonth writes the day and month of t in the zone of ctx, for axes of charts: "21 Nov".
func DayMonth(ctx context.Context, t time.Time) string {
	t = t.In(Of(ctx).Zone)
	return T(ctx, "%[1]d %[2]s", t.Day(), T(ctx, months[t.Month()-1]))
}

var months = [12]string{
	N("Jan"), N("Feb"), N("Mar"), N("Apr"), N("May"), N("Jun"),
	N("Jul"), N("Aug"), N("Sep"), N("Oct"), N("Nov"), N("Dec"),
}

// Relative writes how far t is from now: "2 min ago", "Yesterday", "In 90 days". Beyond a year it is Date.
// The zero time is "Never". Days are counted by the calendar in the zone of ctx once the distance is over 12 hours.
func Relative(ctx context.Context, now, t time.Time) string {
	if t.IsZero() {
		return T(ctx, "Never")
	}
	zone := Of(ctx).Zone
	past, future := now.Sub(t), t.Sub(now)
	switch days := daysBetween(now.In(zone), t.In(zone)); {
	case past >= 0 && past < 12*time.Hour || past >= 0 && days == 0:
		return ago(ctx, past)
	case future > 0 && future < 12*time.Hour || future > 0 && days == 0:
		return ahead(ctx, future)
	case days == -1:
		return T(ctx, "Yesterday")
	case days == 1:
		return T(ctx, "Tomorrow")
	case days < -365 || days > 365:
		return Date(ctx, t)
	case days < 0 && days > -21:
		return T(ctx, "%d days ago", -days)
	case days < 0 && days > -60:
		return T(ctx, "%d weeks ago", -days/7)
	case days < 0:
		return T(ctx, "%d months ago", -days/30)
	default:
		return T(ctx, "In %d days", days)
	}
}

// Inside is what Relative wrote, as it stands within a sentence: without its capital.
func Inside(relative string) string {
	first, size := utf8.DecodeRuneInString(relative)
	return string(unicode.ToLower(first)) + relative[size:]
}

func ago(ctx context.Context, d time.Duration) string {
	switch {
	case d < time.Minute:
		return T(ctx, "Just now")
	case d < time.Hour:
		return T(ctx, "%d min ago", int(d.Minutes()))
	default:
		return T(ctx, "%d hours ago", int(d.Hours()))
	}
}

func ahead(ctx context.Context, d time.Duration) string {
	switch {
	case d < time.Minute:
		return T(ctx, "In less than a minute")
	case d < time.Hour:
		return T(ctx, "In %d min", int(d.Minutes()))
	default:
		return T(ctx, "In %d hours", int(d.Hours()))
	}
}

// daysBetween counts calendar days from a to b, both in the same zone; daylight saving does not bend it.
func daysBetween(a, b time.Time) int {
	day := func(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC) }
	return int(day(b).Sub(day(a)) / (24 * time.Hour))
}

func speakerOf(ctx context.Context) *speaker {
	if s, ok := printers[Of(ctx).Language]; ok {
		return s
	}
	return printers[English]
}
