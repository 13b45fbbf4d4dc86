package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	pages "github.com/gatehouse-dev/gatehouse/handlers/usage/refusal"
	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/usage/refusal"
	views "github.com/gatehouse-dev/gatehouse/views/usage"
)

type keysExplainCommand struct {
	Key         string   `arg:"" help:"Id or hint of the key; - reads its text from standard input."`
	API         string   `help:"Slug of the API that is called; needless where the key has scopes of one alone."`
	Method      string   `help:"Method of the call, with --path."`
	Path        string   `help:"Path of the call without host and query, such as /v2/orders."`
	Scope       []string `help:"A scope that the asker names, again for more."`
	Environment string   `enum:"live,test," default:"" help:"Environment that is asked for: live or test; that of the key when left out."`
	Address     string   `help:"Address of the caller."`
	Origin      string   `help:"Origin of the page that calls."`
	At          string   `help:"When, such as 2027-01-31T12:00:00Z; now when left out. The key is judged as it stands now, also for another time."`
	JSON        bool     `name:"json" help:"Write one JSON document."`
}

// Help says what the answer knows, and what it does not.
func (keysExplainCommand) Help() string {
	return "Answers as verification would, by the same function, and as the page \"Would this be allowed?\" does. Nothing is counted, and no limit is charged. Quotas are those that are used; " +
		"rates are counted in the memory of servers or in Redis, and are taken for unused here.\nExit codes: 0 it would be allowed; 1 it would be refused, or there is no such key; 2 and 3 as for all of keys."
}

// longestText is more than any key has.
const longestText = 4096

// Run answers whether a call would be allowed.
func (c keysExplainCommand) Run(w *world) error {
	q, err := c.question()
	if err != nil {
		return err
	}
	return onKeys(w, func(d *desk) error {
		if c.Key == "-" {
			q.Key, err = d.keyOfText()
		} else {
			q.Key, err = d.find(c.Key)
		}
		if err != nil {
			return err
		}
		if q.API, err = d.apiOf(q.Key, c.API); err != nil {
			return err
		}
		if q.At.IsZero() {
			q.At = d.db.Now()
		}
		answer, err := refusal.NewStore(d.db, d.keys).Ask(d.ctx, d.who, q)
		if err != nil {
			return err
		}
		if err := c.tell(d, pages.Answered(d.ctx, q, answer), answer); err != nil {
			return err
		}
		if !answer.Allowed() {
			return exitError{fmt.Errorf("it would be refused: %s", answer.Code), codeRefused}
		}
		return nil
	})
}

// question reads the flags, none of which may hold a key.
func (c keysExplainCommand) question() (q refusal.Question, err error) {
	for _, s := range append([]string{c.Method, c.Path, c.Address, c.Origin, c.API}, c.Scope...) {
		if apikey.Mask(s) != s {
			return q, wrongUse("never write the text of a key into a command: it stays in the history of your shell. Give it by standard input: gatehouse keys explain -")
		}
	}
	q = refusal.Question{Method: c.Method, Origin: c.Origin, Scopes: c.Scope, Everything: true}
	if c.Environment != "" {
		q.Environment, _ = keyring.ParseEnvironment(c.Environment)
	}
	if (c.Method == "") != (c.Path == "") {
		return q, wrongUse("--method and --path go together")
	}
	if c.Path != "" {
		if q.Path, err = keyring.Canonical(c.Path); err != nil {
			return q, wrongUse("--path is no path, or one that can be read in two ways; it begins with one slash")
		}
	}
	if c.Address != "" {
		ip, err := netip.ParseAddr(c.Address)
		if err != nil {
			return q, wrongUse("--address is no IP address")
		}
		q.Address = ip.Unmap().WithZone("")
	}
	if c.At != "" {
		if q.At, err = time.Parse(time.RFC3339, c.At); err != nil {
			return q, wrongUse("--at is a time such as 2027-01-31T12:00:00Z")
		}
	}
	return q, nil
}

// keyOfText finds the key whose text standard input holds.
func (d *desk) keyOfText() (db.ID, error) {
	text, err := io.ReadAll(io.LimitReader(d.stdin, longestText))
	if err != nil {
		return db.ID{}, err
	}
	id, err := d.lookup(d.ctx, strings.TrimSpace(string(text)))
	if err == nil && id.IsZero() {
		err = exitError{errors.New("no key of this text is known here: a call with it is refused, NOT_FOUND"), codeRefused}
	}
	return id, err
}

