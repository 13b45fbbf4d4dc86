package audit

import "slices"

// The acts of the house. A store method that changes something names one of them; a test holds that (U1).
const (
	SetupCompleted Act = "setup.completed"

	SignupBegun         Act = "user.signup_begun"
	UserSignedUp        Act = "user.signed_up"
	UserSignedIn        Act = "user.signed_in"
	UserSignInFailed    Act = "user.sign_in_failed"
	UserSignedOut       Act = "user.signed_out"
	UserReauthenticated Act = "user.reauthenticated"
	UserCodeMailed      Act = "user.sign_in_code_mailed" // to finish a sign-in from a new device
	UserCodeEntered     Act = "user.sign_in_code_entered"
	UserCodeFailed      Act = "user.sign_in_code_failed"
	UserProfileChanged  Act = "user.profile_changed"
	UserPasswordChanged Act = "user.password_changed"
	UserPasswordReset   Act = "user.password_reset"
	UserResetRequested  Act = "user.reset_requested"
	UserEmailRequested  Act = "user.email_change_requested"
	UserEmailGivenUp    Act = "user.email_change_given_up"
	UserEmailChanged    Act = "user.email_changed"
	UserEmailUndone     Act = "user.email_change_undone"
	UserDeleted         Act = "user.deleted"
	DataAsked           Act = "user.data_asked"      // everything that is held about them
	DataDownloaded      Act = "user.data_downloaded" // by them
	UserInvited         Act = "user.invited"
	UserApproved        Act = "user.approved"
	UserSuspended       Act = "user.suspended"
	UserUnsuspended     Act = "user.unsuspended"
	UserRoleChanged     Act = "user.staff_role_changed"
	StaffRoleCreated    Act = "staff_role.created"
	StaffRoleChanged    Act = "staff_role.changed" // for all who have it
	StaffRoleDeleted    Act = "staff_role.deleted"
	ReviewDecided       Act = "review.decided" // that somebody keeps a role, gets a lower one, or loses it
	ReviewFinished      Act = "review.finished"
	SessionEnded        Act = "session.ended"
	SessionsEnded       Act = "session.all_ended"
	BrowserForgotten    Act = "browser.forgotten" // the next sign-in there is one with a new browser
	BrowsersForgotten   Act = "browser.others_forgotten"

	FactorAdded       Act = "factor.added"
	FactorRemoved     Act = "factor.removed"
	FactorRenamed     Act = "factor.renamed"
	FactorShown       Act = "factor.shown" // at sign-in, or again before something that matters
	FactorFailed      Act = "factor.failed"
	FactorsReset      Act = "factor.all_reset" // by an operator, for somebody who is locked out
	RecoveryMade      Act = "factor.recovery_codes_made"
	FactorCountedBack Act = "factor.counter_went_back" // a passkey of which there may be a copy
	RecoveryUsed      Act = "factor.recovery_code_used"

	ProviderArrived   Act = "provider.arrived" // somebody came from one whom no account is linked to
	ProviderMailed    Act = "provider.mailed"  // a link, to show that an address is theirs
	ProviderProven    Act = "provider.proven"  // that it is
	ProviderLinked    Act = "provider.linked"
	ProviderUnlinked  Act = "provider.unlinked"
	ProviderLoggedOut Act = "provider.logged_out" // the provider said so

	OrganizationCreated     Act = "organization.created"
	OrganizationChanged     Act = "organization.changed"
	OrganizationDeleted     Act = "organization.deleted"
	OrganizationSuspended   Act = "organization.suspended"
	OrganizationUnsuspended Act = "organization.unsuspended"
	AppCreated              Act = "app.created"
	AppChanged              Act = "app.changed"
	AppDeleted              Act = "app.deleted"
	AppSuspended            Act = "app.suspended"
	AppUnsuspended          Act = "app.unsuspended"
	AppMoved                Act = "app.moved"   // told in both organizations
	AppLimited              Act = "app.limited" // only chosen members reach it
	AppOpened               Act = "app.opened"  // all members reach it again
	AppMemberAdded          Act = "app.member_added"
	AppMemberRemoved        Act = "app.member_removed"
	MemberRemoved           Act = "member.removed"
	MemberLeft              Act = "member.left"
	MemberInvited           Act = "member.invited"
	InvitationResent        Act = "invitation.resent"
	InvitationRevoked       Act = "invitation.revoked"
	InvitationDeclined      Act = "invitation.declined"
	MemberJoined            Act = "member.joined"
	MemberRoleChanged       Act = "member.role_changed"
	OrganizationTransferred Act = "organization.transferred"
	OrganizationRestored    Act = "organization.restored"
	FactorRequired          Act = "organization.factor_required" // a second factor, of members
	FactorReleased          Act = "organization.factor_released"
	OrganizationPurged      Act = "organization.purged" // deleted so long ago that it can't come back
	DomainClaimed           Act = "domain.claimed"
	DomainProven            Act = "domain.proven"
	DomainLost              Act = "domain.lost" // its record was gone for too long
	DomainRemoved           Act = "domain.removed"
	DomainJoinSet           Act = "domain.join_set"      // who joins by an address there
	DomainProviderSet       Act = "domain.provider_set"  // by which its people must sign in
	DomainProviderAway      Act = "domain.provider_away" // the settings don't offer it for the domain any more, so nobody must
	DomainProviderBack      Act = "domain.provider_back"

	DirectoryTokenMade    Act = "directory.token_made"
	DirectoryTokenRevoked Act = "directory.token_revoked"
	DirectoryRoleSet      Act = "directory.role_set" // as what its people come
	DirectoryUserAdded    Act = "directory.user_added"
	DirectoryUserChanged  Act = "directory.user_changed"
	DirectoryUserRemoved  Act = "directory.user_removed"
	DirectoryGroupAdded   Act = "directory.group_added"
	DirectoryGroupChanged Act = "directory.group_changed"
	DirectoryGroupRemoved Act = "directory.group_removed"
	DirectoryGroupRoleSet Act = "directory.group_role_set" // which role it gives

	// Of an app shared with another organization, each told in both, in its own words: first as the lender's, then as the receiver's.
	ShareOffered  Act = "share.offered"
	ShareReceived Act = "share.received"
	ShareAccepted Act = "share.accepted"
	ShareTaken    Act = "share.taken"
	ShareDeclined Act = "share.declined"
	ShareRefused  Act = "share.refused"
	ShareEnded    Act = "share.ended"
	ShareLost     Act = "share.lost"
	ShareRotated  Act = "share.key_rotated" // the receiver's; the lender's is key.rotated

	APICreated        Act = "api.created"
	APIChanged        Act = "api.changed"
	APIRetired        Act = "api.retired"
	APIConnected      Act = "api.connected"
	APIReportOnly     Act = "api.report_only"       // its refusals are passed over until a day
	APIReportOnlyEnd  Act = "api.report_only_ended" // before that day
	APIVersionAdded   Act = "api.version_added"
	APIVersionChanged Act = "api.version_changed"
	ScopeAdded        Act = "scope.added"
	ScopeChanged      Act = "scope.changed"
	ScopeWithdrawn    Act = "scope.withdrawn"
	PresetAdded       Act = "preset.added"
	PresetChanged     Act = "preset.changed"
	PresetMoved       Act = "preset.moved"
	PresetDeleted     Act = "preset.deleted"
	RouteRuleAdded    Act = "route_rule.added"
	RouteRuleRemoved  Act = "route_rule.removed"
	PlanAdded         Act = "plan.added"
	PlanChanged       Act = "plan.changed"
	PlanRetired       Act = "plan.retired"

	AccessRequested   Act = "access.requested"
	AccessWithdrawn   Act = "access.withdrawn"
	AccessApproved    Act = "access.approved"
	AccessRefused     Act = "access.refused"
	AccessPlanChanged Act = "access.plan_changed"
	AccessSuspended   Act = "access.suspended"
	AccessUnsuspended Act = "access.unsuspended"
	AccessEnded       Act = "access.ended"

	KeyCreated     Act = "key.created"
	KeyRotated     Act = "key.rotated"
	KeyPaused      Act = "key.paused"
	KeyResumed     Act = "key.resumed"
	KeyRevoked     Act = "key.revoked"
	KeysPreviewed  Act = "key.many_previewed"
	KeysRevoked    Act = "key.many_revoked"
	KeysPaused     Act = "key.many_paused"
	KeysResumed    Act = "key.many_resumed"
	KeysShortened  Act = "key.many_shortened"
	KeysFinished   Act = "key.many_finished" // with what became of each key's share
	KeysStopped    Act = "key.many_stopped"  // by staff, before it was through
	KeyShortened   Act = "key.shortened"
	KeySuspended   Act = "key.suspended"
	KeyUnsuspended Act = "key.unsuspended"
	KeyRenamed     Act = "key.renamed"
	KeyBounded     Act = "key.limits_changed"
	KeyScopeTaken  Act = "key.scope_taken"
	KeyScopeGiven  Act = "key.scope_given_back"
	KeysImported   Act = "key.many_imported"
	ImportEnded    Act = "key.import_ended"
	KeyPasted      Act = "key.pasted" // into a text, which was refused for it
	KeyConfirmed   Act = "key.owner_confirmed"
	LinkMade       Act = "key.link_made" // that hands its text over once
	LinkOpened     Act = "key.link_opened"
	LinkCancelled  Act = "key.link_cancelled"

	LeakReported    Act = "leak.reported" // one report, whatever the number of keys
	LeakOpened      Act = "leak.incident_opened"
	LeakResumed     Act = "leak.key_resumed"
	LeakClosed      Act = "leak.incident_closed"
	LeakNoticeEnded Act = "leak.notice_ended" // keys were revoked for it
	LeakPolicySet   Act = "leak.policy_changed"

	KeyRetired         Act = "key.retired" // an old key, before its overlap ended
	KeyOverlapExtended Act = "key.overlap_extended"
	KeyRotationUndone  Act = "key.rotation_undone"
	CalendarMade       Act = "calendar.address_made"
	CalendarRemoved    Act = "calendar.address_removed"

	QuestionAsked      Act = "question.asked"
	QuestionEdited     Act = "question.edited"
	QuestionAccepted   Act = "question.answer_accepted"
	QuestionUnaccepted Act = "question.answer_unaccepted"
	QuestionDeleted    Act = "question.deleted"
	QuestionHidden     Act = "question.hidden"
	QuestionShown      Act = "question.shown_again"
	QuestionLocked     Act = "question.locked"
	QuestionUnlocked   Act = "question.unlocked"
	QuestionPinned     Act = "question.pinned"
	QuestionUnpinned   Act = "question.unpinned"
	QuestionRetagged   Act = "question.retagged"
	QuestionMoved      Act = "question.moved"
	QuestionMerged     Act = "question.merged"
	QuestionStatusSet  Act = "question.status_set"
	QuestionApproved   Act = "question.approved"
	QuestionRejected   Act = "question.rejected"
	QuestionAssigned   Act = "question.assigned"
	QuestionWaiting    Act = "question.waits_for_asker"
	QuestionEscalated  Act = "question.escalated"
	QuestionClosed     Act = "question.closed"
	QuestionReopened   Act = "question.reopened"
	PostWritten        Act = "post.written"
	PostEdited         Act = "post.edited"
	PostDeleted        Act = "post.deleted"
	PostHidden         Act = "post.hidden"
	PostShown          Act = "post.shown_again"
	PostApproved       Act = "post.approved"
	PostRejected       Act = "post.rejected"
	PostVoted          Act = "post.voted"
	PostUnvoted        Act = "post.vote_taken_back"
	RevisionHidden     Act = "post.revision_hidden"
	RevisionShown      Act = "post.revision_shown_again"
	FollowStarted      Act = "follow.started"
	FollowEnded        Act = "follow.ended"
	NoticesChosen      Act = "user.notices_chosen"
	FlagRaised         Act = "flag.raised"
	FlagDecided        Act = "flag.decided"
	PostingBlocked     Act = "user.posting_blocked"
	PostingUnblocked   Act = "user.posting_unblocked"
	NoteWritten        Act = "note.written"
	CannedReplySaved   Act = "canned_reply.saved"
	CannedReplyDeleted Act = "canned_reply.deleted"
	TeamSaved          Act = "support_team.saved"
	TeamDeleted        Act = "support_team.deleted"
	SupportPolicySet   Act = "support.policy_changed"
	ReportRead         Act = "support.report_exported"

	TutorialTicked   Act = "tutorial.step_ticked"
	TutorialUnticked Act = "tutorial.step_unticked"
	PageRated        Act = "page.rated"

	PolicyChanged   Act = "policy.changed"
	PolicyPreviewed Act = "policy.change_previewed"
	PortalChanged   Act = "portal.changed"
	MailTested      Act = "mail.tested"
	MailRead        Act = "mail.read"
	MailHandedOut   Act = "mail.handed_out"

	LogArchived Act = "audit.archived" // its oldest events: they are in a file, and not in the database any more
	LogReleased Act = "audit.released" // a file of the archive: the operator took it elsewhere for good
)

