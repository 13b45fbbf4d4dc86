package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// keyFilter narrows lists, and what keys revoke ends.
type keyFilter struct {
	Query        string `help:"In the name, or a hint such as gk_live_…T3xy."`
	Organization string `name:"org" help:"In the organization's name."`
	App          string `help:"In the app's name."`
	API          string `help:"Slug of an API on which the key holds something."`
	Scope        string `help:"A scope that it holds, exact."`
	Environment  string `enum:"live,test," default:"" help:"live or test."`
	State        string `help:"active, soon, paused, suspended, stopped, rotated, unowned, expired or revoked."`
	UsedLastHour bool   `help:"Used in the last hour."`
}

func (f keyFilter) filter() (key.Filter, error) {
	out := key.Filter{
		Query: f.Query, Owner: f.Organization, App: f.App, API: f.API, Scope: f.Scope, Environment: f.Environment, State: f.State, UsedLastHour: f.UsedLastHour,
	}
	if f.State != "" && !slices.Contains(key.States, key.StateName(f.State)) {
		return out, wrongUse("--state is one of active, soon, paused, suspended, stopped, rotated, unowned, expired and revoked")
	}
	for _, s := range []string{f.Query, f.Organization, f.App, f.API, f.Scope} {
		if apikey.Redact(s) != s {
			return out, wrongUse("never write the text of a key into a command: it stays in the history of your shell. Its hint finds it too")
		}
	}
	return out, nil
}

type keysListCommand struct {
	keyFilter `embed:""`
	Limit     int  `default:"1000" help:"List at most so many, the newest first."`
	JSON      bool `name:"json" help:"Write one JSON document."`
}

// Run lists keys.
func (c keysListCommand) Run(w *world) error {
	f, err := c.filter()
	if err != nil {
		return err
	}
	if c.Limit < 1 {
		return wrongUse("--limit is at least 1")
	}
	return onKeys(w, func(d *desk) error {
		rows, more, err := d.rows(f, c.Limit)
		if err != nil {
			return err
		}
		if more {
			d.say("There are more: raise --limit, or narrow the list.")
		}
		return d.print(rows, c.JSON)
	})
}

// rows reads at most limit keys, the newest first.
func (d *desk) rows(f key.Filter, limit int) (rows []key.Row, more bool, err error) {
	for after := ""; ; {
		page, err := d.keys.ListAll(d.ctx, d.who, f, db.PageRequest{Size: db.MaxPage, After: after})
		if err != nil {
			return nil, false, err
		}
		rows = append(rows, page.Rows...)
		if after = page.Next; len(rows) >= limit || after == "" {
			more = after != "" || len(rows) > limit
			return rows[:min(len(rows), limit)], more, nil
		}
	}
}

// shownKey is a key as scripts read it.
type shownKey struct {
	ID           string     `json:"id"`
	Key          string     `json:"key,omitempty"` // its text, where it was just made
	Link         string     `json:"link,omitempty"`
	Name         string     `json:"name"`
	Hint         string     `json:"hint"`
	State        string     `json:"state"`
	Environment  string     `json:"environment"`
	App          named      `json:"app"`
	Organization named      `json:"organization"`
	Grants       []string   `json:"grants"` // api/scope
	CreatedAt    time.Time  `json:"created_at"`
	ExpiresAt    *time.Time `json:"expires_at"`
	LastUsedAt   *time.Time `json:"last_used_at"`
	RevokedAt    *time.Time `json:"revoked_at"`
}

type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (d *desk) shown(r key.Row) shownKey {
	out := shownKey{
		ID: r.ID.Show(key.IDPrefix), Name: r.Name, Hint: r.Hint(), State: string(r.State(d.db.Now()).Name), Environment: r.Environment, Grants: []string{},
		App: named{r.AppID.Show("app"), r.AppName}, Organization: named{r.OrganizationID.Show("org"), r.OrganizationName},
		CreatedAt: r.CreatedAt, ExpiresAt: r.EndsAt(), LastUsedAt: r.LastUsedAt, RevokedAt: r.RevokedAt,
	}
	for _, g := range r.Grants {
		out.Grants = append(out.Grants, g.API+"/"+g.Scope)
	}
	return out
}

