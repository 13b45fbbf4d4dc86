package stories_test

// request asks for access of an app to an API; the page of the access follows.
func (w *world) request(p person, app string, a api, plan string, scopes ...string) {
	w.t.Helper()
	p.open("/apis")
	p.follow(a.name)
	p.see(a.summary)
	p.follow("Request access")
	p.fill("App", app)
	for _, s := range scopes {
		p.tick(s)
	}
	p.tick(plan)
	p.fill("Purpose", "Customers ask where their order is, and we tell them.")
	if a.terms != "" {
		p.tick("I agree to these terms")
	}
	p.press("Request access")
}

// decide opens the request of an app among those that wait.
func (w *world) decide(p person, app string) {
	w.t.Helper()
	p.open("/admin/requests")
	p.follow(app)
	p.see("Requested by")
}

// approve grants the request of an app as it is.
func (w *world) approve(p person, app string) {
	w.t.Helper()
	w.decide(p, app)
	p.press("Approve")
	p.see("The request is approved")
}
