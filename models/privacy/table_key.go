package privacy

// keyTables are of apps, of keys, and of what was called with them.
var keyTables = []Table{
	{
		Name: "key_network_uses", Record: "networks", Of: "key_id IN (" + ownKeys + ")", Fate: Deleted,
		Shown: "network first_used_at last_used_at", Plain: "key_id", With: []string{"(SELECT k.name FROM keys k WHERE k.id = key_id) AS name_of_key"},
	},
	{
		Name: "key_calendars", Record: "keys", Of: mine, Fate: Deleted,
		People: "user_id", Shown: "created_at last_read_at", Kept: "digest", Plain: "organization_id generation", With: []string{nameOfOrg},
	},
	{
		Name: "key_notices_told", Record: "keys", Of: mine, Fate: Deleted,
		People: "user_id", Shown: "kind ends_at told_at", Plain: "key_id",
	},
	{
		Name: "key_handovers", Record: "keys", Of: "made_by = @user", Ends: "made_by = @user OR key_id IN (" + ownKeys + ")",
		People: "made_by", Shown: "created_at expires_at opened_at cancelled_at", Kept: "digest sealed opened_network", Plain: "id key_id tried_again_at",
		Wiped: []string{"opened_network = ''", "sealed = NULL"},
	},
	{
		Name: "idempotency_keys", Record: "keys", Ends: "caller_id IN (" + ownKeys + ")", Fate: Deleted,
		Kept: "digest request_digest answer", Plain: "caller_id status created_at",
	},
	{
		Name: "leak_reports", Record: "leaks", Of: "incident_id IN (SELECT li.id FROM leak_incidents li WHERE li.key_id IN (" + ownKeys + "))", Fate: Deleted,
		Shown: "source place url at", Plain: "incident_id report_id",
	},
	{
		Name: "leak_incidents", Record: "leaks", Ends: "key_id IN (" + ownKeys + ")",
		People: "closed_by", Kept: "closed_word", Plain: "id key_id opened_at reported_at reports done revoke_at resumed_at closed_at news",
		Wiped: []string{"closed_word = ''"},
	},
	{
		Name: "keys", Record: "keys", Of: "app_id IN (" + ownApps + ") OR ((created_by = @user OR responsible_id = @user) AND app_id IN (" + reachedApps + "))", Ends: "app_id IN (" + ownApps + ")",
		People: "created_by revoked_by responsible_id",
		Shown: "name environment prefix last_four metadata networks origins created_at expires_at last_used_at last_used_network paused_at suspended_at suspended_until suspended_reason " +
			"revoked_at revoked_reason confirmed_at",
		Plain: "id app_id data_domain foreign_prefix digest_algorithm pepper_version digest rate_requests rate_period_seconds rate_burst rotated_from overlap_ends_at updated_at paused_cause resumed_at " +
			"overlap_extended_at rotation_undone_at paused_under import_id import_mark",
		With:  []string{"(SELECT a.name FROM apps a WHERE a.id = app_id) AS app"},
		Wiped: []string{"name = '" + ErasedKey + "'", "metadata = '{}'", "last_used_network = ''", "suspended_reason = ''", "revoked_reason = ''"},
	},
	{
		Name: "access", Record: "keys", Of: "app_id IN (" + ownApps + ") OR (requested_by = @user AND app_id IN (" + reachedApps + "))", Ends: "app_id IN (" + ownApps + ")",
		People: "requested_by terms_agreed_by decided_by", Shown: "state purpose terms_version terms_agreed_at decided_at reason created_at", Plain: "id app_id api_id plan_id suspended_until updated_at",
		With:  []string{"(SELECT a.name FROM apps a WHERE a.id = app_id) AS app", "(SELECT x.name FROM apis x WHERE x.id = api_id) AS api"},
		Wiped: []string{"purpose = ''", "reason = ''"},
	},
	{
		Name: "refusals", Record: "refusals", Of: "", Ends: "organization_id = @org AND organization_id <> @zero", Fate: Deleted,
		Kept: "detail path address origin seen", Plain: "id request_id at key_id app_id organization_id api_id publisher_id environment door code cause status method",
	},
	{
		Name: "apps", Record: "keys", Of: "id IN (" + ownApps + ") OR (created_by = @user AND id IN (" + reachedApps + "))", Ends: "organization_id = @org",
		People: "created_by", Shown: "name description homepage_url suspended_at suspended_until suspended_reason deleted_at created_at limited", Plain: "id organization_id updated_at", With: []string{nameOfOrg},
		Wiped: []string{"name = '" + ErasedApp + "'", "description = ''", "homepage_url = ''", "suspended_reason = ''"},
	},
	{Name: "key_grants", Plain: "key_id api_id scope_id granted_at"},
	{Name: "key_grant_uses", Plain: "key_id scope_id last_used_at"},
	{Name: "key_grants_taken", Plain: "key_id scope_id taken_at"},
	{Name: "key_notices", Plain: "key_id kind sent_at"},
	{Name: "key_notice_zones", Plain: "zone until"},
	{Name: "key_bulks", Record: "staffwork", People: "made_by started_by", Kept: "filter reason", Plain: "id verb of_bulk ends_at keys used calls done left_alone expires_at started_at moved_at stopped_at finished_at told_at created_at"},
	{Name: "key_bulk_keys", Plain: "bulk_id key_id result paused_before at"},
	{Name: "key_bulk_shares", Plain: "bulk_id app_id organization_id keys used calls told_at"},
	{Name: "key_revocations", Record: "staffwork", People: "made_by", Kept: "filter reason", Plain: "id keys calls revoked expires_at finished_at created_at"},
	{Name: "key_revocation_keys", Plain: "revocation_id key_id"},
	{Name: "key_imports", Record: "staffwork", People: "made_by", Kept: "label", Plain: "id algorithm secret prefix alphabet length keys finished_at settled_at created_at shortest"},
	{Name: "key_policies", Plain: "subject_kind subject_id default_days max_days never_allowed idle_days rotate_days keys_per_app networks updated_at"},
	{Name: "key_policy_changes", Record: "staffwork", People: "made_by", Plain: "id subject_kind subject_id rules_before rules_after notice_days keys summary expires_at made_at effective_at created_at"},
	{Name: "key_policy_change_keys", Plain: "change_id key_id breaks told_at"},
	{Name: "key_policy_dues", Plain: "key_id rule subject_kind subject_id days due_at told created_at"},
	{Name: "leak_deliveries", Plain: "digest at"},
	{Name: "access_scopes", Plain: "access_id scope_id"},
	{Name: "quota_counters", Plain: "app_id api_id environment period_start used"},
	{Name: "quota_days", Plain: "app_id api_id environment day used"},
	{Name: "quota_warnings", Plain: "app_id api_id environment period period_start mark at"},
	{Name: "refusals_left_out", Plain: "minute app_id organization_id api_id publisher_id code refusals"},
	{Name: "usage_series", Plain: "id key_id app_id organization_id api_id environment route_template code"},
	{Name: "usage_minutes", Plain: "series_id at calls"},
	{Name: "usage_hours", Plain: "series_id at calls"},
	{Name: "usage_days", Plain: "series_id at calls"},
	{Name: "usage_api_hours", Plain: "at api_id environment code calls"},
	{Name: "usage_api_days", Plain: "at api_id environment code calls"},
	{Name: "usage_batches", Plain: "replica boot seq at"},
}
