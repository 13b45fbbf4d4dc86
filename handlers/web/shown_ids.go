package web

import (
	"github.com/gatehouse-dev/gatehouse/models/account/factor"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/support"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/bulk"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/org/domain"
	"github.com/gatehouse-dev/gatehouse/models/org/invitation"
	"github.com/gatehouse-dev/gatehouse/models/org/share"
	"github.com/gatehouse-dev/gatehouse/models/scim"
	"github.com/gatehouse-dev/gatehouse/models/staff/review"
	"github.com/gatehouse-dev/gatehouse/models/staffrole"
)

// IDPrefixes are those of ids by what the audit log calls the kind of thing, or of who did something.
var IDPrefixes = map[string]string{
	"user": "user", "mail": "mail", "session": "session", "organization": org.Prefix, "app": org.AppPrefix, "share": share.Prefix,
	"key": key.IDPrefix, "key_revocation": "rev", "key_bulk": bulk.Prefix, "key_import": key.ImportPrefix,
	"directory": scim.TokenPrefix, "directory_token": scim.TokenPrefix, "directory_group": scim.GroupPrefix,
	"question": forum.Prefix, "post": forum.PostPrefix, "support_team": support.TeamPrefix, "canned_reply": support.ReplyID,
	"invitation": invitation.Prefix, "domain": domain.Prefix, "factor": factor.Prefix, "staff_role": staffrole.Prefix, "review": review.Prefix,
	"api": catalog.Prefix, "access": catalog.AccessPrefix, "scope": catalog.ScopePrefix, "plan": catalog.PlanPrefix, "version": catalog.VersionPrefix, "route_rule": catalog.RulePrefix,
}

// ShownID is an id of the audit log as pages, downloads and the API show it: id_… for a kind without a prefix, "" for the zero id.
func ShownID(kind string, id db.ID) string {
	prefix := IDPrefixes[kind]
	if prefix == "" {
		prefix = "id"
	}
	return id.Show(prefix)
}
