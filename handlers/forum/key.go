package forum

import (
	"maps"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/forum"
)

// mostKeys bounds how many keys of one text are looked up.
const mostKeys = 10

// onlyOnce drops from the problems what the note about a key says already, with what to do: the text that is shown again holds the key's hint.
func onlyOnce(c echo.Context, found *views.KeyFound, problems []components.Problem, fields map[string]string) []components.Problem {
	if found == nil {
		return problems
	}
	words := web.T(c, "This holds an API key. Take it out, and rotate the key if others saw it.")
	maps.DeleteFunc(fields, func(_, problem string) bool { return problem == words })
	return slices.DeleteFunc(problems, func(p components.Problem) bool { return p.Message == words })
}

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
