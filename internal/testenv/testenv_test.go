package testenv_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/smtp"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
)

func TestRedisAnswersAndIsEmpty(t *testing.T) {
	options, err := redis.ParseURL(testenv.Redis(t))
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer client.Close()

	size, err := client.DBSize(t.Context()).Result()

	if err != nil || size != 0 {
		t.Errorf("size %d, error %v", size, err)
	}
}

func TestRedisStopsWithTheTest(t *testing.T) {
	var address string
	t.Run("uses it", func(t *testing.T) {
		parsed, err := url.Parse(testenv.Redis(t))
		if err != nil {
			t.Fatal(err)
		}
		address = parsed.Host
	})

	connection, err := net.Dial("tcp", address)

	if err == nil {
		connection.Close()
		t.Error("it still listens")
	}
}

func TestNginxServesTheGivenConf(t *testing.T) {
	base, stop := testenv.Nginx(t, `server { listen 127.0.0.1:@PORT@; location / { return 200 "hello\n"; } }`)

	answer, err := http.Get(base + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	stop()
	_, afterwards := http.Get(base + "/")

	if string(body) != "hello\n" {
		t.Errorf("got %q", body)
	}
	if afterwards == nil {
		t.Error("it still answers after stop")
	}
}

// page shows how the visitor looks at it, in ways that work with and without scripts.
const page = `<!doctype html><html lang="en"><head><title>Before</title><meta name="viewport" content="width=device-width">
<style>#dark{display:none} @media (prefers-color-scheme: dark){#dark{display:block}} img{width:1px}</style></head>
<body><main><h1>Hello</h1><p id="dark">dark</p><img src="/missing.png">
<script>document.title = "After"; console.error("scripted"); undefinedFunction()</script></main></body></html>`

func site(t *testing.T) (base string, languages func() []string) {
	t.Helper()
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		seen = append(seen, r.Header.Get("Accept-Language"))
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, page)
	}))
	t.Cleanup(server.Close)
	return server.URL, func() []string { return seen }
}

func TestBrowserLooksAsTheOptionsSay(t *testing.T) {
	base, languages := site(t)
	ctx, _ := testenv.Browser(t, testenv.BrowserOptions{Dark: true, Width: 320, Locale: "de-DE", TimeZone: "Europe/Berlin"})

	if err := chromedp.Do(ctx, chromedp.Navigate(base), chromedp.WaitVisible(chromedp.CSS("#dark"))); err != nil {
		t.Fatal(err)
	}
	got, err := chromedp.Run(ctx, chromedp.Evaluate[string](
		`[document.title, innerWidth, navigator.language, Intl.DateTimeFormat().resolvedOptions().timeZone].join(" ")`))

	if want := "After 320 de-DE Europe/Berlin"; err != nil || got != want {
		t.Errorf("got %q, want %q, error %v", got, want, err)
	}
	if !slices.ContainsFunc(languages(), func(l string) bool { return strings.HasPrefix(l, "de-DE") }) {
		t.Errorf("Accept-Language %q", languages())
	}
}

func TestBrowserWithoutJavaScriptRunsNoScript(t *testing.T) {
	base, _ := site(t)
	ctx, _ := testenv.Browser(t, testenv.BrowserOptions{WithoutJavaScript: true})

	if err := chromedp.Do(ctx, chromedp.Navigate(base), chromedp.WaitVisible(chromedp.CSS("h1"))); err != nil {
		t.Fatal(err)
	}
	title, err := chromedp.Run(ctx, chromedp.Title())

	if err != nil || title != "Before" {
		t.Errorf("title %q, error %v", title, err)
	}
	if dark, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`matchMedia("(prefers-color-scheme: dark)").matches`)); err != nil || dark {
		t.Errorf("dark %v, error %v", dark, err)
	}
}

func TestBrowserReportsWhatThePageComplainsAbout(t *testing.T) {
	base, _ := site(t)
	ctx, _ := testenv.Browser(t, testenv.BrowserOptions{})

	if err := chromedp.Do(ctx, chromedp.Navigate(base)); err != nil {
		t.Fatal(err)
	}
	heard := strings.Join(testenv.Complaints(ctx), "\n")

	for _, want := range []string{`console: "scripted"`, "undefinedFunction is not defined", "network: ", "/missing.png"} {
		if !strings.Contains(heard, want) {
			t.Errorf("no %q in:\n%s", want, heard)
		}
	}
}

func TestAxeFindsAPictureWithoutItsText(t *testing.T) {
	base, _ := site(t)
	ctx, _ := testenv.Browser(t, testenv.BrowserOptions{})
	if err := chromedp.Do(ctx, chromedp.Navigate(base)); err != nil {
		t.Fatal(err)
	}

	violations, err := testenv.AxeViolations(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(violations, func(v testenv.Violation) bool { return v.ID == "image-alt" }) {
		t.Errorf("got %v", violations)
	}
}

const letter = "From: a@example.com\r\nTo: b@example.com\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n" +
	"Content-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain; charset=utf-8\r\n" +
	"Content-Transfer-Encoding: quoted-printable\r\n\r\nSch=C3=B6n\r\n--x\r\nContent-Type: text/html\r\n" +
	"Content-Transfer-Encoding: base64\r\n\r\nPGI+aGk8L2I+\r\n--x--\r\n"

func post(inbox *testenv.Inbox, to string) error {
	address, err := url.Parse(inbox.URL)
	if err != nil {
		return err
	}
	password, _ := address.User.Password()
	auth := smtp.PlainAuth("", address.User.Username(), password, address.Hostname())
	return smtp.SendMail(address.Host, auth, "a@example.com", []string{to}, []byte(letter))
}

func TestSMTPReadsWhatItIsSent(t *testing.T) {
	inbox := testenv.SMTP(t)

	if err := post(inbox, "b@example.com"); err != nil {
		t.Fatal(err)
	}
	got := inbox.Await(t, "b@example.com")

	if got.Subject != "Grüße" || strings.TrimSpace(got.Text) != "Schön" || got.HTML != "<b>hi</b>" {
		t.Errorf("got %+v", got)
	}
}

func TestSMTPRefusesAsTold(t *testing.T) {
	inbox := testenv.SMTP(t)

	inbox.Refuse(450)
	err := post(inbox, "b@example.com")

	if err == nil || !strings.Contains(err.Error(), "450") {
		t.Errorf("got %v", err)
	}
	if mails := inbox.Mails(); len(mails) != 0 {
		t.Errorf("kept %v", mails)
	}
}
