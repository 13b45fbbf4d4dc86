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
	UserProfileChanged  Act = "user.profile_changed"
	UserPasswordChanged Act = "user.password_changed"
	UserPasswordReset   Act = "user.password_reset"
	UserResetRequested  Act = "user.reset_requested"
	UserEmailRequested  Act = "user.email_change_requested"
	UserEmailChanged    Act = "user.email_changed"
	UserEmailUndone     Act = "user.email_change_undone"
	UserDeleted         Act = "user.deleted"
	UserInvited         Act = "user.invited"
	UserApproved        Act = "user.approved"
	UserSuspended       Act = "user.suspended"
	UserUnsuspended     Act = "user.unsuspended"
	UserRoleChanged     Act = "user.staff_role_changed"
	SessionEnded        Act = "session.ended"
	SessionsEnded       Act = "session.all_ended"

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

	APICreated        Act = "api.created"
	APIChanged        Act = "api.changed"
	APIRetired        Act = "api.retired"
	APIConnected      Act = "api.connected"
	APIVersionAdded   Act = "api.version_added"
	APIVersionChanged Act = "api.version_changed"
	ScopeAdded        Act = "scope.added"
	ScopeChanged      Act = "scope.changed"
	ScopeWithdrawn    Act = "scope.withdrawn"
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
	KeySuspended   Act = "key.suspended"
	KeyUnsuspended Act = "key.unsuspended"
	KeyRenamed     Act = "key.renamed"

	PolicyChanged Act = "policy.changed"
	PortalChanged Act = "portal.changed"
	MailTested    Act = "mail.tested"
	MailRead      Act = "mail.read"
	MailHandedOut Act = "mail.handed_out"
)

// Acts lists every act, for filters. A test fails when one of the constants is missing.
func Acts() []Act { return slices.Clone(acts) }

var acts = []Act{
	SignupBegun, MailHandedOut, SetupCompleted, UserSignedUp, UserSignedIn, UserSignInFailed, UserSignedOut, UserReauthenticated, UserProfileChanged, UserPasswordChanged, UserPasswordReset, UserResetRequested, UserEmailRequested, UserEmailChanged, UserEmailUndone, UserDeleted, UserInvited, UserApproved, UserSuspended, UserUnsuspended, UserRoleChanged, SessionEnded, SessionsEnded, OrganizationCreated, OrganizationChanged, OrganizationDeleted, OrganizationSuspended, OrganizationUnsuspended, AppCreated, AppChanged, AppDeleted, AppSuspended, AppUnsuspended, APICreated, APIChanged, APIRetired, APIConnected, APIVersionAdded, APIVersionChanged, ScopeAdded, ScopeChanged, ScopeWithdrawn, RouteRuleAdded, RouteRuleRemoved, PlanAdded, PlanChanged, PlanRetired, AccessRequested, AccessWithdrawn, AccessApproved, AccessRefused, AccessPlanChanged, AccessSuspended, AccessUnsuspended, AccessEnded, KeyCreated, KeyRotated, KeyPaused, KeyResumed, KeyRevoked, KeysPreviewed, KeysRevoked, KeySuspended, KeyUnsuspended, KeyRenamed, PolicyChanged, PortalChanged, MailTested, MailRead,
}
