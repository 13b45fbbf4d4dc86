package forum

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/models/key"
	views "github.com/gatehouse-dev/gatehouse/views/forum"
)

// mostKeys bounds how many keys of one text are looked up.
const mostKeys = 10

// keyFound tells the author of a text that keys are in it, and names the first one that they can rotate. The text itself goes nowhere.
func (h *Handler) keyFound(c echo.Context, texts ...string) (*views.KeyFound, error) {
	var keys []apikey.Found
	for _, t := range texts {
		keys = append(keys, apikey.Find(t)...)
	}
	var first *views.KeyFound
	for _, found := range keys[:min(len(keys), mostKeys)] {
		row, ok, err := h.Keys.Pasted(web.Ctx(c), web.Actor(c), found.Key)
		if err != nil {
			return nil, err
		}
		if first == nil {
			first = &views.KeyFound{Hint: found.Key.Hint()}
		}
		if ok && first.Href == "" {
			first = &views.KeyFound{Hint: found.Key.Hint(), Name: row.Name, Href: "/console/keys/" + row.ID.Show(key.IDPrefix) + "/rotate"}
		}
	}
	return first, nil
}
