package web

import (
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

// Again shows the page of an act again with what stands in its way: what was entered, or how things stand (see Stands). page makes it, given the error of each
// field by its name. Any other error is returned.
func (k *Kit) Again(c echo.Context, err error, page func(fields map[string]string) (views.Desk, error)) error {
	list, fields, ok := Stands(c, err)
	if !ok {
		return err
	}
	d, pageErr := page(fields)
	if pageErr != nil {
		return pageErr
	}
	d.Problems = list
	return k.RenderStatus(c, Status(err), views.Page(d))
}

// RenderDesk answers 200 with a Desk, or returns why there is none.
func (k *Kit) RenderDesk(c echo.Context, d views.Desk, err error) error {
	if err != nil {
		return err
	}
	return k.Render(c, views.Page(d))
}

// Moment is t as a Desk shows it.
func (k *Kit) Moment(c echo.Context, t time.Time) *components.Moment {
	m := components.MomentAt(Ctx(c), k.Now(), t)
	return &m
}
