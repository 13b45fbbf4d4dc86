package stories_test

import (
	"strings"
	"testing"
)

const readerMail = "ruth@heron.example"

// forumCast is a cast with one more outside developer, of another organization.
type forumCast struct {
	*cast
	reader person
}

func newForumCast(t testing.TB, dialect string, k kind) *forumCast {
	t.Helper()
	c := newCast(t, dialect, k)
	return &forumCast{c, newBrowser(t, c.w.URL, "reader", k)}
}

// Read and ask, once through: a developer follows a tutorial that sees what they do, asks, is answered by support, and the next person finds it.
func TestReadAndAskOnSQLite(t *testing.T) {
	t.Parallel()
	readAndAsk(t, newForumCast(t, "SQLite", kind{}))
}

func TestReadAndAskOnPostgreSQL(t *testing.T) {
	t.Parallel()
	readAndAsk(t, newForumCast(t, "PostgreSQL", kind{dark: true}))
}

func TestReadAndAskWithoutJavaScript(t *testing.T) {
	t.Parallel()
	readAndAsk(t, newForumCast(t, "SQLite", kind{withoutScripts: true}))
}

const (
	asked      = "Every third call of our importer answers 429"
	askedAgain = "Our importer gets 429 on calls"
	private    = "Which contract covers the zebrafinch project"
)

func readAndAsk(t *testing.T, c *forumCast) {
	c.w.setUp(c.admin)
	c.w.publish(c.admin, stockAPI(newService(t)))
	c.w.join(c.dev, "Dev Patel", devMail)

	c.staffWantToHear()
	key := c.tutorialTicksItself(t)
	c.asks()
	c.keyIsStopped(key)
	c.supportAnswers()
	c.accepts()
	c.nextPersonFindsIt()
	c.followsUntilTheLinkInTheMail()
	c.isModerated()
	c.searchKnowsItsReader(t)

	c.quiet("422") // of the pasted key
	c.w.scan(t, c.auditCSV(t))
}

// staffWantToHear chooses to get a mail on each new question.
func (c *forumCast) staffWantToHear() {
	c.admin.open("/console/account")
	c.admin.follow("See what you follow")
	c.admin.tick("Tell me of each new question")
	c.admin.press("Save choices")
}

// tutorialTicksItself follows the first tutorial; its steps tick by what the developer did.
func (c *forumCast) tutorialTicksItself(t *testing.T) madeKey {
	t.Helper()
	c.dev.open("/tutorials")
	c.dev.follow("Your first call")
	c.w.makeApp(c.dev, "Order tracker")
	c.dev.open("/tutorials/first-call")
	c.dev.see("1 of 4 steps done")
	key := c.w.makeKey(c.dev, "Order tracker", "My laptop", "Live")
	c.dev.open("/tutorials/first-call")
	c.dev.see("2 of 4 steps done", key.hint())
	c.dev.seeNot(key.secret)
	if got := call(t, "GET", c.w.URL+"/v1/whoami", key.secret); got.status != 200 {
		t.Fatalf("the first call: %s", got)
	}
	setLimits(c.dev, key.page)
	c.dev.open("/tutorials/first-call")
	for !c.dev.sees("All steps are done.") {
		c.dev.press("Check now")
	}
	return key
}

// asks begins on a guide and posts a question about it.
func (c *forumCast) asks() {
	c.dev.open("/guides/limits")
	c.dev.follow("Ask about this page")
	c.dev.fill("Title", asked)
	c.dev.fill("Body", "We call `GET /v1/stock` from three workers.\n\n| worker | refused |\n|---|---|\n| 1 | 12 |")
	c.dev.fill("Tags", "limits, importer")
	c.dev.fill("Share an app with staff", "Order tracker")
	c.dev.press("Continue")
	c.dev.see("Preview", "from three workers")
	c.dev.press("Post question")
	c.dev.see(asked, "Rate limits", "limits")
	c.dev.open("/forum/ask")
	c.dev.fill("Title", private)
	c.dev.fill("Body", "We mean the one that was signed in spring, with the annex.")
	c.dev.tick("You and staff alone")
	c.dev.press("Continue")
	c.dev.press("Post question")
	c.dev.see(private)
}

// keyIsStopped pastes a key into a comment: it is not stored, and the author is led to rotate it.
func (c *forumCast) keyIsStopped(key madeKey) {
	c.dev.open("/forum?show=mine")
	c.dev.follow(asked)
	c.openComment(c.dev, "from three workers")
	c.dev.fill("Comment", "We send `"+key.secret+"` with each call.")
	c.dev.press("Post comment")
	c.dev.see("It was not stored", key.hint())
	c.dev.seeNot(key.secret)
	c.dev.follow("Rotate the key")
	c.dev.see("Rotate", key.name)
	c.w.rotate(c.dev, key, "Not at all")
}

