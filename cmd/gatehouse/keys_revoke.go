package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/bulk"
)

type keysRevokeCommand struct {
	Key       string `arg:"" optional:"" help:"Id or hint of one key; without it, all that the filter finds."`
	keyFilter `embed:""`
	Reason    string `help:"Why: the keys' people read it in their mail, and the audit log keeps it."`
	Yes       bool   `help:"With a filter: revoke what the preview shows. Without it nothing is done."`
	JSON      bool   `name:"json" help:"Write one JSON document: the keys that are revoked, or would be."`
}

// mostRevoked is how many keys one command ends: as many as it shows first.
const mostRevoked = 10_000

// Run ends one key, or all that the filter finds: these are shown first, and revoked with --yes alone.
func (c keysRevokeCommand) Run(w *world) error {
	f, err := c.filter()
	if err != nil {
		return err
	}
	switch {
	case c.Key != "" && f != (key.Filter{}):
		return wrongUse("name one key, or a filter, not both")
	case c.Key == "" && f == (key.Filter{}):
		return wrongUse("name a key by its id or hint, or narrow by a filter: a mass revocation never takes all keys")
	}
	return onKeys(w, func(d *desk) error {
		if c.Key != "" {
			return c.one(d)
		}
		return c.many(d, f)
	})
}

func keysInWords(n int) string {
	if n == 1 {
		return "1 key"
	}
	return fmt.Sprintf("%d keys", n)
}

func (c keysRevokeCommand) one(d *desk) error {
	id, err := d.find(c.Key)
	if err != nil {
		return err
	}
	if err := d.keys.Revoke(d.ctx, d.who, id, c.Reason); err != nil {
		return err
	}
	k, err := d.keys.GetAny(d.ctx, d.who, id)
	if err != nil {
		return err
	}
	d.say("%s (%s) is revoked. Calls with it are refused from now on.", id.Show(key.IDPrefix), k.Hint())
	if c.JSON {
		return d.json([]shownKey{d.shown(k.Row)})
	}
	return nil
}

func (c keysRevokeCommand) many(d *desk, f key.Filter) error {
	all, more, err := d.rows(f, mostRevoked)
	if err != nil {
		return err
	}
	if more {
		return exitError{fmt.Errorf("the filter finds more than %d keys: narrow it", mostRevoked), codeRefused}
	}
	var rows []key.Row
	for _, r := range all {
		if r.Living(d.db.Now()) {
			rows = append(rows, r)
		}
	}
	if len(rows) == 0 {
		return exitError{errors.New("the filter finds no key that could still work"), codeRefused}
	}
	if !c.Yes {
		d.say("%s would be revoked, for ever; nothing is done yet. Say --yes to do it.", keysInWords(len(rows)))
		return d.print(rows, c.JSON)
	}
	if strings.TrimSpace(c.Reason) == "" {
		return wrongUse("say --reason: the keys' people read it in their mail, and the audit log keeps it")
	}
	id, err := d.bulks.Preview(d.ctx, d.who, bulk.Wish{Verb: key.Revoking, Filter: f})
	if err != nil {
		return err
	}
	if err := d.bulks.Start(d.ctx, d.who, id, c.Reason); err != nil {
		return err
	}
	payload, err := json.Marshal(map[string]db.ID{"Bulk": id})
	if err != nil {
		return err
	}
	for { // a running server may be at it too: each part is done once
		if err := d.bulks.Job(d.ctx, payload); err != nil {
			return err
		}
		if done, err := d.bulks.Get(d.ctx, d.who, id); err != nil || done.FinishedAt != nil {
			return c.tell(d, done, rows, err)
		}
	}
}

// tell says what was revoked; with --json, the keys as they are now.
func (c keysRevokeCommand) tell(d *desk, done bulk.Detail, rows []key.Row, err error) error {
	if err != nil {
		return err
	}
	d.say("Revoked: %s, as %s. Calls with them are refused from now on.", keysInWords(done.Done), done.ID.Show(bulk.Prefix))
	if !c.JSON {
		return nil
	}
	now := make([]key.Row, 0, len(rows))
	for _, r := range rows {
		k, err := d.keys.GetAny(d.ctx, d.who, r.ID)
		if err != nil {
			return err
		}
		now = append(now, k.Row)
	}
	return d.print(now, true)
}
