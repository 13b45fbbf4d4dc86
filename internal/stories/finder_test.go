package stories_test

import (
	"encoding/json"
	"strings"
)

// finder finds what a person would find: a field by its label, a button or a link by its words, among what shows. An open dialog hides
// all behind it. within, when given, is words of the row, item or section to look in. It leaves what it found in window.found.
const finder = `((kind, name, within) => {
	const norm = s => (s || '').replace(/\s+/g, ' ').trim();
	const shown = e => e.checkVisibility({ visibilityProperty: true }) && e.getClientRects().length > 0;
	const bare = e => {
		const copy = e.cloneNode(true);
		for (const extra of copy.querySelectorAll('.hint, select, textarea, .badge, .vh')) extra.remove();
		return norm(copy.textContent);
	};
	const root = document.querySelector('dialog[open]') || document;
	const scopes = () => {
		if (!within) return [root];
		const all = [...root.querySelectorAll('tr, li, article, section, fieldset, form, dl > div, .card, .danger-panel, .topic, header, main')];
		return all.filter(e => shown(e) && norm(e.textContent).includes(within)).sort((a, b) => a.textContent.length - b.textContent.length);
	};
	const words = e => [norm(e.getAttribute('aria-label')), bare(e), norm(e.textContent), norm(e.innerText)].filter(Boolean);
	const fits = (e, part) => words(e).some(w => part ? w.includes(name) : w === name);
	const candidates = {
		button: s => [...s.querySelectorAll('button, input[type=submit]')],
		link: s => [...s.querySelectorAll('a[href]')],
		summary: s => [...s.querySelectorAll('summary')],
	};
	const inMain = list => list.find(e => e.closest('main')) || list[0];
	const field = (s, part) => {
		const labels = [...s.querySelectorAll('label')].filter(l => l.control && shown(l) && fits(l, part));
		if (labels.length) return labels[0].control;
		const named = [...s.querySelectorAll('input, select, textarea')].filter(e => shown(e) && e.type !== 'hidden' && e.hasAttribute('aria-label') && fits(e, part));
		return named[0];
	};
	const pick = (s, part) => kind === 'field' ? field(s, part) : inMain(candidates[kind](s).filter(e => shown(e) && !e.disabled && fits(e, part)));
	let found;
	for (const part of [false, true]) for (const s of scopes()) if (!found) found = pick(s, part);
	window.found = found;
	return !!found;
})`

// look is the expression that runs finder.
func look(kind, name, within string) string {
	return finder + "(" + quote(kind) + "," + quote(name) + "," + quote(within) + ")"
}

func quote(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string never fails
	return strings.TrimSpace(b.String())
}

// aim brings window.found into sight and says where its middle is; empty while something covers it. The box of a ticked choice may be
// drawn by its label.
const aim = `(() => {
	const e = window.found;
	e.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' });
	for (const target of [e, ...(e.labels || [])]) {
		const r = target.getClientRects()[0];
		if (!r) continue;
		const x = r.left + r.width / 2, y = r.top + r.height / 2, hit = document.elementFromPoint(x, y);
		if (hit && (target.contains(hit) || hit.contains(target))) return [x, y];
	}
	return [];
})()`

// focusStop tells about what has the focus: whether it is window.found, on which side of it that lies, and whether one can see that it has it.
// In a date the browser marks the part that has it.
const focusStop = `(() => {
	const e = document.activeElement, f = window.found;
	const marked = x => { const s = getComputedStyle(x); return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0 || s.boxShadow !== 'none'; };
	const lit = e.type === 'date' || e === document.body || e === document.documentElement || e.matches('main') || [e, ...(e.labels || [])].some(marked);
	const group = f.type === 'radio' && e.type === 'radio' && e.name === f.name;
	return { On: e === f || group, Before: !!(f.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING), Lit: lit,
		What: e.tagName + ' ' + (e.getAttribute('aria-label') || e.name || e.textContent || '').replace(/\s+/g, ' ').trim().slice(0, 60) };
})()`
