package web

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/views/components"
)

// Pager links to the pages before and after, keeping the filters of the address.
func Pager(c echo.Context, previous, next string) components.Pager {
	return components.Pager{PrevHref: pageHref(c, "before", previous), NextHref: pageHref(c, "after", next)}
}

func pageHref(c echo.Context, name, cursor string) string {
	if cursor == "" {
		return ""
	}
	q := c.Request().URL.Query()
	q.Del("after")
	q.Del("before")
	q.Set(name, cursor)
	return c.Request().URL.Path + "?" + q.Encode()
}

// SortHref links a column header: a second click turns the order around.
func SortHref(c echo.Context, name, inForce string) (href, sorted string) {
	q := c.Request().URL.Query()
	q.Del("after")
	q.Del("before")
	want := name
	switch inForce {
	case name:
		want, sorted = "-"+name, "ascending"
	case "-" + name:
		sorted = "descending"
	}
	q.Set("sort", want)
	return c.Request().URL.Path + "?" + q.Encode(), sorted
}
