package main

import (
	"context"
	"fmt"

	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/account/factor"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/setting"
)

type usersCommand struct {
	ResetFactors usersResetFactorsCommand `cmd:"" help:"Take all second factors of somebody who has lost them away, so that the password alone signs in."`
	SignOutAll   usersSignOutAllCommand   `cmd:"" help:"Sign everybody out and end the links that were mailed: after a database was restored by other means than restore."`
}

type usersSignOutAllCommand struct{}

// Run does what restore does by itself. Servers that run learn of it with their next question to the database.
func (usersSignOutAllCommand) Run(w *world) error {
	o, err := open(w)
	if err != nil {
		return err
	}
	if err = account.EndEverything(w.ctx, o.db); err == nil {
		_, err = fmt.Fprintln(w.stdout, "Everybody is signed out, and links that were mailed before don't work any more.")
	}
	return closing(err, o)
}

type usersResetFactorsCommand struct {
	Email string `required:"" help:"Mail address of the person."`
}

// Run takes factors and recovery codes away and ends all sessions; it is told in the audit log and to the person by mail. Whoever runs it has made sure who asks.
func (c usersResetFactorsCommand) Run(w *world) error {
	o, err := open(w)
	if err != nil {
		return err
	}
	return closing(c.reset(w, o), o)
}

func (c usersResetFactorsCommand) reset(w *world, o *opened) error {
	name := func(ctx context.Context) string {
		p, err := setting.PortalOf(ctx, o.db)
		if err != nil {
			return "Gatehouse"
		}
		return p.Name
	}
	factors := factor.NewStore(factor.Options{
		DB: o.db, Accounts: account.NewStore(account.Options{DB: o.db}), Sealer: o.root.Sealer(secret.LabelFactor), Outbox: outbox.New(o.root.Sealer(secret.LabelMail)),
		Link: func(path string) string { return o.settings.BaseURL.String() + path }, PortalName: name,
	})
	if err := factors.Reset(w.ctx, actor.ForOperator(), c.Email); err != nil {
		return spoken(err)
	}
	_, err := fmt.Fprintf(w.stdout, "%s signs in with the password alone now. A mail tells them; all their browsers are signed out.\n", c.Email)
	return err
}