// lookup finds a key by its text as the edge does: under our peppers, then as makers of imported keys digested it. Zero for none.
func (d *desk) lookup(ctx context.Context, text string) (db.ID, error) {
	var sums []apikey.Digest
	for _, pepper := range d.root.Keys(secret.LabelKeyPepper) {
		sums = append(sums, apikey.Sum(pepper, text))
	}
	forms, err := d.keys.Loader().LoadForms(ctx)
	if err != nil {
		return db.ID{}, err
	}
	foreign, _ := apikey.Sums(forms, text)
	for _, sum := range append(sums, foreign...) {
		facts, err := d.keys.Loader().LoadKey(ctx, keyring.Digest(sum))
		if err != nil || facts != nil {
			return idOf(facts), err
		}
	}
	return db.ID{}, nil
}

func idOf(f *keyring.Facts) db.ID {
	if f == nil {
		return db.ID{}
	}
	return db.ID(f.ID)
}

// apiOf is the API with a slug, or without one the only one that the key has scopes of.
func (d *desk) apiOf(id db.ID, slug string) (db.ID, error) {
	k, err := d.keys.GetAny(d.ctx, d.who, id)
	if err != nil {
		return db.ID{}, err
	}
	held := map[string]db.ID{}
	for _, g := range k.Grants {
		held[g.API] = g.APIID
	}
	if only, ok := held[slug]; ok {
		return only, nil
	}
	if slug == "" && len(held) == 1 {
		for _, only := range held {
			return only, nil
		}
	}
	if slug == "" {
		return db.ID{}, wrongUse("say --api: the slug of the API that is called")
	}
	apis, err := catalog.NewStore(catalog.Options{DB: d.db}).All(d.ctx, d.who, "")
	if at := slices.IndexFunc(apis, func(a catalog.Listed) bool { return a.Slug == slug }); err == nil && at >= 0 {
		return apis[at].ID, nil
	}
	if err == nil {
		err = exitError{fmt.Errorf("there is no API %q", slug), codeRefused}
	}
	return db.ID{}, err
}

// explained is the answer as scripts read it.
type explained struct {
	Allowed  bool            `json:"allowed"`
	Code     string          `json:"code"`
	Cause    string          `json:"cause,omitempty"`
	Key      string          `json:"key_id"`
	Hint     string          `json:"hint"`
	Why      string          `json:"why"`
	Behind   string          `json:"rule_behind,omitempty"`
	Remedies []string        `json:"what_would_make_it_pass,omitempty"`
	Checks   []explainedStep `json:"checks"`
}

type explainedStep struct {
	Check  string `json:"check"`
	Result string `json:"result"`
}

var outcomes = map[keyring.Outcome]string{keyring.Passed: "passed", keyring.Refused: "refused", keyring.NotReached: "not reached"}

func (c keysExplainCommand) tell(d *desk, v views.Verdict, a refusal.Answer) error {
	if !c.JSON {
		return d.explain(v, a)
	}
	out := explained{Allowed: a.Allowed(), Code: a.Code.String(), Cause: a.Cause.String(), Key: a.Key.ID.Show(key.IDPrefix), Hint: a.Key.Hint(), Why: v.Why}
	if v.Behind != nil {
		out.Behind = d.linked(*v.Behind)
	}
	for _, r := range v.Remedies {
		out.Remedies = append(out.Remedies, d.linked(r))
	}
	for _, s := range a.Steps {
		out.Checks = append(out.Checks, explainedStep{s.Check.String(), outcomes[s.Outcome]})
	}
	return d.json(out)
}

// explain writes the answer for people: the verdict first, then the checks that were reached with what they saw.
func (d *desk) explain(v views.Verdict, a refusal.Answer) error {
	line := func(format string, args ...any) {
		_, _ = fmt.Fprintln(d.stdout, audit.Clean(fmt.Sprintf(format, args...)))
	}
	line("%s (%s, %s)", v.Title, a.Key.Name, a.Key.Hint())
	line("%s", v.Why)
	if v.Behind != nil {
		line("The rule behind it: %s", d.linked(*v.Behind))
	}
	for _, r := range v.Remedies {
		line("What would make it pass: %s", d.linked(r))
	}
	t := tabwriter.NewWriter(d.stdout, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "\nCHECK\tRESULT\tWHAT IT SAW")
	for _, c := range append(v.Passed, v.Checks...) {
		var seen []string
		for _, s := range c.Seen {
			seen = append(seen, strings.TrimSpace(s.Label+" "+s.Value))
		}
		_, _ = fmt.Fprintln(t, c.Name+"\t"+c.Outcome+"\t"+audit.Clean(strings.Join(seen, "; ")))
	}
	for _, name := range v.Unreached {
		_, _ = fmt.Fprintln(t, name+"\tnot reached\t")
	}
	return t.Flush()
}

// linked is a sentence with its link written out.
func (d *desk) linked(r views.Remedy) string {
	if r.Href == "" {
		return r.Text
	}
	return r.Text + " " + d.settings.BaseURL.String() + r.Href
}