// openComment opens the form for a comment under the post with these words.
func (c *forumCast) openComment(p person, words string) {
	if b, ok := p.(*browser); ok && b.has("summary", "Add a comment", words) {
		b.use("summary", "Add a comment", words)
	}
}

// supportAnswers finds what waits, and answers with the context beside it.
func (c *forumCast) supportAnswers() {
	c.w.mailTo(adminMail, asked)
	c.admin.open("/support")
	c.admin.follow(asked)
	c.admin.see("Order tracker", "Public page")
	c.admin.fill("Note", "heliotrope: ask sales before raising the plan")
	c.admin.press("Keep note")
	c.admin.press("Assign to me")
	c.admin.fill("Your answer", "The workers share the limit of the app. Wait for as long as `Retry-After` says.")
	c.admin.press("Post answer")
	c.admin.open("/support")
	c.admin.seeNot(asked)
}

// accepts comes by the link in the mail.
func (c *forumCast) accepts() {
	link := c.w.linkMailedTo(devMail, asked)
	c.dev.open(link)
	c.dev.see("The workers share the limit of the app", "support")
	c.dev.seeNot("heliotrope")
	c.dev.press("Accept")
	c.dev.see("Accepted answer", "Solved")
}

// nextPersonFindsIt asks the same in other words, and is shown what was asked before.
func (c *forumCast) nextPersonFindsIt() {
	c.w.join(c.reader, "Ruth Heron", readerMail)
	c.reader.open("/guides/limits")
	c.reader.see(asked)
	c.reader.open("/forum/ask")
	c.reader.fill("Title", askedAgain)
	c.reader.fill("Body", "What is the limit counted by, the key or the app?")
	c.reader.press("Continue")
	c.reader.see("Asked before")
	c.reader.seeNot(private)
	c.reader.follow(asked)
	c.reader.see("Accepted answer")
}

// followsUntilTheLinkInTheMail follows, gets a mail, and ends that from the mail without signing in.
func (c *forumCast) followsUntilTheLinkInTheMail() {
	c.reader.press("Follow")
	c.openComment(c.dev, "from three workers")
	c.dev.fill("Comment", "It works now, thank you.", "from three workers")
	c.dev.press("Post comment", "from three workers")
	mail := c.w.mailTo(readerMail, "It works now").Text
	_, rest, found := strings.Cut(mail, "/unsubscribe?token=")
	token, _, _ := strings.Cut(rest, "\n")
	if !found {
		c.w.t.Fatalf("no link to unsubscribe in %s", mail)
	}
	stranger := newClerk(c.w.t, c.w.URL, "whoever holds the mail")
	stranger.open("/unsubscribe?token=" + strings.TrimSpace(token))
	stranger.press("Stop mails")
	c.reader.open("/forum")
	c.reader.follow(asked)
	if c.reader.has("button", "Stop following", "") || !c.reader.has("button", "Follow", "") {
		c.w.t.Error("the link in the mail did not end it")
	}
}

// isModerated writes what does not belong here; a reader says so, and staff hide it.
func (c *forumCast) isModerated() {
	c.reader.fill("Your answer", "Buy cheap marigold seeds from my cousin.")
	c.reader.press("Post answer")
	c.dev.open(c.reader.path())
	c.dev.follow("Flag", "marigold")
	c.dev.tick("Spam")
	c.dev.press("Flag post")
	c.admin.open("/support/flags")
	c.admin.follow(asked)
	c.admin.see("marigold")
	c.admin.fill("Reason", "It sells something.")
	c.admin.press("Hide post")
	c.dev.open(c.reader.path())
	c.dev.seeNot("marigold")
}

// searchKnowsItsReader finds a guide, an API and a question from one box, and not what its reader may not see.
func (c *forumCast) searchKnowsItsReader(t *testing.T) {
	for words, want := range map[string]string{"Retry-After 429": "Rate limits", "stock": "Stock API", "importer 429": asked, "importr": "importer", "stock:read": "Stock API"} {
		c.reader.open("/")
		c.reader.follow("Search")
		c.reader.fill("Words, a code, a path or a scope", words)
		c.reader.press("Search")
		c.reader.see(want)
	}
	for who, p := range map[string]person{"reader": c.reader, "developer": c.dev} {
		p.open("/search?q=zebrafinch")
		if found := p.sees(private); found != (who == "developer") {
			t.Errorf("%s finds the question of an organization: %t", who, found)
		}
	}
	c.reader.open("/search?q=heliotrope")
	c.reader.see("Nothing")
}
