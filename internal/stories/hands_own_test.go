package stories_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

const sampleForm = `<!doctype html><html lang="en"><head><title>Form</title><style>:focus-visible{outline:2px solid blue}</style></head><body><main>
<form method="get" action="/sent">
<label for="n">Name</label><input id="n" name="name" value="old">
<label for="s">Plan <span class="hint">(optional)</span></label><select id="s" name="plan"><option value="a">Free</option><option value="b">Gold, 10 a second</option></select>
<label for="d">Ends</label><input id="d" name="ends" type="date">
<fieldset><legend>Kind</legend><label><input type="radio" name="kind" value="x" checked> One</label><label><input type="radio" name="kind" value="y"> Two</label></fieldset>
<label><input type="checkbox" name="box" value="1"> <code>orders:read</code> <span>Read <b class="badge">Sensitive</b></span></label>
<ul><li>First <button name="at" value="1">Send</button></li><li>Second <button name="at" value="2">Send</button></li></ul>
</form></main></body></html>`

// The hands that all stories trust: each way of using a form sends the same.
func TestHandsUseAFormByMouseByKeyboardAndWithoutScripts(t *testing.T) {
	t.Parallel()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if r.URL.Path == "/sent" {
			fmt.Fprintf(w, "<!doctype html><title>Sent</title><p>%s</p>", r.URL.Query().Encode())
			return
		}
		fmt.Fprint(w, sampleForm)
	}))
	defer site.Close()
	people := map[string]func(testing.TB) person{"clerk": func(t testing.TB) person { return newClerk(t, site.URL, "somebody") }}
	for name, k := range map[string]kind{"mouse": {}, "keyboard": {keyboard: true}, "no scripts": {withoutScripts: true}} {
		people[name] = func(t testing.TB) person { return newBrowser(t, site.URL, "somebody", k) }
	}
	for name, make := range people {
		t.Run(name, func(t *testing.T) {
			b := make(t)
			b.open("/")

			b.fill("Name", "Ann Öz")
			b.fill("Plan", "Gold")
			b.fill("Ends", "2027-02-19")
			b.tick("Two")
			b.tick("orders:read")
			b.press("Send", "Second")

			b.see("at=2&box=1&ends=2027-02-19&kind=y&name=Ann+%C3%96z&plan=b")
		})
	}
}
