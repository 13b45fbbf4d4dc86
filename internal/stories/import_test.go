package stories_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// attach chooses a file with this content in the field of this label.
func (b *browser) attach(label, name, content string) {
	b.t.Helper()
	path := filepath.Join(b.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.find("field", label, "")
	found, err := chromedp.Call(b.ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: "window.found"})
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := chromedp.Call(b.ctx, dom.SetFileInputFiles, dom.SetFileInputFilesParams{Files: []string{path}, ObjectID: found.Result.ObjectID}); err != nil {
		b.t.Fatalf("%s chooses a file: %v", b.who, err)
	}
}

// Keys as other gateways made and kept them: the first three by SHA-256, the others by HMAC-SHA-256.
const (
	checkoutKey = "acme_3ZHq9TmWx2LpVb7RfKd1YcNs"
	reportKey   = "acme_Vb7RfKd1YcNs3ZHq9TmWx2Lp"
	idleKey     = "acme_1YcNs3ZHq9TmWx2LpVb7RfKd"
	workerKey   = "kx-9f86d081884c7d659a2feaa0c55ad015"
	foreignHMAC = "the other gateway's own secret 71"
)

func plainSum(text string) []byte { sum := sha256.Sum256([]byte(text)); return sum[:] }

func keyedSum(text string) []byte {
	mac := hmac.New(sha256.New, []byte(foreignHMAC))
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// A takeover is a portal that takes keys over which were made elsewhere.
type takeover struct {
	*stage
	t       *testing.T
	staff   *browser
	db      *db.DB
	appID   string
	gateway string
}

func newTakeover(t *testing.T, dialect string, k kind) *takeover {
	t.Helper()
	o := &takeover{stage: narrowStage(t, dialect, k), t: t}
	o.gateway, _ = o.connect(o.admin, o.api)
	own := o.makeKey(o.dev, o.app, "Made here", "Live", "orders:read")
	o.appID = o.world.appID(own)
	for _, text := range []string{checkoutKey, reportKey, idleKey, workerKey} {
		o.secrets.keep("imported key", text)
	}
	o.secrets.keep("secret of the HMAC", foreignHMAC)
	o.staff = newBrowser(t, o.URL, "staff", k)
	o.signIn(o.staff, "ada@northwind.example", adminPassword)
	o.staff.see("Ada Admin")
	o.db = o.base()
	return o
}

// form opens the form of an import as people find it, and fills in what all files of one form need.
func (o *takeover) form(label, prefix, alphabet, length string) {
	o.t.Helper()
	o.staff.open("/admin/keys")
	o.staff.follow("Imported keys")
	o.staff.follow("Import keys")
	o.staff.fill("Name of the import", label)
	o.staff.fill("Prefix", prefix)
	o.staff.fill("Alphabet", alphabet)
	o.staff.fill("Characters after the prefix", length)
	o.staff.fill("App", o.appID)
	o.staff.fill("Grants", "orders/orders:read")
}

// Keys made elsewhere are taken over by their digests: a dry run says by line what is wrong; imported keys work on, and are digested anew at their
// first use; what is no key costs nothing, and the other gateway's secret is read nowhere (K1).
func TestKeysOfAnotherGatewayAreTakenOver(t *testing.T) {
	t.Parallel()
	for name, c := range ownershipKinds {
		t.Run(name, func(t *testing.T) {
			o := newTakeover(t, c.dialect, c.kind)

			o.problemsByLine()
			o.fromCSV()
			o.fromJSON()
			o.digestedAnew()
			o.noise(c.dialect)

			o.staff.quiet("422")
			o.admin.open("/admin/audit")
			o.admin.follow("CSV")
			csv := o.admin.page.Body
			if n := strings.Count(csv, ",key.many_imported,"); n != 2 {
				t.Errorf("two imports are %d acts in the audit log", n)
			}
			o.scan(t, csv)
		})
	}
}

// problemsByLine checks a file with a mistake of each kind, and tries to import it all the same.
func (o *takeover) problemsByLine() {
	o.t.Helper()
	good := hex.EncodeToString(plainSum(checkoutKey))
	file := strings.Join([]string{
		"digest,name,grants,expires,enabled",
		good + ",Checkout,,,",
		"b64a1f4ab3,Too short,,,",
		good + ",Again,,,",
		hex.EncodeToString(plainSum("x")) + ",Too much,orders/orders:delete,,",
		hex.EncodeToString(plainSum("y")) + ",Over,,2020-01-01,",
		hex.EncodeToString(plainSum("z")) + ",Off,,,false",
	}, "\n")
	o.form("Old gateway", "gk_live_", "base62", "24")
	o.staff.attach("File", "keys.csv", file)
	o.staff.press("Check file")
	o.staff.see("Keys of this portal begin so.")
	o.staff.fill("Prefix", "acme_")
	for _, button := range []string{"Check file", "Import keys"} {
		o.staff.attach("File", "keys.csv", file)
		o.staff.press(button)
		o.staff.see("The file holds 6 keys. Something is wrong with 5 of them. Nothing is stored yet.",
			"3 digest A digest is 32 bytes in hex or base64.", "4 digest This key stands at 2 already.", "5 grants ", "6 expires This key is over.", "7 enabled This key is switched off")
		o.staff.seeNot("2 digest")
	}
	o.staff.see("Nothing was imported: 5 keys have a problem")
	o.expect("NOT_FOUND", checkoutKey)
}

// expect fails unless the gateway is told this of each of the keys.
func (o *takeover) expect(code string, keys ...string) {
	o.t.Helper()
	for _, k := range keys {
		if got := verify(o.t, o.URL, o.gateway, k, map[string]any{"api": "orders", "method": "GET", "path": "/v2/orders"}); got != code {
			o.t.Errorf("%s…: %s, want %s", k[:8], got, code)
		}
	}
}

// fromCSV checks and imports keys that are kept by SHA-256.
func (o *takeover) fromCSV() {
	o.t.Helper()
	file := fmt.Sprintf("digest,name,last_four,metadata\n%x,Checkout,YcNs,\"{\"\"team\"\":\"\"payments\"\"}\"\n%s,Report,,\n%x,Idle,,\n",
		plainSum(checkoutKey), base64.StdEncoding.EncodeToString(plainSum(reportKey)), plainSum(idleKey))
	o.form("Old gateway", "acme_", "base62", "24")
	o.staff.attach("File", "keys.csv", file)
	o.staff.press("Check file")
	o.staff.see("The file holds 3 keys.", "Nothing is stored yet.")
	o.expect("NOT_FOUND", checkoutKey)
	o.staff.attach("File", "keys.csv", file)
	o.staff.press("Import keys")
	o.staff.see("3 keys are imported. They work from now on.", "Checkout", "Report", "Idle")
}

// fromJSON imports a key that is kept by HMAC-SHA-256, for which the other gateway's secret is given.
func (o *takeover) fromJSON() {
	o.t.Helper()
	file := fmt.Sprintf(`[{"hash": %q, "name": "Worker", "enabled": true, "expires": null}]`, base64.StdEncoding.EncodeToString(keyedSum(workerKey)))
	o.form("Second gateway", "kx-", "hex", "32")
	o.staff.fill("Digests", "HMAC-SHA-256")
	o.staff.attach("File", "keys.json", file)
	o.staff.press("Import keys")
	o.staff.see("The HMAC’s secret has at least 16 bytes.")
	o.staff.fill("Secret of the HMAC", foreignHMAC)
	o.staff.attach("File", "keys.json", file)
	o.staff.press("Check file")
	o.staff.see("The file holds 1 key.")
	o.staff.fill("Secret of the HMAC", foreignHMAC)
	o.staff.attach("File", "keys.json", file)
	o.staff.press("Import keys")
	o.staff.see("They work from now on.", "Worker")
	if n := o.rows("digest = ? AND digest_algorithm = 'imported-hmac-sha256'", keyedSum(workerKey)); n != 0 {
		o.t.Error("whoever reads the database can try out whether a text is a key that the other gateway’s digest stands for")
	}
}

// rows counts keys.
func (o *takeover) rows(where string, args ...any) (n int) {
	o.t.Helper()
	if err := o.db.Read(context.Background()).Raw("SELECT COUNT(*) FROM keys WHERE "+where, args...).Scan(&n).Error; err != nil {
		o.t.Fatal(err)
	}
	return n
}

// digestedAnew uses all but one of the keys, at the gateway and by asking. Each is then kept as our own are.
func (o *takeover) digestedAnew() {
	o.t.Helper()
	if n := o.rows("pepper_version = 'import'"); n != 4 {
		o.t.Errorf("%d keys are kept as their makers digested them, before their first use", n)
	}
	o.answers(o.t, madeKey{name: "Checkout", secret: checkoutKey}, 200, "")
	o.expect("VALID", reportKey, workerKey)
	root, err := secret.Load(filepath.Join(o.dir, "secret"), "")
	if err != nil {
		o.t.Fatal(err)
	}
	for _, text := range []string{checkoutKey, reportKey, workerKey} {
		own := apikey.Sum(root.Key(secret.LabelKeyPepper), text)
		if !await(context.Background(), func() bool { return o.rows("digest = ? AND digest_algorithm = 'hmac-sha256'", own[:]) == 1 }) {
			o.t.Errorf("%s… is not digested anew", text[:8])
		}
		if n := o.rows("digest IN ?", [][]byte{plainSum(text), keyedSum(text)}); n != 0 {
			o.t.Errorf("the old digest of %s… is kept", text[:8])
		}
	}
	o.expect("VALID", checkoutKey, reportKey, workerKey)
	if n := o.rows("digest = ?", plainSum(idleKey)); n != 1 || o.rows("pepper_version = 'import'") != 1 {
		o.t.Error("a key that was not used is kept anew")
	}
	o.staff.open("/admin/keys/imports")
	o.staff.see("Old gateway acme_…24 3 1", "Second gateway kx-…32 1 0")
	o.findKeyAsStaff(o.staff, madeKey{name: "Checkout", secret: checkoutKey})
	o.staff.see("payments", "orders:read")
}

// noise is no key: of the declared form it costs a look-up, of ours its checksum tells.
func (o *takeover) noise(dialect string) {
	o.t.Helper()
	const formed, mistyped = "acme_00000000000000000000000A", "gk_live_00000000000000000000000000000000000001"
	o.expect("NOT_FOUND", "acme_short", "kx-9f86d081884c7d659a2feaa0c55ad01Z", mistyped)
	if dialect != "PostgreSQL" { // on SQLite nobody can hold up who reads
		o.expect("NOT_FOUND", formed)
		return
	}
	answered := make(chan string, 1)
	err := o.db.Tx(context.Background(), func(tx *db.Tx) error {
		if _, err := tx.Run("LOCK TABLE keys IN ACCESS EXCLUSIVE MODE"); err != nil {
			return err
		}
		o.expect("NOT_FOUND", strings.Replace(mistyped, "1", "2", 1), "acme_other")
		go func() { answered <- verify(o.t, o.URL, o.gateway, formed, map[string]any{"api": "orders"}) }()
		if !await(context.Background(), func() bool { return o.waiting(tx) }) {
			o.t.Error("a text of the declared form is not looked up")
		}
		return nil
	})
	if err != nil {
		o.t.Fatal(err)
	}
	if code := <-answered; code != "NOT_FOUND" {
		o.t.Errorf("a text of the declared form that is no key: %s", code)
	}
}

// waiting reports whether somebody waits for the table of keys.
func (o *takeover) waiting(tx *db.Tx) bool {
	var n int
	err := tx.Raw("SELECT COUNT(*) FROM pg_locks WHERE relation = 'keys'::regclass AND NOT granted").Scan(&n).Error
	return err == nil && n > 0
}
