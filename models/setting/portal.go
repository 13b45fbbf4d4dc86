package setting

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// PortalName is the setting that holds a Portal.
const PortalName = "portal"

// Portal is what the operator calls this place and how it looks. Before set-up it is the default.
type Portal struct {
	Name    string     `json:"name"`
	Hue     int        `json:"hue,omitempty"` // 1 to 360; 0: built in
	Footer  string     `json:"footer,omitempty"`
	SetUpAt *time.Time `json:"set_up_at,omitempty"` // nil: nobody has set it up yet
}

// PortalOf reads the portal's settings.
func PortalOf(ctx context.Context, d *db.DB) (Portal, error) {
	p := Portal{Name: "Gatehouse"}
	_, err := Get(ctx, d, PortalName, &p)
	return p, err
}
