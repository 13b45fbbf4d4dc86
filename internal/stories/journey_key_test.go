package stories_test

import (
	"regexp"
	"strings"
)

// A made key, as its maker knows it.
type madeKey struct {
	name, secret, page string
}

// hint is what lists show of the key.
func (k madeKey) hint() string { return k.secret[len(k.secret)-4:] }

var keyForm = regexp.MustCompile(`^[a-z][a-z0-9]{1,9}_(live|test)_[0-9A-Za-z]{38}$`)

// makeApp makes an app; the page of the app follows.
func (w *world) makeApp(p person, name string) {
	w.t.Helper()
	p.open("/console/apps")
	p.follow("Create app")
	p.fill("Name", name)
	p.fill("Description", "Shows customers where their order is.")
	p.press("Create app")
	p.see(name)
}

// makeKey makes a key for the person's app with these scopes, from the page of the app; the secret is read off the page that shows it
// once.
func (w *world) makeKey(p person, app, name, environment string, scopes ...string) madeKey {
	w.t.Helper()
	p.open("/console/apps")
	p.follow(app)
	p.follow("Create key")
	p.fill("Name", name)
	p.tick(environment)
	for _, s := range scopes {
		p.tick(s)
	}
	p.fill("Expires", "In 30 days")
	p.press("Create key")
	p.see("Copy your key now")
	k := madeKey{name: name, secret: p.secret()}
	if !keyForm.MatchString(k.secret) || !strings.Contains(k.secret, "_"+strings.ToLower(environment)+"_") {
		w.t.Fatalf("the page shows %q as a key for %s", k.secret, environment)
	}
	w.secrets.keep("key", k.secret)
	p.follow("I have copied it: go to the key")
	p.see(name, k.hint())
	p.seeNot(k.secret)
	k.page = p.path()
	return k
}

// revoke revokes the key whose page, in the console or of staff, the person sees.
func (w *world) revoke(p person, k madeKey) {
	w.t.Helper()
	p.follow("Revoke")
	p.see("What will stop working")
	if p.has("field", "Reason", "") {
		p.fill("Reason", "It was pasted into a chat.")
	}
	if p.has("field", "Type the key’s name to confirm", "") {
		p.fill("Type the key’s name to confirm", k.name)
	}
	p.press("Revoke key")
	p.see("The key is revoked", "Revoked")
}

// findKeyAsStaff finds a key by its hint among all keys, and opens its page.
func (w *world) findKeyAsStaff(p person, k madeKey) {
	w.t.Helper()
	p.open("/admin/keys")
	p.fill("Search", k.hint())
	p.press("Apply filter")
	p.follow(k.name)
	p.see(k.hint())
}

// rotate replaces a key by a new one; both work for as long as overlap says.
func (w *world) rotate(p person, k madeKey, overlap string) madeKey {
	w.t.Helper()
	p.open(k.page)
	p.follow("Rotate")
	p.fill("Both keys work for", overlap)
	p.press("Rotate key")
	p.see("Copy your key now")
	next := madeKey{name: k.name, secret: p.secret()}
	w.secrets.keep("key", next.secret)
	p.follow("I have copied it: go to the key")
	next.page = p.path()
	return next
}
