package lint

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// withoutAct are the store methods that change rows and are no act of anybody's: bookkeeping of the program itself, or a step whose act is
// recorded when it is complete. Each with its reason.
var withoutAct = map[string]string{
	"account.Departure":       "only reads, in a transaction",
	"account.Take":            "counts a try, before anybody is known",
	"account.Release":         "gives counted tries back",
	"account.Resolve":         "notes that a session was seen",
	"account.Sweep":           "deletes what expired",
	"account.Remember":        "follows a sign-in, which is recorded",
	"account.KnownBrowser":    "follows a reset of the password, which is recorded",
	"provider.Sweep":          "deletes what expired",
	"download.Job":            "makes what Ask, which is the act, asked for",
	"download.Sweep":          "deletes what expired",
	"catalog.IndexAll":        "makes the search index anew from what is there",
	"notice.Run":              "mails what is about to happen; the mails are the record",
	"org.RemindOfFactors":     "mails a reminder; the mails are the record",
	"scim.TellEnding":         "mails what is about to happen or has; the mails are the record",
	"scim.TellStopped":        "as scim.TellEnding",
	"quota.Warn":              "mails what is used of quotas; the mails are the record",
	"notice.ReadCalendar":     "notes when an address was read",
	"idempotency.Claim":       "remembers that a call came; what the call does is the act",
	"idempotency.Finish":      "remembers what a call was answered",
	"idempotency.Release":     "forgets a call that did nothing",
	"idempotency.Sweep":       "deletes answers older than they are kept",
	"enforcement.Tell":        "mails what a saved change will do; saving it was the act",
	"policy.Sweep":            "deletes old previews",
	"key.Sweep":               "deletes spent forms and old previews",
	"rotation.Mails":          "mails what is about to happen or has; the mails are the record",
	"importing.Flush":         "as Run",
	"importing.Run":           "keeps a key under another digest, which nobody sees",
	"importing.Settle":        "forgets a secret that nothing needs any more",
	"key.Redigest":            "as importing.Run",
	"bulk.Sweep":              "deletes old previews and queues the job of an act again",
	"support.Answering":       "notes for ten minutes who has a form open",
	"support.PreviewMerge":    "only reads, in a transaction",
	"usage.Sweep":             "deletes counts older than they are kept",
	"refusal.Sweep":           "deletes refusals older than they are kept",
	"staff.NewSetupCode":      "prints a code before there is anybody to act",
	"staff.CheckSetupCode":    "only reads, in a transaction",
	"follow.Job":              "tells by mail what others recorded when they wrote it",
	"leak.HandIn":             "anybody’s report, of which nobody knows yet whether it names a key; Job is the act",
	"handover.Departure":      "only reads, under the lock of what it asks about",
	"handover.PreviewMove":    "only reads, under the lock of what it asks about",
	"handover.Sweep":          "forgets what links held that nobody opened in time",
	"invitation.Sweep":        "deletes invitations that expired long ago",
	"scim.Enter":              "notes that a token was used",
	"leak.Sweep":              "forgets signed bodies of long ago",
	"guide.Progress":          "writes down what other acts have done",
	"guide.Index":             "brings the search index to the pages",
	"guide.KeepIndex":         "as Index",
	"forum.EachDocument":      "only reads, in a transaction of whoever makes the index anew",
	"forum.EachDocumentAfter": "only reads, in a transaction of whoever makes the index anew",
	"guide.EachDocument":      "only reads, in a transaction of whoever makes the index anew",
	"factor.Begin":            "a seed that counts for nothing before its first code is given, which is the act",
	"review.Remind":           "mails who waits to be decided about; the mails are the record",
	"account.CalibrateCost":   "only ever makes hashes dearer, by what the machine can bear; the log says it",
	"factor.AskForNew":        "a challenge, which is nothing before its answer, which is the act",
	"factor.Ask":              "as AskForNew",
	"factor.AskToEnter":       "as AskForNew",
	"account.AddUser":         "within the transaction of whoever calls, who records the act",
	"account.ChangeLanguage":  "a preference of the reader, changed by one click on any page",
}

