package web

import (
	"time"

	"github.com/labstack/echo/v4"
)

// Span puts a length of time into words, to the minute, from two days on to the day of 24 hours.
func Span(c echo.Context, d time.Duration) string {
	if minutes := wholeMinutes(d); minutes >= 48*60 {
		return T(c, "%d d", (minutes+12*60)/(24*60))
	}
	return OpenSpan(c, d)
}

// OpenSpan is Span for opening hours, of which no day has 24: it goes on counting hours.
func OpenSpan(c echo.Context, d time.Duration) string {
	minutes := wholeMinutes(d)
	switch {
	case minutes < 60:
		return T(c, "%d min", minutes)
	case minutes >= 48*60:
		return T(c, "%d h", (minutes+30)/60)
	case minutes%60 == 0:
		return T(c, "%d h", minutes/60)
	}
	return T(c, "%[1]d h %[2]d min", minutes/60, minutes%60)
}

// wholeMinutes rounds to minutes; what is not nothing is at least one.
func wholeMinutes(d time.Duration) int64 {
	minutes := int64((d + 30*time.Second) / time.Minute)
	if d > 0 && minutes == 0 {
		return 1
	}
	return minutes
}
