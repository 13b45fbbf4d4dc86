package lint

import (
	"go/ast"
	"testing"
)

// withoutPermission are the refusals that name no permission, since none would help.
var withoutPermission = exceptions{
	"handlers/web/access.go guard":            "a level of access that there is not: no route has it",
	"internal/fault/fault.go Lacking":         "names it",
	"models/account/download/store.go Ask":    "nobody signed in; the route asks for that",
	"models/account/factor/change.go Reset":   "for whoever runs the command line",
	"models/forum/trust/trust.go refuse":      "an account that is gone",
	"models/key/key_patch.go Patch":           "for programs; people change keys by the pages",
	"models/org/invitation/send.go Resend":    "a person answers for the mail: a program does not",
	"models/org/invitation/send.go mayInvite": "as Resend",
	"models/org/member_role.go GiveRoleTx":    "what the directory of an organization may not do, whoever stands behind it",
	"models/scim/token.go MakeToken":          "a person answers for the token: a program does not",
}

// Z6: a refusal for want of a permission names it, so that the page can say who gives it.
func TestRefusalsNameThePermission(t *testing.T) {
	broken := map[string]string{}
	for _, s := range sources(t) {
		if s.forTests() || !s.within("models", "handlers", "internal/fault") {
			continue
		}
		for _, declaration := range s.file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(function, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok && called(call) == "Denied" {
					broken[s.path+" "+function.Name.Name] = s.at(call)
				}
				return true
			})
		}
	}
	withoutPermission.check(t, broken, "answer fault.Lacking with the permission, so that the page can say who gives it")
}
