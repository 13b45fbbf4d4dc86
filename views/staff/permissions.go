package staff

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/views/components"
)

func permissionColumns(ctx context.Context, g PermissionGroup) []components.Column {
	columns := []components.Column{{Label: text.T(ctx, "Permission")}}
	for _, r := range g.Roles {
		columns = append(columns, components.Column{Label: r})
	}
	return columns
}
