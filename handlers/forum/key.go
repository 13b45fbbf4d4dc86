package forum

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/models/key"
	views "github.com/gatehouse-dev/gatehouse/views/forum"
)

// keyFound tells the author of a text that a key is in it, and which, when it is a key that the author can see. The text itself goes nowhere.
func (h *Handler) keyFound(c echo.Context, texts ...string) (*views.KeyFound, error) {
	for _, t := range texts {
		for _, found := range apikey.Find(t) {
			k := &views.KeyFound{Hint: found.Key.Hint()}
			row, ok, err := h.Keys.Pasted(web.Ctx(c), web.Actor(c), found.Key)
			if err != nil {
				return nil, err
			}
			if ok {
				k.Name, k.Href = row.Name, "/console/keys/"+row.ID.Show(key.IDPrefix)+"/rotate"
			}
			return k, nil
		}
	}
	return nil, nil
}
