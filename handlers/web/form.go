package web

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Bind reads the form in the body into a private struct (tags `form:"…"`) and nothing else: not the query, not the path, not fields
// that the struct does not name (Z3). Faults: Invalid for what is too long, no form, or no text.
func Bind(c echo.Context, form any) error {
	r := c.Request()
	if err := r.ParseForm(); err != nil {
		return asFault(err)
	}
	r.Form = r.PostForm // echo's binder reads Form, into which net/http mixes the query
	b := &echo.DefaultBinder{}
	if err := b.BindBody(c, form); err != nil {
		return fault.Wrap(err, fault.Invalid, "Go back and change what you entered.")
	}
	if !areTexts(r.PostForm) || r.MultipartForm != nil && !areTexts(r.MultipartForm.Value) {
		return notText()
	}
	return nil
}

// PathID reads the id in the path parameter. A text that is none is as absent as an id of nothing (Z2).
func PathID(c echo.Context, param, prefix string) (db.ID, error) {
	id, err := db.ParseID(prefix, c.Param(param))
	if err != nil {
		return db.ID{}, fault.Missing()
	}
	return id, nil
}

// QueryID reads an optional id in the query; a text that is none counts as not given.
func QueryID(c echo.Context, name, prefix string) db.ID {
	id, err := db.ParseID(prefix, c.QueryParam(name))
	if err != nil {
		return db.ID{}
	}
	return id
}

// PageOf reads what part of a list is wanted: sort, after and before of the query.
func PageOf(c echo.Context) db.PageRequest {
	return db.PageRequest{Sort: c.QueryParam("sort"), After: c.QueryParam("after"), Before: c.QueryParam("before")}
}
