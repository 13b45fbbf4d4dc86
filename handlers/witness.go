package handlers

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/collector"
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

// NewArchives makes what takes old events of the audit log out of the database into files, and erases from these.
func NewArchives(o Options) *audit.Archives {
	a := &audit.Archives{DB: o.DB, Signer: NewSigner(o.Root), Folder: o.Settings.AuditArchive, Keep: o.Settings.AuditKeep}
	if stream := newStream(o); stream != nil {
		a.Taken = stream.Taken
	}
	return a
}

// streamEvery is how often events are handed on.
const streamEvery = 15 * time.Second

// newStream makes what hands the audit log on to a collector; nil where none is set.
func newStream(o Options) *audit.Stream {
	target := o.Settings.AuditStream.Reveal()
	if target == "" {
		return nil
	}
	to, err := collector.New(target, o.Settings.BaseURL.Hostname())
	return &audit.Stream{DB: o.DB, Signer: NewSigner(o.Root), Target: target, Send: func(ctx context.Context, events []audit.Streamed) error {
		if err != nil { // the settings were checked for it
			return err
		}
		batch := make([]collector.Message, len(events))
		for i, e := range events {
			batch[i] = collector.Message{At: e.At, ID: e.Act, Warn: e.Refused, Body: e.Line}
		}
		return to.Send(ctx, batch)
	}}
}

// patiently runs what reaches outside: a failure is logged, once for as long as it stays the same, and the next period tries again. A job that failed would be tried
// beside the next one, and be counted as given up while nothing is lost.
func patiently(what string, run func(context.Context) error) func(context.Context) error {
	said := ""
	return func(ctx context.Context) error {
		err := run(ctx)
		says := ""
		if err != nil {
			says = err.Error()
		}
		if says != said && err != nil && ctx.Err() == nil {
			slog.Error(what, "error", err)
		}
		said = says
		return nil
	}
}
