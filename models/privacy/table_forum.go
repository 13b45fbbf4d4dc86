package privacy

// forumTables are of questions and answers, and of guides.
var forumTables = []Table{
	{
		Name: "votes", Record: "forum", Of: mine, Fate: Deleted,
		People: "user_id", Shown: "created_at", Plain: "post_id", With: []string{"post_id AS post"},
		Also: []string{
			"UPDATE questions SET votes = votes - 1 WHERE id IN (SELECT p.question_id FROM posts p JOIN votes v ON v.post_id = p.id WHERE v.user_id = @user AND p.kind = 'question')",
			"UPDATE posts SET votes = votes - 1 WHERE id IN (SELECT post_id FROM votes WHERE user_id = @user)",
		},
	},
	{Name: "answering", Record: "forum", Of: mine, Fate: Deleted, People: "user_id", Shown: "at", Plain: "question_id"},
	{Name: "follows", Record: "notices", Of: mine, Fate: Deleted, People: "user_id", Shown: "kind reason ended_at created_at", Plain: "id target_id"},
	{Name: "notice_choices", Record: "notices", Of: mine, Fate: Deleted, People: "user_id", Shown: "new_questions assignments updated_at"},
	{
		Name: "flags", Record: "forum", Of: "flagger_id = @user",
		People: "flagger_id decided_by", Shown: "reason words state created_at", Plain: "id question_id post_id decided_at",
		Wiped: []string{"words = ''"},
	},
	{Name: "notes", Record: "staffwork", People: "author_id", Kept: "body html", Plain: "id question_id created_at"},
	{Name: "post_revisions", Record: "forum", Of: "editor_id = @user AND post_id IN (SELECT p.id FROM posts p WHERE p.author_id = @user)", People: "editor_id", Shown: "number title body created_at state", Kept: "html tags hidden_reason", Plain: "post_id hidden_at", With: []string{"post_id AS post"}},
	{
		Name: "posts", Record: "forum", Of: "author_id = @user",
		People: "author_id", Shown: "kind body state votes created_at edited_at deleted_at hidden_at hidden_reason by_staff", Kept: "html",
		Plain: "id question_id parent_id renderer_version revisions updated_at pending_revision", With: []string{"id AS post", "question_id AS question"},
	},
	{
		Name: "questions", Record: "forum", Of: "asker_id = @user",
		People: "asker_id assignee_id first_reply_by", Shown: "kind title visibility state public_status source answers votes created_at closed_at closed_reason hidden_at hidden_reason deleted_at", Kept: "app_id",
		Plain: "id slug organization_id api_id waits_on accepted_post_id accepted_at team_id escalated_at waiting_since due_at first_reply_at first_due_at asked_back_at warned_at locked_at pinned_at merged_into counted version last_activity_at updated_at",
		Wiped: []string{"app_id = NULL"},
		Also:  []string{"UPDATE questions SET assignee_id = NULL WHERE assignee_id = @user"},
	},
	{Name: "question_tags", Plain: "question_id tag_id last_activity_at created_at votes"},
	{Name: "tags", Plain: "id name questions created_at"},
	{Name: "support_team_members", Record: "staffwork", Of: mine, Fate: Deleted, People: "user_id", Plain: "team_id", With: []string{"(SELECT t.name FROM support_teams t WHERE t.id = team_id) AS team"}},
	{Name: "support_teams", Plain: "id name created_at"},
	{Name: "canned_replies", Record: "staffwork", People: "created_by", Plain: "id name body created_at updated_at"},
	{Name: "tutorial_ticks", Record: "guides", Of: mine, People: "user_id", Shown: "tutorial step how ticked_at", Plain: "app_id", Wiped: []string{"user_id = NULL"}},
	{Name: "page_ratings", Record: "guides", Of: mine, Fate: Deleted, People: "user_id", Shown: "path helpful words language created_at", Kept: "visitor", Plain: "id"},
	{Name: "search_misses", Record: "guides", Kept: "text", Plain: "id times first_at last_at"},
	{Name: "search_documents", Plain: "id kind ref language title body heads words length public solved digest version updated_at terms"}, // made from questions: what these hold
	{Name: "search_terms", Plain: "term docs"},
	{Name: "search_public_words", Plain: "word document_id"},
	{Name: "search_spellings", Plain: "variant word"},
}