func (d *desk) json(v any) error {
	e := json.NewEncoder(d.stdout)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// print writes keys as a table, or as JSON.
func (d *desk) print(rows []key.Row, asJSON bool) error {
	if asJSON {
		all := make([]shownKey, len(rows))
		for i, r := range rows {
			all[i] = d.shown(r)
		}
		return d.json(all)
	}
	if len(rows) == 0 {
		d.say("No key fits.")
		return nil
	}
	t := tabwriter.NewWriter(d.stdout, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "ID\tHINT\tNAME\tSTATE\tAPP\tORGANIZATION\tEXPIRES\tLAST USED")
	for _, r := range rows {
		k := d.shown(r)
		cells := []string{k.ID, k.Hint, k.Name, k.State, k.App.Name, k.Organization.Name, day(k.ExpiresAt), day(k.LastUsedAt)}
		for i := range cells {
			cells[i] = audit.Clean(cells[i]) // what people typed moves no cursor
		}
		_, _ = fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	return t.Flush()
}

func day(p *time.Time) string {
	if p == nil {
		return "never"
	}
	return p.UTC().Format("2006-01-02 15:04Z")
}

type keysShowCommand struct {
	Key  string `arg:"" help:"Id or hint of the key."`
	JSON bool   `name:"json" help:"Write one JSON document."`
}

// Run shows one key.
func (c keysShowCommand) Run(w *world) error {
	return onKeys(w, func(d *desk) error {
		id, err := d.find(c.Key)
		if err != nil {
			return err
		}
		k, err := d.keys.GetAny(d.ctx, d.who, id)
		if err != nil {
			return err
		}
		if c.JSON {
			return d.json(d.shown(k.Row))
		}
		s := d.shown(k.Row)
		t := tabwriter.NewWriter(d.stdout, 0, 4, 2, ' ', 0)
		for _, line := range [][2]string{
			{"Id", s.ID},
			{"Hint", s.Hint},
			{"Name", s.Name},
			{"State", s.State},
			{"Environment", s.Environment},
			{"App", s.App.Name + " (" + s.App.ID + ")"},
			{"Organization", s.Organization.Name + " (" + s.Organization.ID + ")"},
			{"Grants", strings.Join(s.Grants, " ")},
			{"Made by", maker(k)},
			{"Responsible", responsible(k)},
			{"Made", day(&s.CreatedAt)},
			{"Expires", day(s.ExpiresAt)},
			{"Last used", day(s.LastUsedAt)},
			{"Last network", k.LastUsedNetwork},
			{"Revoked", day(s.RevokedAt)},
			{"Reason", k.RevokedReason},
		} {
			_, _ = fmt.Fprintln(t, line[0]+"\t"+audit.Clean(line[1]))
		}
		return t.Flush()
	})
}

func maker(k key.Detail) string {
	switch p := k.Program; {
	case k.CreatorName != "":
		return k.CreatorName
	case k.ImportedAt != nil && k.ImportedBy != "":
		return k.ImportedBy + ", who imported it on " + day(k.ImportedAt)
	case k.ImportedAt != nil:
		return "the operator, who imported it on " + day(k.ImportedAt)
	case p != nil:
		return "a program, with the key " + p.Name + " (" + p.Hint() + ", " + p.ID.Show(key.IDPrefix) + ")"
	}
	return "the operator"
}

func responsible(k key.Detail) string {
	switch {
	case k.Orphaned:
		return "nobody: whoever answered for it has left"
	case k.ResponsibleName != "":
		return k.ResponsibleName
	}
	return k.CreatorName
}
