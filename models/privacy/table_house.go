package privacy

// mailTables are of letters.
var mailTables = []Table{
	{
		// What a change of address mails stands under who asked for it, but which of two letters it was tells whether the address has an account (A6): it is shown to whose address it is.
		Name: "mails", Record: "mails", Of: "(user_id = @user AND kind NOT IN ('address_taken', 'change_address')) OR recipient = @email", Ends: "user_id = @user OR recipient IN @emails", Fate: Deleted,
		People: "user_id", Shown: "kind recipient subject state created_at sent_at", Kept: "body_sealed last_error", Plain: "id attempts urgency next_attempt_at leased_by leased_until expires_at",
	},
}

// auditTables are of the log of what was done. Its personal values go by the person, by whom it was done to, and by their addresses, in package audit; what is
// in the chain names people by their ids alone.
var auditTables = []Table{
	{
		Name: "audit_personal", Record: "audit", Of: auditAbout, Ends: "event_id IN (SELECT id FROM audit_events WHERE actor_id = @user OR target_id = @user)", Fate: Deleted, Shown: "field value", Kept: "salt", Plain: "event_id",
		With: []string{"(SELECT e.act FROM audit_events e WHERE e.id = event_id) AS act", "(SELECT e.at FROM audit_events e WHERE e.id = event_id) AS at"},
	},
	{
		Name: "audit_events", Record: "audit", Of: "actor_id = @user OR target_id = @user", People: "actor_id target_id", Shown: "at act target_kind result", Kept: "details personal", With: []string{auditDetails + " AS details"},
		Plain: "seq id actor_kind organization_id request_id previous_hash hash",
	},
	{Name: "audit_head", Plain: "id seq events hash"},
	{Name: "audit_checkpoints", Plain: "seq hash at public_key signature told_at"},
	{Name: "audit_archives", Plain: "last_seq first_seq previous_hash hash at public_key signature released_at"},
	{Name: "audit_erasures", Record: "audit", People: "person_id", Kept: "salt digest", Plain: "id upto done at"}, // gone within the hour, when the files of the archive are without it
}

// houseTables are of the catalogue and of the program itself.
var houseTables = []Table{
	{Name: "jobs", Record: "jobs", Kept: "payload last_error", Plain: "id kind once run_at attempts leased_by leased_until finished_at failed_at created_at"},
	{Name: "staff_roles", Record: "staffwork", People: "created_by", Plain: "id name description permissions created_at updated_at"},
	{Name: "changes", People: "subject_id", Plain: "seq kind at"},
	{Name: "settings", Plain: "name value updated_at"},
	{Name: "assets", Plain: "url body gzipped seen_at"},
	{Name: "replicas", Plain: "boot_id name version edge_addr started_at seen_at skew_ms feed_seq feed_ms hint redis spooled keys_held lookups reads"},
	{Name: "apis", Plain: "id slug name publisher_id summary description data_domain visibility refuses_undeclared is_portal terms terms_version first_checked_at last_checked_at retired_at created_at updated_at report_only_until report_only_live_until report_only_test_until"},
	{Name: "api_environments", Plain: "api_id environment base_url example_method example_path example_body"},
	{Name: "api_organizations", Plain: "api_id organization_id created_at"},
	{Name: "api_versions", Plain: "id api_id name state openapi_document sunset_at created_at updated_at"},
	{Name: "plans", Plain: "id api_id name summary rate_requests rate_period_seconds burst quota_month needs_approval retired_at created_at updated_at quota_day"},
	{Name: "route_rules", Plain: "id api_id version_id method path_template scope_id created_at cost"},
	{Name: "scopes", Plain: "id api_id name sentence sensitive withdrawn_at created_at"},
	{Name: "scope_presets", Plain: "id api_id name purpose position created_at updated_at"},
	{Name: "scope_preset_scopes", Plain: "preset_id scope_id"},
}

// auditAbout are the personal values that are the person's own: from where they did something, and who they were when something was done to them. What else they
// named, such as whom they invited, is another's; so is who acted on them, and the address that they asked for and that may be another's: it is erased with that one's account, and
// what is gone from a download would tell that there was one (A6). It begins with their events, so that nobody's download reads the whole log.
const auditAbout = `event_id IN (SELECT a.id FROM audit_events a WHERE a.actor_id = @user UNION SELECT b.id FROM audit_events b WHERE b.target_id = @user)
	AND (SELECT CASE WHEN e.actor_id = @user AND (field IN ('actor', 'address') OR e.target_kind = 'factor') THEN 1
		WHEN e.target_id = @user AND field NOT IN ('actor', 'address') AND e.act <> 'user.email_change_requested' THEN 1 ELSE 0 END FROM audit_events e WHERE e.id = event_id) = 1`

// auditDetails are the details of an event that are the person's to know: of what was done to them, and of what they did to their own and in organizations to which they belong
// now. What they did elsewhere, as staff or before they left, tells of others.
const auditDetails = `CASE WHEN target_id = @user OR (actor_id = @user AND target_kind = 'factor') OR (organization_id = @org AND organization_id <> @zero)
	OR organization_id IN (SELECT rm.organization_id FROM {members} rm) THEN details ELSE '' END`
