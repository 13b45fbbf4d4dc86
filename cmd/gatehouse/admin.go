package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/setting"
)

type adminCommand struct {
	Create adminCreateCommand `cmd:"" help:"Make an admin, and print the link by which they set their password."`
}

type adminCreateCommand struct {
	Email string `required:"" help:"Mail address, with which they sign in."`
	Name  string `required:"" help:"Name, as the company's people see it."`
}

// Run makes an admin of the portal without a password. The link that it prints works once, for a day. It needs a portal that was
// set up: before that the set-up link makes the first admin, and the company's organization with it.
func (c adminCreateCommand) Run(w *world) error {
	o, err := open(w)
	if err != nil {
		return err
	}
	return closing(c.create(w, o), o)
}

func (c adminCreateCommand) create(w *world, o *opened) error {
	portal, err := setting.PortalOf(w.ctx, o.db)
	if err != nil {
		return err
	}
	if portal.SetUpAt == nil {
		return errors.New("this portal is not set up yet: start gatehouse serve, and open the set-up link that it prints")
	}
	link := func(path string) string { return o.settings.BaseURL.String() + path }
	u, url, err := account.NewStore(account.Options{DB: o.db, Link: link}).InviteStaff(w.ctx, actor.ForOperator(), c.Email, c.Name, permission.StaffAdmin)
	if err != nil {
		return spoken(err)
	}
	_, err = fmt.Fprintf(w.stdout, "%s (%s) is an admin now. Give them this link; it works once, for a day:\n%s\n", u.Name, u.Email, url)
	return err
}

// spoken is a fault in the words that its page would use, for a terminal.
func spoken(err error) error {
	f := fault.As(err)
	if f == nil {
		return err
	}
	ctx := text.With(context.Background(), text.Locale{Language: text.English})
	if len(f.Problems) == 0 {
		return errors.New(text.T(ctx, f.Key, f.Args...))
	}
	var all []error
	for _, p := range f.Problems {
		all = append(all, fmt.Errorf("%s: %s", p.Field, text.T(ctx, p.Key, p.Args...)))
	}
	return errors.Join(all...)
}
