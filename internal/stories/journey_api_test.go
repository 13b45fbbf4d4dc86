package stories_test

import (
	"strings"
)

// An api is what an admin publishes in a story: everything is typed into the pages.
type api struct {
	slug, name, summary, domain, terms string
	scopes                             [][2]string // name and sentence
	rules                              string
	plan                               string // needs approval; "" for none
	openPlan                           string // granted at once; "" for none
	upstream                           string // base URL in the live environment
}

func ordersAPI(upstream string) api {
	return api{
		slug: "orders", name: "Orders API", summary: "Read and place orders.", domain: "commerce", terms: "Use it for the purpose that you told us.",
		scopes: [][2]string{{"orders:read", "See orders and their state"}, {"orders:write", "Place and change orders"}},
		rules:  "GET /v2/orders orders:read\nGET /v2/orders/{id} orders:read\nPOST /v2/orders orders:write", plan: "Growth", upstream: upstream,
	}
}

func stockAPI(upstream string) api {
	return api{
		slug: "stock", name: "Stock API", summary: "See what is in the warehouses.", domain: "commerce",
		scopes: [][2]string{{"stock:read", "See stock by warehouse"}}, rules: "GET /v1/stock stock:read", openPlan: "Open", upstream: upstream,
	}
}

// publish makes an API in the pages of staff: facts, scopes, route rules, plans, addresses with an example call, and terms.
func (w *world) publish(p person, a api) {
	w.t.Helper()
	p.open("/admin/apis")
	p.follow("Add API")
	p.fill("Name", a.name)
	p.fill("Slug", a.slug)
	p.fill("Summary", a.summary)
	p.fill("Data domain", a.domain)
	p.fill("Version", versionOf(a))
	p.press("Add API")
	p.see(a.name)
	for _, s := range a.scopes {
		p.follow("Scopes")
		p.fill("Scope", s[0])
		p.fill("What it allows", s[1])
		p.press("Add scope")
		p.see(s[1])
	}
	p.follow("Routes")
	p.fill("Rules", a.rules)
	p.press("Add rules")
	p.see("/" + versionOf(a))
	w.addPlan(p, a.plan, true)
	w.addPlan(p, a.openPlan, false)
	w.place(p, a)
}

// versionOf is the version in the paths of the API's rules.
func versionOf(a api) string {
	_, after, _ := strings.Cut(a.rules, "/")
	version, _, _ := strings.Cut(after, "/")
	return version
}

func (w *world) addPlan(p person, name string, approval bool) {
	w.t.Helper()
	if name == "" {
		return
	}
	p.follow("Plans")
	p.fill("Name", name)
	p.fill("Calls", "600")
	p.fill("Period", "a minute")
	p.fill("Burst", "100")
	if approval {
		p.tick("Access on this plan needs approval")
	}
	p.press("Add plan")
	p.see(name)
}

// place says where the API is, with an example call.
func (w *world) place(p person, a api) {
	w.t.Helper()
	p.follow("Addresses")
	for _, environment := range []string{"live", "test"} {
		save := "Save " + environment + " addresses"
		p.fill("Base URL", a.upstream, save)
		p.fill("Path of the example call", "/"+versionOf(a)+"/"+a.slug, save)
		p.press(save)
		p.see("The addresses are saved")
	}
	if a.terms != "" {
		p.follow("Terms")
		p.fill("Terms", a.terms)
		p.press("Save terms")
	}
}

// connect makes the gateway key of an API and returns it with the file for nginx, as the page shows both once.
func (w *world) connect(p person, a api) (key, file string) {
	w.t.Helper()
	p.open("/admin/apis")
	p.follow(a.name)
	p.follow("Connect")
	p.see("No check seen yet")
	p.press("Make gateway key")
	p.see("Copy both now")
	key, file = p.secret(), p.block("auth_request")
	if !strings.Contains(file, key) {
		w.t.Fatalf("the file does not hold the key:\n%s", file)
	}
	w.secrets.keep("gateway key", key)
	return key, file
}
