package stories_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// use clicks something; by keyboard, it walks there and presses Enter.
func (b *browser) use(kind, name, within string) {
	b.t.Helper()
	b.find(kind, name, within)
	if b.keyboard {
		b.walk(name)
		b.key(kb.Enter)
		return
	}
	b.click(name)
}

// click clicks the middle of window.found once nothing covers it.
func (b *browser) click(name string) {
	b.t.Helper()
	var at []float64
	b.await(name+" to be free", func() bool {
		place, ok := ask[[]float64](b, aim)
		at = place
		return ok && len(place) == 2
	})
	if err := chromedp.Do(b.ctx, chromedp.MouseClickXY(at[0], at[1])); err != nil {
		b.t.Fatalf("%s clicks %s: %v", b.who, name, err)
	}
}

func (b *browser) key(keys string, modifiers ...chromedp.Modifier) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.KeyEvent(keys, chromedp.KeyModifiers(modifiers...))); err != nil {
		b.t.Fatalf("%s presses %q: %v", b.who, keys, err)
	}
}

type focus struct {
	On, Before, Lit bool
	What            string
}

// walk goes to window.found by Tab or Shift-Tab, whichever way it lies. Every stop on the way must show that it has the focus.
func (b *browser) walk(name string) {
	b.t.Helper()
	for range 400 {
		f, ok := ask[focus](b, focusStop)
		if !ok {
			b.t.Fatalf("%s lost the page on the way to %q", b.who, name)
		}
		if !f.Lit {
			b.t.Errorf("%s: the focus does not show on %s at %s", b.who, f.What, b.path())
		}
		if f.On {
			return
		}
		if f.Before {
			b.key(kb.Tab, chromedp.ModifierShift)
		} else {
			b.key(kb.Tab)
		}
	}
	b.t.Fatalf("%s does not get to %q by Tab\n%s", b.who, name, b.describe())
}

// reach puts the focus on the field, by the hands that the person has.
func (b *browser) reach(label, within string) {
	b.t.Helper()
	b.find("field", label, within)
	if b.keyboard {
		b.walk(label)
		return
	}
	b.click(label)
}

// fill answers the field with this label; what stood there goes. A date is given as 2026-12-31.
func (b *browser) fill(label, value string, within ...string) {
	b.t.Helper()
	scope := strings.Join(within, "")
	b.find("field", label, scope)
	what, _ := ask[string](b, `window.found.tagName + ' ' + window.found.type`)
	switch {
	case strings.HasPrefix(what, "SELECT"):
		b.choose(label, value)
		return
	case strings.HasSuffix(what, "date"):
		b.fillDate(label, value)
		return
	}
	b.reach(label, scope)
	b.key("a", chromedp.ModifierCtrl)
	b.key(kb.Backspace)
	typed := chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, input.InsertText, input.InsertTextParams{Text: value})
		return err
	})
	if err := chromedp.Do(b.ctx, typed); err != nil {
		b.t.Fatalf("%s types: %v", b.who, err)
	}
	b.find("field", label, scope)
	if got, _ := ask[string](b, `window.found.value`); got != value {
		b.t.Fatalf("%s typed %q into %s, and it holds %q", b.who, value, label, got)
	}
}

// fillDate types a date as an American keyboard user does: month, day, year.
func (b *browser) fillDate(label, value string) {
	b.t.Helper()
	parts := strings.Split(value, "-")
	b.reach(label, "")
	if !b.keyboard {
		// A click lands on any part of the date.
		_, _ = ask[bool](b, `(window.found.blur(), window.found.focus(), true)`)
	}
	b.key(parts[1] + parts[2] + parts[0])
	b.find("field", label, "")
	if got, _ := ask[string](b, `window.found.value`); got != value {
		b.t.Fatalf("%s typed the date %s into %s, and it holds %q", b.who, value, label, got)
	}
}

// choose takes the option whose words are, or begin with, value. Where a script sends the form at once, the next page is awaited by
// whoever looks for something on it.
func (b *browser) choose(label, value string) {
	b.t.Helper()
	places, _ := ask[[]int](b, `(value => {
		const words = [...window.found.options].map(o => o.textContent.replace(/\s+/g, ' ').trim());
		let to = words.indexOf(value);
		if (to < 0) to = words.findIndex(w => w.startsWith(value));
		if (to < 0) to = words.findIndex(w => w.includes(value));
		return [window.found.selectedIndex, to];
	})(`+quote(value)+`)`)
	if len(places) != 2 || places[1] < 0 {
		b.t.Fatalf("%s finds no choice %q in %s\n%s", b.who, value, label, b.describe())
	}
	if b.keyboard {
		b.walk(label)
		b.arrows(places[1] - places[0])
		return
	}
	_, _ = ask[bool](b, `(window.found.focus(), window.found.selectedIndex = `+strconv.Itoa(places[1])+`,
		window.found.dispatchEvent(new Event('input', { bubbles: true })), window.found.dispatchEvent(new Event('change', { bubbles: true })), true)`)
}

// arrows moves the choice that has the focus by n, down or up.
func (b *browser) arrows(n int) {
	b.t.Helper()
	key := kb.ArrowDown
	if n < 0 {
		key, n = kb.ArrowUp, -n
	}
	for range n {
		b.key(key)
	}
}

// tick ticks the box, or takes the choice, with this label.
func (b *browser) tick(label string, within ...string) {
	b.t.Helper()
	scope := strings.Join(within, "")
	b.find("field", label, scope)
	checked := func() bool { on, ok := ask[bool](b, `window.found.checked`); return ok && on }
	if checked() {
		return
	}
	if b.keyboard {
		b.walk(label)
		b.tickByKeys(label)
	} else {
		b.click(label)
	}
	b.await(fmt.Sprintf("%q to be ticked", label), checked)
}

// tickByKeys ticks a box by Space; among choices, of which one has the focus, it goes by arrows.
func (b *browser) tickByKeys(label string) {
	b.t.Helper()
	steps, _ := ask[int](b, `(f => {
		if (f.type !== 'radio') return 0;
		const all = [...document.getElementsByName(f.name)].filter(e => e.form === f.form);
		return all.indexOf(f) - all.indexOf(document.activeElement);
	})(window.found)`)
	if steps == 0 {
		b.key(" ")
		return
	}
	b.arrows(steps)
}

// untick takes the tick out of the box with this label.
func (b *browser) untick(label string, within ...string) {
	b.t.Helper()
	b.find("field", label, strings.Join(within, ""))
	if on, _ := ask[bool](b, `window.found.checked`); !on {
		return
	}
	if b.keyboard {
		b.walk(label)
		b.key(" ")
		return
	}
	b.click(label)
}