// storeMethod is a function of models, and what it does itself.
type storeMethod struct {
	where           string
	changes, record bool
	calls           []string
}

// storeMethods are all functions of models by package and name, and those of them that are exported methods of stores.
func storeMethods(t *testing.T) (methods map[string]*storeMethod, exported []string) {
	t.Helper()
	methods = map[string]*storeMethod{}
	for _, s := range sources(t) {
		if s.isTest() || !s.within("models") {
			continue
		}
		area := s.file.Name.Name
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			name := area + "." + f.Name.Name
			methods[name] = methodOf(area, f, s.at(f))
			if f.Recv != nil && token.IsExported(f.Name.Name) && receives(f, "Store") {
				exported = append(exported, name)
			}
		}
	}
	return methods, exported
}

func methodOf(area string, f *ast.FuncDecl, where string) *storeMethod {
	m := &storeMethod{where: where}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		switch fn := call.Fun.(type) {
		case *ast.SelectorExpr:
			m.changes = m.changes || fn.Sel.Name == "Tx"
			if x, ok := fn.X.(*ast.Ident); ok {
				m.record = m.record || x.Name == "audit" && strings.HasPrefix(fn.Sel.Name, "Record")
				if x.Name == receiver(f) {
					m.calls = append(m.calls, area+"."+fn.Sel.Name)
				}
			}
		case *ast.Ident:
			m.calls = append(m.calls, area+"."+fn.Name)
		case *ast.IndexExpr:
			if x, ok := fn.X.(*ast.Ident); ok {
				m.calls = append(m.calls, area+"."+x.Name)
			}
		}
		return true
	})
	return m
}

// reaches reports whether a function, or one that it calls in its package, is so.
func reaches(methods map[string]*storeMethod, name string, is func(*storeMethod) bool) bool {
	seen := map[string]bool{}
	var reach func(name string) bool
	reach = func(name string) bool {
		m := methods[name]
		if m == nil || seen[name] {
			return false
		}
		seen[name] = true
		return is(m) || slices.ContainsFunc(m.calls, reach)
	}
	return reach(name)
}

func changes(m *storeMethod) bool { return m.changes }
func records(m *storeMethod) bool { return m.record }

// U1: every store method that changes something names its act.
func TestEveryStoreMethodThatChangesSomethingRecordsItsAct(t *testing.T) {
	methods, exported := storeMethods(t)
	used := map[string]bool{}
	for _, name := range exported {
		if _, excused := withoutAct[name]; excused {
			used[name] = true
			continue
		}
		if reaches(methods, name, changes) && !reaches(methods, name, records) {
			t.Errorf("%s: %s changes something and records no act", methods[name].where, name)
		}
	}
	if len(exported) < 50 {
		t.Errorf("only %d store methods were found", len(exported))
	}
	for name, reason := range withoutAct {
		if !used[name] || reason == "" {
			t.Errorf("%s is excused and does not exist, or has no reason", name)
		}
	}
}

// receiver is the name by which a method knows its store; "" for a function.
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil || len(f.Recv.List[0].Names) == 0 {
		return ""
	}
	return f.Recv.List[0].Names[0].Name
}

func receives(f *ast.FuncDecl, name string) bool {
	star, ok := f.Recv.List[0].Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	id, ok := star.X.(*ast.Ident)
	return ok && id.Name == name
}

// The filter of the audit log offers every act there is.
func TestActsListsEveryAct(t *testing.T) {
	for _, s := range sources(t) {
		if s.path != "models/audit/acts.go" {
			continue
		}
		_, list, _ := strings.Cut(s.text, "var acts = []Act{")
		for _, d := range s.file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST {
				continue
			}
			for _, spec := range g.Specs {
				name := spec.(*ast.ValueSpec).Names[0].Name
				if !strings.Contains(list, name+",") && !strings.Contains(list, name+"}") {
					t.Errorf("Acts() lacks %s", name)
				}
			}
		}
		return
	}
	t.Error("models/audit/acts.go was not read")
}
