package privacy

// organizationTables are of organizations and who belongs to them.
var organizationTables = []Table{
	{
		Name: "review_decisions", Record: "memberships", Of: mine,
		People: "user_id decided_by", Shown: "unused factorless used_at note decided_at", Plain: "id review_id role act to_role",
		With: []string{"act AS decision", "role AS role_then", "to_role AS new_role"}, Wiped: []string{"note = ''", "used_at = NULL"},
	},
	{Name: "reviews", People: "opened_by finished_by", Plain: "id scope organization_id opened_at finished_at left_open"},
	{Name: "review_reminders", Plain: "scope quarter created_at"},
	{
		Name: "invitations", Record: "memberships", Of: "email = @email", Ends: "email IN @emails", Fate: Deleted,
		People: "invited_by", Shown: "email role sent_at expires_at created_at", Kept: "digest", Plain: "id organization_id sent", With: []string{nameOfOrg},
	},
	{
		Name: "app_members", Record: "memberships", Of: mine, Fate: Deleted,
		People: "user_id", Shown: "created_at", Plain: "app_id", With: []string{"(SELECT a.name FROM apps a WHERE a.id = app_id) AS app"},
	},
	{
		Name: "app_shares", Plain: "id app_id lender_id receiver_id usage_read keys_read rotate_test rotate_all reason ends_at accepted_at ended_at ended_cause reminded_at created_at",
	},
	{
		Name: "domain_barred", Record: "memberships", Of: mine, Fate: Deleted,
		People: "user_id", Shown: "created_at", Plain: "organization_id", With: []string{nameOfOrg},
	},
	{
		Name: "scim_group_members", Record: "memberships", Of: "scim_id IN (SELECT d.id FROM scim_users d WHERE d.user_id = @user)", Fate: Deleted,
		Plain: "group_id scim_id", With: []string{"(SELECT g.display_name FROM scim_groups g WHERE g.id = group_id) AS group_name"},
	},
	{
		Name: "scim_users", Record: "memberships", Of: mine, Fate: Deleted,
		People: "user_id", Shown: "user_name external_id display_name given_name family_name formatted_name stopped_at created_at updated_at", Plain: "id organization_id by_group", With: []string{nameOfOrg},
	},
	{
		Name: "scim_tokens", Record: "memberships", Of: "created_by = @user AND organization_id IN (SELECT rm.organization_id FROM {members} rm)", // the organization's

		People: "created_by", Shown: "name hint created_at expires_at last_used_at revoked_at", Plain: "id organization_id digest digest_algorithm pepper_version told stop_told_at", With: []string{nameOfOrg},
	},
	{
		Name: "scim_groups", Plain: "id organization_id display_name name_key external_id role created_at updated_at",
	},
	{
		Name: "scim_directories", Plain: "organization_id default_role created_at updated_at",
	},
	{
		Name: "members", Record: "memberships", Of: mine, Fate: Deleted,
		People: "user_id", Shown: "role created_at", Plain: "organization_id", With: []string{nameOfOrg},
	},
	{
		Name: "domains", Plain: "id organization_id name token proven_at checked_at finding missing_since lost_at join_role provider provider_away_at created_at",
	},
	{
		Name: "organizations", Record: "organization", Of: "personal_user_id = @user",
		People: "personal_user_id factor_set_by", Shown: "name technical_email suspended_at suspended_until suspended_reason created_at",
		Plain: "id kind deleted_at updated_at factor_from factor_reason factor_told_at",
		Wiped: []string{"name = '" + ErasedName + "'", "technical_email = ''", "suspended_reason = ''"},
		Also:  []string{"UPDATE organizations SET technical_email = '' WHERE technical_email IN @emails"},
	},
}
