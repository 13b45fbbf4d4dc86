package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

type doctorCommand struct {
	JSON   bool   `help:"Print one JSON document."`
	SendTo string `placeholder:"ADDRESS" help:"Send a test mail to this address. Without it no mail is sent."`
}

// Help says what scripts need to know.
func (doctorCommand) Help() string {
	return "Looks at everything that this installation needs, and changes nothing. Run it as the user and with the settings of the server, which may be running.\n" +
		"Each line is ok, warn or fail, with what to do. Exit codes: 0 nothing fails; 1 something does; 2 the settings are wrong."
}

// Run examines the installation.
func (c doctorCommand) Run(w *world) error {
	settings, err := config.Load(w.lookupEnv)
	d := &doctor{world: w, settings: settings, sendTo: c.SendTo}
	var wrong config.Problems
	if errors.As(err, &wrong) {
		for _, p := range wrong {
			d.fail("settings", p.Variable+" "+p.Wrong, p.Right)
		}
	} else if err != nil {
		return err
	} else {
		d.examine()
	}
	if err := d.print(w.stdout, c.JSON); err != nil {
		return err
	}
	return d.verdict(len(wrong) > 0)
}

// state is how one thing stands.
type state string

// The states, the worse the later.
const (
	stateOK   state = "ok"
	stateWarn state = "warn"
	stateFail state = "fail"
)

// finding is one line of the report.
type finding struct {
	Check string `json:"check"`
	State state  `json:"state"`
	Says  string `json:"says"`
	Do    string `json:"do,omitempty"` // what mends it; never for ok
}

// doctor examines one installation. It only looks: what it writes, to see that it can be written, it takes back.
type doctor struct {
	*world
	settings config.Settings
	sendTo   string
	db       *db.DB // nil when there is none, or it doesn't answer
	serving  bool   // a Gatehouse answers at the portal's address
	findings []finding
}

func (d *doctor) ok(check, says string)       { d.add(finding{check, stateOK, says, ""}) }
func (d *doctor) warn(check, says, do string) { d.add(finding{check, stateWarn, says, do}) }
func (d *doctor) fail(check, says, do string) { d.add(finding{check, stateFail, says, do}) }

func (d *doctor) add(f finding) { d.findings = append(d.findings, f) }

// patience bounds each question to something outside.
const patience = 10 * time.Second

func (d *doctor) examine() {
	d.checkSettings()
	for _, check := range []func(context.Context){
		d.checkFolder, d.checkDatabase, d.checkArchive, d.checkSecret, d.checkClock, d.checkRedis, d.checkMail, d.checkListeners, d.checkCertificate, d.checkProxies, d.checkClear, d.checkBaseURL,
	} {
		ctx, cancel := context.WithTimeout(d.ctx, patience)
		check(ctx)
		cancel()
	}
	if d.db != nil {
		_ = d.db.Close() // nothing was written
	}
}

func (d *doctor) checkSettings() {
	unknown := config.Unknown(os.Environ())
	for _, name := range unknown {
		d.warn("settings", notASetting(name), "Mend its name; gatehouse serve --help lists all")
	}
	if len(unknown) == 0 {
		d.ok("settings", "they fit together")
	}
}

// print writes the findings for people, a line each, or for programs.
func (d *doctor) print(to io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(to)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			OK       bool      `json:"ok"`
			Failures int       `json:"failures"`
			Warnings int       `json:"warnings"`
			Checks   []finding `json:"checks"`
		}{d.count(stateFail) == 0, d.count(stateFail), d.count(stateWarn), d.findings})
	}
	for _, f := range d.findings {
		line := f.Says + "."
		if f.Do != "" {
			line += " " + f.Do + "."
		}
		if _, err := fmt.Fprintf(to, "%-4s  %-11s  %s\n", f.State, f.Check, line); err != nil {
			return err
		}
	}
	return nil
}

func (d *doctor) count(s state) (n int) {
	for _, f := range d.findings {
		if f.State == s {
			n++
		}
	}
	return n
}

func (d *doctor) verdict(wrongSettings bool) error {
	switch n := d.count(stateFail); {
	case wrongSettings:
		return exitError{errors.New("the settings are wrong, so nothing else was looked at"), codeUsage}
	case n == 1:
		return errors.New("one check fails")
	case n > 1:
		return fmt.Errorf("%d checks fail", n)
	}
	return nil
}

// ask sends a GET to a server of ours and returns its status, headers and the beginning of its body.
func (d *doctor) ask(ctx context.Context, client *http.Client, url string) (status int, header http.Header, body string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, "", err
	}
	answer, err := client.Do(r)
	if err != nil {
		return 0, nil, "", err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	return answer.StatusCode, answer.Header, string(text), err
}
