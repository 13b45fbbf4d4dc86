package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/handover"
)

// handing is how a new key's text leaves: by standard output, or by a link.
type handing struct {
	Link string `help:"Print a link that shows the key once, instead of the key: 15m, 1h, 4h or 24h." placeholder:"LIFE"`
	JSON bool   `name:"json" help:"Write one JSON document, with the text in \"key\" or the link in \"link\"."`
}

func (h handing) deliver(d *desk) (*handover.MadeLink, key.Deliver, error) {
	if h.Link == "" {
		return nil, nil, nil
	}
	life, err := time.ParseDuration(h.Link)
	if err != nil {
		return nil, nil, wrongUse("--link is 15m, 1h, 4h or 24h")
	}
	link, deliver := d.links.ByLink(life)
	return link, deliver, nil
}

// hand writes the new key's text, or its link, to standard output alone (K2).
func (h handing) hand(d *desk, made key.Made, link *handover.MadeLink) error {
	out := d.shown(made.Key)
	text := made.Secret.Reveal()
	if link != nil {
		text = d.settings.BaseURL.String() + "/handover/" + link.Token.Reveal()
		out.Link = text
	} else {
		out.Key = text
	}
	d.say("%s (%s) of the app %s, organization %s. It is not kept: this is the only time that it is shown.", made.Key.ID.Show(key.IDPrefix), made.Key.Hint(), made.Key.AppName, made.Key.OrganizationName)
	if h.JSON {
		full, err := d.keys.GetAny(d.ctx, d.who, made.Key.ID)
		if err == nil {
			shown := d.shown(full.Row)
			shown.Key, shown.Link = out.Key, out.Link
			out = shown
		}
		return d.json(out)
	}
	_, err := fmt.Fprintln(d.stdout, text)
	return err
}

type keysCreateCommand struct {
	App         string   `required:"" help:"Id (app_…) or exact name of the app that it belongs to."`
	Name        string   `required:"" help:"What uses it."`
	Grant       []string `help:"A scope of an API, as orders/orders:read; repeat it for more. The app's access must carry it."`
	Environment string   `enum:"live,test" default:"live" help:"live or test."`
	Expires     string   `help:"Days, a day such as 2027-01-31, or never; the policy's default unless said." placeholder:"WHEN"`
	Networks    string   `help:"Networks that it may be used from, parted by commas."`
	handing     `embed:""`
}

// Run makes a key within the app's access and the policy, as the console does.
func (c keysCreateCommand) Run(w *world) error {
	expiry, err := expiryOf(c.Expires)
	if err != nil {
		return err
	}
	var pairs []key.Pair
	for _, g := range c.Grant {
		api, scope, ok := strings.Cut(g, "/")
		if !ok {
			return wrongUse("--grant is written API/SCOPE, such as orders/orders:read")
		}
		pairs = append(pairs, key.Pair{API: api, Scope: scope})
	}
	return onKeys(w, func(d *desk) error {
		app, err := d.appNamed(c.App)
		if err != nil {
			return err
		}
		link, deliver, err := c.deliver(d)
		if err != nil {
			return err
		}
		made, err := d.keys.Create(d.ctx, d.who, key.CreateRequest{
			AppID: app, Environment: c.Environment, Name: c.Name, Pairs: pairs, Expiry: expiry, Deliver: deliver, Bounds: key.BoundsForm{Networks: strings.ReplaceAll(c.Networks, ",", " ")},
		})
		if err != nil {
			return err
		}
		return c.hand(d, made, link)
	})
}

type keysRotateCommand struct {
	Key     string `arg:"" help:"Id or hint of the key."`
	Overlap int    `default:"7" help:"Days for which both keys work: 0 to 30."`
	Expires string `help:"When the new key ends: days, a day, or never; the policy's default unless said." placeholder:"WHEN"`
	handing `embed:""`
}

// Run makes the successor of a key.
func (c keysRotateCommand) Run(w *world) error {
	expiry, err := expiryOf(c.Expires)
	if err != nil {
		return err
	}
	return onKeys(w, func(d *desk) error {
		id, err := d.find(c.Key)
		if err != nil {
			return err
		}
		link, deliver, err := c.deliver(d)
		if err != nil {
			return err
		}
		made, err := d.keys.Rotate(d.ctx, d.who, id, key.RotateRequest{OverlapDays: c.Overlap, Expiry: expiry, Deliver: deliver})
		if err != nil {
			return err
		}
		return c.hand(d, made, link)
	})
}
