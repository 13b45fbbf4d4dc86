package privacy

// accountTables are of accounts, and of signing in.
var accountTables = []Table{
	{
		Name: "download_parts", Record: "downloads", Ends: "download_id IN (SELECT id FROM downloads WHERE user_id = @user)", Fate: Deleted,
		Kept: "body_sealed", Plain: "download_id run part",
	},
	{
		Name: "downloads", Record: "downloads", Of: mine, Fate: Deleted,
		People: "user_id", Shown: "created_at fetched_at", Plain: "id run size ready_at expires_at",
	},
	{
		Name: "provider_sessions", Record: "signin", Of: "session_id IN (SELECT id FROM sessions WHERE user_id = @user)", Fate: Deleted,
		Shown: "issuer", Kept: "subject sid", Plain: "session_id",
	},
	{
		Name: "sessions", Record: "sessions", Of: mine, Fate: Deleted,
		People: "user_id", Shown: "user_agent network means provider created_at last_seen_at expires_at factor_at", Kept: "digest code_digest", Plain: "id factor_pending reauthenticated_at device_id code_expires_at code_tries",
	},
	{
		Name: "devices", Record: "devices", Of: mine, Fate: Deleted,
		People: "user_id", Shown: "user_agent network last_seen_at created_at", Kept: "digest", Plain: "id",
	},
	{
		Name: "ceremonies", Record: "signin", Of: mine, Fate: Deleted,
		People: "user_id", Kept: "digest bound", Plain: "kind expires_at",
	},
	{
		Name: "factors", Record: "factors", Of: mine, Fate: Deleted,
		People: "user_id", Shown: "kind name confirmed_at last_used_at created_at backup_eligible transports", Kept: "secret_sealed credential_id public_key sign_count last_step counted_back_at", Plain: "id",
	},
	{
		Name: "recovery_codes", Record: "factors", Of: mine, Fate: Deleted,
		People: "user_id", Shown: "used_at created_at", Kept: "digest",
	},
	{
		Name: "factor_failures", Record: "factors", Of: mine, Fate: Deleted,
		People: "user_id", Shown: "failures",
	},
	{
		Name: "provider_visits", Record: "signin", Of: "address = @email", Ends: "address IN @emails OR EXISTS (SELECT 1 FROM identities i WHERE i.user_id = @user AND i.issuer = provider_visits.issuer AND i.subject = provider_visits.subject)", Fate: Deleted,
		Shown: "provider issuer address created_at", Kept: "digest subject sid name link_digest next_path", Plain: "id verified vouched factor expires_at",
	},
	{
		Name: "identities", Record: "identities", Of: mine, Fate: Deleted,
		People: "user_id", Shown: "issuer subject address last_used_at factor_at created_at", Plain: "id",
	},
	{
		Name: "provider_logouts", Plain: "digest expires_at",
	},
	{
		Name: "one_time_links", Record: "signin", Of: mine, Fate: Deleted, // not what others wait for at that address: it would tell them that there was an account (A6), and it ends within a day
		People: "user_id", Shown: "purpose email created_at expires_at used_at", Kept: "digest", Plain: "id",
	},
	{
		Name: "form_tokens", Record: "signin", Of: mine, Fate: Deleted,
		People: "user_id", Kept: "digest", Plain: "purpose made_id used_at expires_at",
	},
	{
		Name: "throttles", Record: "attempts", Kept: "bucket", Plain: "taken resets_at",
	},
	{
		Name: "signups", Record: "signups", Ends: "email IN @emails", Fate: Deleted, // who began it at that address is not known: it is not shown to whom the address is now
		Kept: "email name display_name language time_zone password_sealed browser_digest link_digest code_digest next_path", Plain: "id code_tries code_expires_at expires_at created_at",
	},
	{
		Name: "users", Record: "account", Of: "id = @user",
		People: "id",
		Shown: "email name display_name language time_zone password_changed_at email_verified_at approved_at staff_role suspended_at suspended_until suspended_reason last_signed_in_at created_at " +
			"posting_blocked_at posting_blocked_until posting_blocked_reason",
		Kept: "password_sealed", Plain: "deleted_at updated_at",
		Wiped: []string{
			"email = 'deleted-' || id || '@deleted.invalid'", "name = '" + ErasedName + "'", "display_name = '" + ErasedName + "'", "language = 'en'", "time_zone = 'UTC'", "password_sealed = NULL",
			"password_changed_at = NULL", "email_verified_at = NULL", "approved_at = NULL", "staff_role = ''", "suspended_at = NULL", "suspended_until = NULL", "suspended_reason = ''", "last_signed_in_at = NULL",
			"posting_blocked_at = NULL", "posting_blocked_until = NULL", "posting_blocked_reason = ''",
		},
	},
}
