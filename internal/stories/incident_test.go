package stories_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// drillTime is how long an incident may take from the report to the last answer (B1-27).
const drillTime = 5 * time.Minute

// leakedAt is where the key of the drill was found.
const leakedAt = "https://github.com/kestrel/tracker/blob/2f1c9e/deploy.sh"

// A hub stands for GitHub: it publishes the key with which it signs what it found.
type hub struct {
	t       testing.TB
	url, id string
	key     *ecdsa.PrivateKey
}

func newHub(t testing.TB) *hub {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	h := &hub{t: t, id: "f9525bf080f75b3506ca1ead061add62b8633a346606dc5fe544e29231c6ee0d", key: key}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		published := map[string]any{"key_identifier": h.id, "key": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), "is_current": true}
		_ = json.NewEncoder(w).Encode(map[string]any{"public_keys": []any{published}})
	}))
	t.Cleanup(server.Close)
	h.url = server.URL
	return h
}

// body is a report that these texts stand in a public repository.
func (h *hub) body(tokens ...string) []byte {
	h.t.Helper()
	var matches []map[string]string
	for _, token := range tokens {
		matches = append(matches, map[string]string{"token": token, "type": "gatehouse_key", "url": leakedAt, "source": "commit"})
	}
	body, err := json.Marshal(matches)
	if err != nil {
		h.t.Fatal(err)
	}
	return body
}

