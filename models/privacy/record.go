package privacy

import "github.com/gatehouse-dev/gatehouse/internal/text"

// Record is what the page of records tells in one row: what is kept together, for one reason and one time. Its texts are sentences of the catalogue.
type Record struct {
	ID    string
	Title string
	Why   string
	Keep  string // how long; with a %d it takes Days
	Days  int    // 0: Keep takes none
	Ends  string // what deleting the account does to it
}

// Sentences that several records have.
var (
	withAccount  = text.N("As long as the account.")
	goes         = text.N("Erased.")
	staysHouse   = text.N("Stays; where your name stood, nothing is left but an id.")
	goesByItself = text.N("Goes by itself within that time.")
)

// Records are all of them, in the order of the page, with the retention that is in force. What is not set has
// the same time everywhere, by the packages that sweep.
func Records(r Retention) []Record {
	return []Record{
		{"account", text.N("Account: name, address, language, password as a hash, role"), text.N("To sign you in and to write to you."), withAccount, 0, goes},
		{"sessions", text.N("Sessions: browser, network, when"), text.N("To keep you signed in, and for you to see where."), text.N("Until the session ends: %d hours at most."), 24, goes},
		{"devices", text.N("Browsers in which you signed in: name of the browser, network, when"), text.N("To tell you of a browser that is new."), text.N("%d days after the last sign-in there."), 365, goes},
		{"factors", text.N("Second factors: kind, name, when used"), text.N("To ask for them when you sign in."), text.N("Until you remove them."), 0, goes},
		{"identities", text.N("Providers: who you are there"), text.N("To sign you in by them."), text.N("Until you unlink them."), 0, goes},
		{"signin", text.N("Links, forms and steps of signing in, as digests"), text.N("So that each works once."), text.N("%d days at most."), 7, goes},
		{"attempts", text.N("Counts of attempts and of mails, by address and network, as digests"), text.N("To hold up guessing, and too many mails."), text.N("%d days at most."), 7, goesByItself},
		{"signups", text.N("Sign-ups that nobody verified"), text.N("To make the account once the address is verified."), text.N("%d hours at most."), 24, goes},
		{"organization", text.N("Your personal organization: name, technical address"), text.N("To hold your own apps and keys."), withAccount, 0, goes},
		{"memberships", text.N("Memberships, invitations, and what a directory says of you"), text.N("To give you the rights of your role."), text.N("As long as you belong there."), 0, goes},
		{"keys", text.N("Apps and keys: names, what they may do, when and by whom made"), text.N("To judge calls."), text.N("As long as the organization keeps them."), 0, text.N("Those of your personal organization stop and lose their names; those of other organizations stay theirs, without your name.")},
		{"networks", text.N("Networks from which your keys were used, cut to /24 or /48"), text.N("To see a use that is not yours."), text.N("%d days after the last use."), r.Networks, goes},
		{"leaks", text.N("Reports of leaked keys: where they were found"), text.N("To act on them."), text.N("As long as the key is listed."), 0, goes},
		{"refusals", text.N("Refused calls: path, network, code"), text.N("To find out why a call was refused."), text.N("%d days."), 7, text.N("Those of your personal organization are erased.")},
		{"forum", text.N("Questions, answers, comments, votes and reports"), text.N("Others read them and build on them."), text.N("Until you delete them."), 0, text.N("You choose: what you wrote stays readable, without your name, or it is erased, too. Votes go, and so do your words in reports. Where others wrote your name, it stands as they wrote it.")},
		{"notices", text.N("Pages and questions that you follow"), text.N("To tell you by mail."), text.N("Until you end it."), 0, goes},
		{"guides", text.N("Ratings of pages, ticks in tutorials, searches that found nothing"), text.N("To make the guides better."), text.N("Ratings as long as the account, those of visitors without a name for good; searches without your name for %d days."), 90, text.N("Ratings are erased, ticks lose your name.")},
		{"mails", text.N("Mails to you: kind, subject, address, when; the text only until it is sent"), text.N("To send them, and to know what was sent."), text.N("%d days."), 30, text.N("Erased. One last mail tells you of it; its text and your address go once it is sent, within a day at the latest.")},
		{"audit", text.N("Audit log: who did what and when, and from which address"), text.N("To find out afterwards who did what; to show that nothing was changed."), text.N("The event as long as the log; the address of the network for %d days."), r.Addresses, text.N("Names of people and addresses are erased. The event stays with an id, so that the chain can be verified, and so do the names that you gave to apps and keys, and the networks to which you bound keys.")},
		{"staffwork", text.N("What staff wrote and did at work: notes, reasons, reviews"), text.N("To know why something was decided."), text.N("As long as what it is about."), 0, staysHouse},
		{"jobs", text.N("Work that waits or was done, by ids"), text.N("To finish it after a restart."), text.N("%d days."), 7, goesByItself},
		{"downloads", text.N("What you had put together about yourself, sealed"), text.N("For you to download it."), text.N("%d days."), 7, goes},
	}
}
