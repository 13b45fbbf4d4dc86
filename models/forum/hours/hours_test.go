package hours_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-dev/gatehouse/models/forum/hours"
)

// slow is the model: it looks at the wall clock of every minute.
type slow struct {
	days     []time.Weekday
	from, to int
	zone     *time.Location
	holidays []string
}

func (s slow) open(t time.Time) bool {
	t = t.In(s.zone)
	m := t.Hour()*60 + t.Minute()
	return slices.Contains(s.days, t.Weekday()) && !slices.Contains(s.holidays, t.Format(time.DateOnly)) && m >= s.from && m < s.to
}

func (s slow) elapsed(from, to time.Time) (minutes int) {
	for t := from; t.Before(to); t = t.Add(time.Minute) {
		if s.open(t) {
			minutes++
		}
	}
	return minutes
}

func (s slow) due(from time.Time, minutes int) time.Time {
	t := from
	for minutes > 0 {
		if s.open(t) {
			minutes--
		}
		t = t.Add(time.Minute)
	}
	return t
}

// Zones whose clocks jump by an hour, by half an hour, at midnight, and over a whole day, with a day near the jump.
var jumps = []struct{ zone, near string }{
	{"Europe/Berlin", "2026-03-29"},
	{"Europe/Berlin", "2026-10-25"},
	{"America/New_York", "2026-11-01"},
	{"America/New_York", "2026-03-08"},
	{"Australia/Lord_Howe", "2026-04-05"},
	{"Australia/Lord_Howe", "2026-10-04"},
	{"America/Santiago", "2026-09-06"},
	{"Asia/Beirut", "2026-03-29"},
	{"Pacific/Apia", "2011-12-30"},
	{"Asia/Kolkata", "2026-06-01"},
	{"UTC", "2026-06-01"},
}

func draw(t *rapid.T) (slow, hours.Clock, time.Time) {
	j := rapid.SampledFrom(jumps).Draw(t, "zone")
	zone, err := time.LoadLocation(j.zone)
	if err != nil {
		t.Fatal(err)
	}
	near, err := time.ParseInLocation(time.DateOnly, j.near, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	s := slow{zone: zone}
	s.days = rapid.SliceOfNDistinct(rapid.Map(rapid.IntRange(0, 6), func(i int) time.Weekday { return time.Weekday(i) }), 1, 7, rapid.ID[time.Weekday]).Draw(t, "days")
	s.from = rapid.IntRange(0, 1439).Draw(t, "from")
	s.to = rapid.IntRange(s.from+1, 1440).Draw(t, "to")
	for i := range rapid.IntRange(0, 2).Draw(t, "holidays") {
		s.holidays = append(s.holidays, near.AddDate(0, 0, i).Format(time.DateOnly))
	}
	c, err := hours.NewClock(s.days, wall(s.from), wall(s.to), j.zone, s.holidays)
	if err != nil {
		t.Fatal(err)
	}
	return s, c, near.Add(time.Duration(rapid.IntRange(-4*1440, 3*1440).Draw(t, "start")) * time.Minute)
}

func wall(m int) string { return fmt.Sprintf("%02d:%02d", m/60, m%60) }

func TestElapsedIsWhatAWallClockShowsMinuteByMinute(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, c, from := draw(t)
		to := from.Add(time.Duration(rapid.IntRange(0, 8*1440).Draw(t, "length")) * time.Minute)

		got := c.Elapsed(from, to)

		if want := time.Duration(s.elapsed(from, to)) * time.Minute; got != want {
			t.Fatalf("%v, want %v", got, want)
		}
		if c.Open(from) != s.open(from) {
			t.Fatalf("open at %v: %v", from, c.Open(from))
		}
	})
}

func TestDueIsWhenTheMinutesHavePassedOnTheWall(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, c, from := draw(t)
		minutes := rapid.IntRange(0, 3000).Draw(t, "minutes")
		if s.to-s.from < 30 {
			minutes %= 60 // the slow model would walk for months
		}

		got := c.Due(from, minutes)

		if want := s.due(from, minutes); !got.Equal(want) {
			t.Fatalf("%v, want %v", got, want)
		}
		if e := c.Elapsed(from, got); e != time.Duration(minutes)*time.Minute {
			t.Fatalf("until due %v pass, want %d min", e, minutes)
		}
	})
}

func TestWeekendAndHolidayDoNotCount(t *testing.T) {
	p := hours.DefaultPolicy()
	p.Zone, p.Holidays, p.FirstReply = "Europe/Berlin", []string{"2026-12-25"}, 120
	thursday := time.Date(2026, 12, 24, 15, 30, 0, 0, time.UTC) // 16:30 in Berlin, half an hour before closing

	due, err := p.FirstDue(thursday)

	if want := time.Date(2026, 12, 28, 9, 30, 0, 0, time.UTC); err != nil || !due.Equal(want) {
		t.Fatal(due, err)
	}
}

func TestHoursThatNeverOpenAreRefused(t *testing.T) {
	week := []time.Weekday{time.Monday}
	for name, try := range map[string]func() (hours.Clock, error){
		"no day":    func() (hours.Clock, error) { return hours.NewClock(nil, "09:00", "17:00", "UTC", nil) },
		"backwards": func() (hours.Clock, error) { return hours.NewClock(week, "17:00", "09:00", "UTC", nil) },
		"no time":   func() (hours.Clock, error) { return hours.NewClock(week, "9", "17:00", "UTC", nil) },
		"no zone":   func() (hours.Clock, error) { return hours.NewClock(week, "09:00", "17:00", "Mars/Olympus", nil) },
		"no date": func() (hours.Clock, error) {
			return hours.NewClock(week, "09:00", "17:00", "UTC", []string{"Christmas"})
		},
		"server's own": func() (hours.Clock, error) { return hours.NewClock(week, "09:00", "17:00", "Local", nil) },
	} {
		t.Run(name, func(t *testing.T) {
			_, err := try()

			if err == nil {
				t.Fatal("taken")
			}
		})
	}
}