// send signs one body and sends another, which for GitHub is the same.
func (h *hub) send(site string, signed, sent []byte) (int, string) {
	h.t.Helper()
	sum := sha256.Sum256(signed)
	signature, err := ecdsa.SignASN1(rand.Reader, h.key, sum[:])
	if err != nil {
		h.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, site+"/v1/leaks/github", strings.NewReader(string(sent)))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Github-Public-Key-Identifier", h.id)
	r.Header.Set("Github-Public-Key-Signature", base64.StdEncoding.EncodeToString(signature))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// A drill is an incident that the key's people and staff work through.
type drill struct {
	*stage
	t         *testing.T
	hub       *hub
	staff     *browser
	leaked    madeKey
	spare     madeKey    // of the same scope, never used
	bystander madeKey    // of another scope
	others    []*subject // with keys of the same scope that are in use
}

func newDrill(t *testing.T, dialect string, k kind) *drill {
	t.Helper()
	h := newHub(t)
	w := &world{house: newHouseWith(t, dialect, func(env map[string]string) { env["GATEHOUSE_GITHUB_KEYS_URL"] = h.url })}
	w.secrets.keep("password", adminPassword)
	w.secrets.keep("password", devPassword)
	d := &drill{stage: narrowStageOf(t, w, k), t: t, hub: h, staff: newBrowser(t, w.URL, "staff", k)}
	d.leaked = d.makeKey(d.dev, d.app, "Tracking page", "Live", "orders:read", "orders:write")
	d.spare = d.makeKey(d.dev, d.app, "Spare", "Live", "orders:write")
	d.bystander = d.makeKey(d.dev, d.app, "Reader", "Live", "orders:read")
	d.others = []*subject{d.newSubject(2, "organization drill", d.api), d.newSubject(3, "organization drill", d.api)}
	d.signIn(d.staff, "ada@northwind.example", adminPassword)
	d.staff.see("Ada Admin")
	for _, k := range append([]madeKey{d.leaked, d.bystander}, d.keys()...) {
		d.answers(t, k, 200, "")
	}
	return d
}

func (d *drill) keys() (all []madeKey) {
	for _, s := range d.others {
		all = append(all, s.key)
	}
	return all
}

// B1-27, K9, K11, U1: a key leaks in a public repository, and GitHub reports it. It stops; staff find who else could do the same just now, and pause
// them; the owner reads what happened and rotates; the audit log tells of it all. Within minutes, and what is not concerned goes on.
func TestALeakReportedByGitHubIsStoppedTracedAndRecorded(t *testing.T) {
	t.Parallel()
	for name, c := range ownershipKinds {
		t.Run(name, func(t *testing.T) {
			d := newDrill(t, c.dialect, c.kind)
			begin := time.Now()

			d.reported()
			d.traced()
			d.paused()
			d.rotated()
			csv := d.recorded()

			if took := time.Since(begin); took > drillTime {
				t.Errorf("the drill took %s", took)
			}
			d.answers(t, d.bystander, 200, "")
			d.answers(t, d.spare, 403, "INSUFFICIENT_SCOPE") // it may write, and works
			d.dev.quiet()
			d.staff.quiet("422")
			d.scan(t, csv)
		})
	}
}

// reported is believed with GitHub's signature alone, and once.
func (d *drill) reported() {
	d.t.Helper()
	body := d.hub.body(d.leaked.secret, "gk_live_"+strings.Repeat("0", 38))
	if status, said := d.hub.send(d.URL, d.hub.body("another"), body); status != 403 || !strings.Contains(said, "BAD_SIGNATURE") {
		d.t.Errorf("signed for another body: %d %s", status, said)
	}
	d.answers(d.t, d.leaked, 200, "")
	status, said := d.hub.send(d.URL, body, body)
	if status != 200 || strings.Count(said, `"true_positive"`) != 1 || strings.Count(said, `"false_positive"`) != 1 || strings.Contains(said, d.leaked.secret) {
		d.t.Fatalf("the report is answered %d %s", status, said)
	}
	d.refused(d.t, d.leaked, "PAUSED")
	if status, said = d.hub.send(d.URL, body, body); status != 409 || !strings.Contains(said, "REPLAYED") {
		d.t.Errorf("the report again: %d %s", status, said)
	}
	if mail := d.mailTo(devMail, "reported as leaked"); strings.Contains(mail.Text, d.leaked.secret) || !strings.Contains(mail.Text, d.leaked.hint()) {
		d.t.Errorf("the mail says %s", mail.Text)
	}
}

// traced reads as staff what the key was and did.
func (d *drill) traced() {
	d.t.Helper()
	d.staff.open("/admin/leaks?state=open")
	d.staff.follow("Tracking page")
	d.staff.see("GitHub", leakedAt, "127.0.0.0/24", "Place and change orders")
	d.findKeyAsStaff(d.staff, d.leaked)
	d.staff.see("orders:write", d.app)
	id := d.staff.path()[strings.LastIndex(d.staff.path(), "/")+1:]
	d.staff.open("/admin/audit?id=" + id)
	d.staff.see("key.created", "leak.incident_opened", "Dev Patel")
	if said := d.run("keys", "show", id, "--json"); !strings.Contains(said, `"orders/orders:write"`) || strings.Contains(said, d.leaked.secret) {
		d.t.Errorf("the command says %s", said)
	}
}

// paused finds all other keys of the same scope that were used in the last hour, sees whose they are, and pauses them.
func (d *drill) paused() {
	d.t.Helper()
	written := await(context.Background(), func() bool { // a call is written down a second after it
		d.staff.open("/admin/keys")
		d.staff.fill("Scope", "orders:write")
		d.staff.fill("Used", "In the last hour")
		d.staff.press("Apply filter")
		return d.staff.sees(d.others[0].key.hint()) && d.staff.sees(d.others[1].key.hint())
	})
	if !written {
		d.t.Fatalf("the filter does not find what was used just now: %s", d.staff.describe())
	}
	d.staff.seeNot(d.spare.hint())
	d.staff.seeNot(d.bystander.hint())
	d.staff.press("Act on what this filter finds")
	d.staff.tick("Pause")
	d.staff.press("Show what it hits")
	d.staff.see("Pause 2 keys", d.others[0].org, d.others[1].org, d.others[0].app, d.others[0].key.hint(), "orders:write", "In the last hour")
	d.staff.seeNot(d.leaked.hint()) // which the leak has paused
	if used := d.staff.text(".tiles"); strings.Count(used, "2") < 3 {
		d.t.Errorf("of two keys in use the preview says %s", used)
	}
	d.staff.fill("Reason", "Keys of a deploy script leaked; yours may be of the same one.")
	d.staff.fill("Type the number of keys to confirm", "2")
	d.staff.press("Pause 2 keys")
	d.staff.await("the end of the act", func() bool { return d.staff.sees("2 keys were paused") })
	for _, s := range d.others {
		d.refused(d.t, s.key, "PAUSED")
		if mail := d.mailTo(s.email, "paused"); !strings.Contains(mail.Text, "of the same one") || !strings.Contains(mail.Text, s.key.hint()) {
			d.t.Errorf("the mail to %s says %s", s.email, mail.Text)
		}
	}
}

// rotated is what the owner does: reads of the leak, presses one button, and says what was done.
func (d *drill) rotated() {
	d.t.Helper()
	d.dev.open("/console")
	d.dev.see("was reported as leaked")
	d.dev.follow("See the incidents")
	d.dev.follow("Tracking page")
	d.dev.see("The key is paused: every call with it is refused.", "GitHub", leakedAt, "127.0.0.0/24", "Place and change orders")
	d.dev.press("Rotate key now")
	d.dev.see("Copy your key now")
	next := madeKey{name: d.leaked.name, secret: d.dev.secret()}
	d.secrets.keep("key", next.secret)
	d.answers(d.t, next, 200, "")
	d.refused(d.t, d.leaked, "EXPIRED")
	d.dev.open(d.leaked.page)
	d.dev.follow("See the incident")
	d.dev.fill("What was done", "Rotated, and taken out of the repository.")
	d.dev.press("Close incident")
	d.dev.see("The incident is closed.")
}

// recorded takes the audit log along, which is whole and tells of each thing that happened, by whom and why.
func (d *drill) recorded() string {
	d.t.Helper()
	d.admin.open("/admin/audit")
	d.admin.see("The chain is whole")
	d.admin.follow("CSV")
	csv := d.admin.page.Body
	for _, words := range []string{"leak.reported", "leak.incident_opened", "key.many_paused", "key.many_finished", "yours may be of the same one", "key.rotated", "leak.incident_closed", "Ada Admin", "Dev Patel"} {
		if !strings.Contains(csv, words) {
			d.t.Errorf("the audit log as CSV does not tell of %q", words)
		}
	}
	if n := strings.Count(csv, "key.many_paused"); n != 1 {
		d.t.Errorf("the pause is %d acts", n)
	}
	if said := d.run("audit", "verify"); !strings.Contains(said, "The audit log is whole") {
		d.t.Errorf("the command says %s", said)
	}
	return csv
}