// Acts lists every act, for filters. A test fails when one of the constants is missing.
func Acts() []Act { return slices.Clone(acts) }

var acts = []Act{
	LogArchived, LogReleased,
	KeyRetired, KeyOverlapExtended, KeyRotationUndone, CalendarMade, CalendarRemoved,
	SignupBegun, MailHandedOut, SetupCompleted, UserSignedUp, UserSignedIn, UserSignInFailed, UserSignedOut, UserReauthenticated, UserProfileChanged, UserPasswordChanged, UserPasswordReset, UserResetRequested, UserEmailRequested, UserEmailGivenUp, UserEmailChanged, UserEmailUndone, UserDeleted, DataAsked, DataDownloaded, UserInvited, UserApproved, UserSuspended, UserUnsuspended, UserRoleChanged, SessionEnded, SessionsEnded, BrowserForgotten, BrowsersForgotten, OrganizationCreated, OrganizationChanged, OrganizationDeleted, OrganizationSuspended, OrganizationUnsuspended, AppCreated, AppChanged, AppDeleted, AppSuspended, AppUnsuspended, APICreated, APIChanged, APIRetired, APIConnected, APIReportOnly, APIReportOnlyEnd, APIVersionAdded, APIVersionChanged, ScopeAdded, ScopeChanged, ScopeWithdrawn, RouteRuleAdded, RouteRuleRemoved, PlanAdded, PlanChanged, PlanRetired, AccessRequested, AccessWithdrawn, AccessApproved, AccessRefused, AccessPlanChanged, AccessSuspended, AccessUnsuspended, AccessEnded, KeyCreated, KeyRotated, KeyPaused, KeyResumed, KeyRevoked, KeysPreviewed, KeysRevoked, KeysPaused, KeysResumed, KeysShortened, KeysFinished, KeysStopped, KeyShortened, KeySuspended, KeyUnsuspended, KeyRenamed, KeyBounded, KeyScopeTaken, KeyScopeGiven, KeysImported, ImportEnded, KeyPasted, LeakReported, LeakOpened, LeakResumed, LeakClosed, LeakNoticeEnded, LeakPolicySet, PolicyChanged, PolicyPreviewed, PortalChanged, MailTested, MailRead,
	QuestionAsked, QuestionEdited, QuestionAccepted, QuestionUnaccepted, QuestionDeleted, QuestionHidden, QuestionShown, QuestionLocked, QuestionUnlocked, QuestionPinned, QuestionUnpinned, QuestionRetagged, QuestionMoved, QuestionMerged, QuestionStatusSet, QuestionApproved, QuestionRejected, QuestionAssigned, QuestionWaiting, QuestionEscalated, QuestionClosed, QuestionReopened, PostWritten, PostEdited, PostDeleted, PostHidden, PostShown, PostApproved, PostRejected, PostVoted, PostUnvoted, RevisionHidden, RevisionShown, FollowStarted, FollowEnded, NoticesChosen, FlagRaised, FlagDecided, PostingBlocked, PostingUnblocked, NoteWritten, CannedReplySaved, CannedReplyDeleted, TeamSaved, TeamDeleted, SupportPolicySet, ReportRead, TutorialTicked, TutorialUnticked, PageRated,
	PresetAdded, PresetChanged, PresetMoved, PresetDeleted,
	UserCodeMailed, UserCodeEntered, UserCodeFailed,
	FactorAdded, FactorRemoved, FactorRenamed, FactorShown, FactorFailed, FactorsReset, RecoveryMade, RecoveryUsed, FactorCountedBack,
	StaffRoleCreated, StaffRoleChanged, StaffRoleDeleted, ReviewDecided, ReviewFinished,
	ProviderArrived, ProviderMailed, ProviderProven, ProviderLinked, ProviderUnlinked, ProviderLoggedOut,
	MemberInvited, InvitationResent, InvitationRevoked, InvitationDeclined, MemberJoined, MemberRoleChanged, OrganizationTransferred, OrganizationRestored, OrganizationPurged, FactorRequired, FactorReleased,
	AppLimited, AppOpened, AppMemberAdded, AppMemberRemoved,
	DomainClaimed, DomainProven, DomainLost, DomainRemoved, DomainJoinSet, DomainProviderSet, DomainProviderAway, DomainProviderBack,
	DirectoryTokenMade, DirectoryTokenRevoked, DirectoryRoleSet, DirectoryUserAdded, DirectoryUserChanged, DirectoryUserRemoved, DirectoryGroupAdded, DirectoryGroupChanged, DirectoryGroupRemoved, DirectoryGroupRoleSet,
	ShareOffered, ShareReceived, ShareAccepted, ShareTaken, ShareDeclined, ShareRefused, ShareEnded, ShareLost, ShareRotated,
	AppMoved, MemberRemoved, MemberLeft, KeyConfirmed, LinkMade, LinkOpened, LinkCancelled,
}
