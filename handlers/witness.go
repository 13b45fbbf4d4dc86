package handlers

import (
	"context"
	"encoding/json"

	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/internal/witness"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// NewSigner makes the signer of checkpoints of the audit log.
func NewSigner(root *secret.Root) *audit.Signer {
	return audit.NewSigner(root.Keys(secret.LabelSigning))
}

// NewCheckpoints makes what signs checkpoints of the audit log once they are due, and writes them down outside where that is set.
func NewCheckpoints(d *db.DB, root *secret.Root, s config.Settings) *audit.Checkpoints {
	c := &audit.Checkpoints{DB: d, Signer: NewSigner(root), Pace: audit.Pace(s.AuditPace)}
	if s.AuditCheckpoints == "" {
		return c
	}
	write := witness.To(s.AuditCheckpoints)
	c.Write = func(ctx context.Context, point audit.Checkpoint) error {
		line, err := json.Marshal(point)
		if err != nil {
			return err
		}
		return write(ctx, line)
	}
	return c
}
