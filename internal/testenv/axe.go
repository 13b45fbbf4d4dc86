package testenv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// axeVersion is exact: another version finds other things.
const axeVersion = "4.14.1"

// Axe returns the text of axe-core's axe.min.js, for evaluation in a page. npm fetches it once into the user's cache
// folder. It is under the MPL-2.0 and for tests only: it is never part of Gatehouse.
func Axe(t testing.TB) string {
	t.Helper()
	text, err := axeText()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

var axeText = sync.OnceValues(func() (text string, err error) {
	base, err := cache()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(base, "axe-core-"+axeVersion)
	script := filepath.Join(dir, "node_modules", "axe-core", "axe.min.js")
	err = locked("axe", func() error {
		if _, err := os.Stat(script); err == nil {
			return nil
		}
		return fetchAxe(dir)
	})
	if err != nil {
		return "", err
	}
	content, err := os.ReadFile(script)
	return string(content), err
})

func fetchAxe(dir string) error {
	npm, err := program("npm", "npm", "npm")
	if err != nil {
		return err
	}
	command := exec.Command(npm, "install", "--prefix", dir, "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "axe-core@"+axeVersion)
	if output, err := command.CombinedOutput(); err != nil {
		return errMissing{"axe-core " + axeVersion, fmt.Sprintf("npm install failed with %q", lastLine(output))}
	}
	return nil
}

// A Violation is one thing that axe-core found wrong with a page.
type Violation struct {
	ID    string // rule, such as "color-contrast"
	Help  string // what the rule asks for
	Nodes []string
}

func (v Violation) String() string {
	return v.ID + ": " + v.Help + ": " + strings.Join(v.Nodes, " | ")
}

// axeRun asks for the rules of WCAG 2.2 A and AA and for axe's best practices, or for some rules alone.
const axeRun = `(rules => axe.run(document, {
	resultTypes: ['violations'],
	runOnly: rules.length ? rules : ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
}).then(r => JSON.stringify(r.violations.map(v => ({
	ID: v.id, Help: v.help, Nodes: v.nodes.map(n => n.target.join(' ') + ' ' + n.html.slice(0, 200) + ' ' + (n.failureSummary || '')),
})))))`

// AxeViolations runs axe-core over the page that the browser shows: all of its rules, or only those that are named. ctx is one of Browser
// with JavaScript on; the page's own content security policy stands, since the script comes in beside it.
func AxeViolations(ctx context.Context, rules ...string) ([]Violation, error) {
	if err := loadAxe(ctx); err != nil {
		return nil, fmt.Errorf("load axe-core into the page: %w", err)
	}
	list, err := json.Marshal(append([]string{}, rules...))
	if err != nil {
		return nil, err
	}
	result, err := chromedp.Run(ctx, chromedp.Evaluate[string](axeRun+"("+string(list)+")", func(p *runtime.EvaluateParams) { p.AwaitPromise = new(true) }))
	if err != nil {
		return nil, fmt.Errorf("run axe-core: %w", err)
	}
	var violations []Violation
	return violations, errors.Join(json.Unmarshal([]byte(result), &violations))
}

// loadAxe brings axe-core into the page, unless it is there: it is half a megabyte.
func loadAxe(ctx context.Context) error {
	there, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`typeof axe === 'object'`))
	if err != nil || there {
		return err
	}
	text, err := axeText()
	if err != nil {
		return err
	}
	return chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](text))
}
