package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

type keysRevokeCommand struct {
	Key       string `arg:"" optional:"" help:"Id or hint of one key; without it, all that the filter finds."`
	keyFilter `embed:""`
	Reason    string `help:"Why: the keys' people read it in their mail, and the audit log keeps it."`
	Yes       bool   `help:"With a filter: revoke what the preview shows. Without it nothing is done."`
	JSON      bool   `name:"json" help:"Write one JSON document: the keys that are revoked, or would be."`
}

// mostRevoked is how many keys one command ends: it is one transaction.
const mostRevoked = 2000

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
	if c.Reason == "" {
		return wrongUse("say --reason: the keys' people read it in their mail, and the audit log keeps it")
	}
	ids := make([]db.ID, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	if err := d.db.Tx(d.ctx, func(tx *db.Tx) (err error) { rows, err = c.revoke(d, tx, ids); return err }); err != nil {
		return err
	}
	d.say("Revoked: %s. Calls with them are refused from now on.", keysInWords(len(rows)))
	if !c.JSON {
		return nil
	}
	return d.print(rows, true)
}

// revoke ends the keys in one transaction, with one mail to each of their people, and returns them as they are then.
func (c keysRevokeCommand) revoke(d *desk, tx *db.Tx, ids []db.ID) ([]key.Row, error) {
	rows, err := key.RowsTx(tx, ids)
	if err != nil {
		return nil, err
	}
	if err := d.keys.RevokeTx(tx, d.who, rows, c.Reason, map[string]string{"by": "command line"}); err != nil {
		return nil, err
	}
	if rows, err = key.RowsTx(tx, ids); err != nil {
		return nil, err
	}
	if err := key.WithGrants(tx.DB, rows); err != nil {
		return nil, err
	}
	return rows, d.keys.MailAct(tx, rows, func(_ context.Context, rows []key.Row) outbox.Letter {
		l := outbox.Letter{Kind: "key_revoked", Subject: outbox.L("API keys were revoked")}
		l.Lines = append([]outbox.Line{outbox.L("Revoked, and refused from now on:")}, key.KeyLines(rows)...)
		l.Lines = append(l.Lines, outbox.L("Reason: %s", c.Reason))
		l.After = []outbox.Line{outbox.L("Revoking is final. A program that still needs access needs a new key.")}
		d.keys.Button(&l, rows)
		return l
	})
}
