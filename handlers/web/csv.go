package web

import (
	"encoding/csv"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// CSV streams a download. Cells that a spreadsheet would take for a formula are made text (F9).
type CSV struct {
	w   *csv.Writer
	err error
}

// NewCSV begins the download name (without .csv) with a header row.
func NewCSV(c echo.Context, name string, header ...string) *CSV {
	h := c.Response().Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+name+`.csv"`)
	c.Response().WriteHeader(http.StatusOK)
	out := &CSV{w: csv.NewWriter(c.Response())}
	out.Row(header...)
	return out
}

// Row writes one row. Errors are kept for Close.
func (f *CSV) Row(cells ...string) {
	if f.err != nil {
		return
	}
	for i, cell := range cells {
		cells[i] = neutral(cell)
	}
	f.err = f.w.Write(cells)
}

// Close ends the download and tells whether all of it was written.
func (f *CSV) Close() error {
	f.w.Flush()
	if f.err != nil {
		return f.err
	}
	return f.w.Error()
}

// neutral puts an apostrophe before what spreadsheets read as a formula (OWASP, CSV injection), also behind leading blanks.
func neutral(cell string) string {
	trimmed := strings.TrimLeft(cell, " \u00a0")
	if trimmed != "" && strings.ContainsRune("=+-@\t\r\n", rune(trimmed[0])) {
		return "'" + cell
	}
	return cell
}
