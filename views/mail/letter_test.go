package mail_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/views/mail"
)

func sample() mail.Letter {
	return mail.Letter{
		Language: "en", TimeZone: "UTC",
		Subject: mail.Line{Key: "%s waits for approval", Args: []string{"Eve\r\nBcc: all@example.com"}},
		Lines:   []mail.Line{{Key: "Hello %s,", Args: []string{`<b onclick="x">Eve</b>` + "\n\nfree money"}}},
		Code:    "012345", Button: &mail.Line{Key: "Verify address"}, URL: "https://portal.example/verify?token=a&b=c",
		After: []mail.Line{{Key: "Reason: %s", Args: []string{"\u202egnp.exe"}}},
	}
}

// F4
func TestWhatPeopleTypeCannotForgeHeadersLinesOrMarkup(t *testing.T) {
	subject, plain, html, err := mail.Compose(t.Context(), "Acme\r\nX: y", sample())
	if err != nil {
		t.Fatal(err)
	}

	if strings.ContainsAny(subject, "\r\n") || subject != "Eve  Bcc: all@example. com waits for approval" {
		t.Errorf("subject %q", subject)
	}
	if strings.Contains(plain, "\n\nfree money") || strings.Contains(plain, "\u202e") || strings.Contains(plain, "\r") {
		t.Errorf("plain %q", plain)
	}
	if strings.Contains(html, "<b onclick") || !strings.Contains(html, "&lt;b onclick=&#34;x&#34;&gt;") || strings.Contains(html, "\u202e") {
		t.Errorf("html %s", html)
	}
}

func TestBothPartsHoldCodeAndLink(t *testing.T) {
	_, plain, html, err := mail.Compose(t.Context(), "Acme", sample())
	if err != nil {
		t.Fatal(err)
	}

	for _, want := range []string{"012345", "https://portal.example/verify?token=a&b=c"} {
		if !strings.Contains(plain, want) {
			t.Errorf("plain lacks %s: %s", want, plain)
		}
	}
	if !strings.Contains(html, `href="https://portal.example/verify?token=a&amp;b=c"`) || !strings.Contains(html, "012345") || strings.Contains(html, "<script") {
		t.Errorf("html %s", html)
	}
}

func TestReadersGetTheirLanguage(t *testing.T) {
	l := sample()
	l.Language = "de"

	_, plain, html, err := mail.Compose(t.Context(), "Acme", l)

	if err != nil || !strings.Contains(plain, "Hallo ") || !strings.Contains(plain, "!\n") || !strings.Contains(html, `<html lang="de">`) {
		t.Fatal(err, plain)
	}
}

func TestLinksThatAreNoWebAddressAreDropped(t *testing.T) {
	l := sample()
	l.URL = "javascript:alert(1)"

	_, _, html, err := mail.Compose(t.Context(), "Acme", l)

	if err != nil || strings.Contains(html, `href="javascript`) {
		t.Fatal(err, html)
	}
}

// F1, F4
func TestWordsOfAPostAreSetApartAndCarryNothing(t *testing.T) {
	l := sample()
	l.Quote = "<img src=x onerror=alert(1)>\r\n\r\nDear customer, " + strings.Repeat("word ", 40)
	l.Links = []mail.Link{{Label: mail.Line{Key: "Verify address"}, URL: "javascript:alert(1)"}, {Label: mail.Line{Key: "Verify address"}, URL: "https://portal.example/unsubscribe?token=x"}}

	_, plain, html, err := mail.Compose(t.Context(), "Acme", l)

	if err != nil || strings.Contains(html, "<img") || strings.Contains(html, `href="javascript`) || !strings.Contains(html, "https://portal.example/unsubscribe?token=x") {
		t.Fatal(err, html)
	}
	if strings.Contains(plain, "\nDear") || !strings.Contains(plain, "\n> word") || !strings.Contains(plain, "https://portal.example/unsubscribe?token=x") {
		t.Fatal(plain)
	}
}

// L6: names are no places to go to, numbers go with their words, and an address stays one; the portal's own name is the operator's.
func TestLettersMakeWordsHarmlessAndCount(t *testing.T) {
	for _, x := range []struct {
		language, key, want string
		args                []string
	}{
		{"en", "Hello %s,", "Hello evil. biz,", []string{"evil.biz"}},
		{"en", "Hello %s,", "Hello https evil. biz/x y,", []string{"https://evil.biz/x\u2028y"}},
		{"en", "Hello %s,", "Hello Version 1.2 of 203.0.113.0/24,", []string{"Version 1.2 of 203.0.113.0/24"}},
		{"en", "Hello %s,", "Hello acme.dev,", []string{"acme.dev"}},
		{"en", "%s (%v) created an account at %s and waits for an admin to approve it.", "evil. biz (eve@evil.biz) created an account at acme.dev and waits for an admin to approve it.", []string{"evil.biz", "eve@evil.biz", "acme.dev"}},
		{"en", "%s (%v) created an account at %s and waits for an admin to approve it.", "Eve (go to evil. biz) created an account at acme.dev and waits for an admin to approve it.", []string{"Eve", "go to evil.biz", "acme.dev"}},
		{"en", "The TXT record %v was not found.", "The TXT record _gatehouse-challenge.acme.example was not found.", []string{"_gatehouse-challenge.acme.example"}},
		{"de", "Accept with the account whose address is %v; if you have none, create it with this address.", "Nehmen Sie mit dem Konto an, dessen Adresse eve@evil.biz ist; haben Sie keines, legen Sie es mit dieser Adresse an.", []string{"eve@evil.biz"}},
		{"en", "The policy of %[1]s pauses keys that are not used for %[2]d days:", "The policy of Orders pauses keys that are not used for 1 day:", []string{"Orders", "1"}},
		{"de", "The policy of %[1]s pauses keys that are not used for %[2]d days:", "Nach den Regeln von Orders werden Schlüssel pausiert, die 1 Tag lang nicht benutzt werden:", []string{"Orders", "1"}},
		{"de", "The policy of %[1]s pauses keys that are not used for %[2]d days:", "Nach den Regeln von Orders werden Schlüssel pausiert, die 30 Tage lang nicht benutzt werden:", []string{"Orders", "30"}},
	} {
		subject, _, _, err := mail.Compose(t.Context(), "acme.dev", mail.Letter{Language: x.language, Subject: mail.Line{Key: x.key, Args: x.args}})
		if err != nil || subject != x.want {
			t.Errorf("%v: %q\nwant %q", err, subject, x.want)
		}
	}
}
