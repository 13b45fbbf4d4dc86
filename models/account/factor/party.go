package factor

import (
	"context"
	"net/url"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// relyingParty is the portal as authenticators know it, by its configured address alone and never by what a request says (A11); nil where browsers make no passkeys,
// because the portal is reached by an IP address.
func relyingParty(base *url.URL) *webauthn.WebAuthn {
	if base == nil || protocol.ValidateRPID(base.Hostname()) != nil {
		return nil
	}
	needed := true
	party, err := webauthn.New(&webauthn.Config{
		RPID: base.Hostname(), RPDisplayName: base.Hostname(), RPOrigins: []string{base.Scheme + "://" + base.Host},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			RequireResidentKey: &needed, ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired,
		},
		Timeouts: webauthn.TimeoutsConfig{
			Login: webauthn.TimeoutConfig{Timeout: CeremonyAge, TimeoutUVD: CeremonyAge}, Registration: webauthn.TimeoutConfig{Timeout: CeremonyAge, TimeoutUVD: CeremonyAge},
		},
	})
	if err != nil {
		return nil
	}
	return party
}

// Passkeys reports whether there can be any: browsers tie them to a name, so not where the portal is reached by an IP address.
func (s *Store) Passkeys() bool { return s.party != nil }

// holder is a person as authenticators know them: by their id, which tells nothing of them.
type holder struct {
	account.User
	passkeys []Factor
}

func (h holder) WebAuthnID() []byte          { return h.ID[:] }
func (h holder) WebAuthnName() string        { return h.Email }
func (h holder) WebAuthnDisplayName() string { return h.Name }

func (h holder) WebAuthnCredentials() []webauthn.Credential {
	all := make([]webauthn.Credential, len(h.passkeys))
	for i, f := range h.passkeys {
		all[i] = webauthn.Credential{ID: f.CredentialID, PublicKey: f.PublicKey, Flags: webauthn.CredentialFlags{UserVerified: true, BackupEligible: f.BackupEligible}}
		all[i].Authenticator.SignCount = uint32(f.SignCount) //nolint:gosec // it was one when it was written
		for t := range strings.FieldsSeq(f.Transports) {
			all[i].Transport = append(all[i].Transport, protocol.AuthenticatorTransport(t))
		}
	}
	return all
}

func (h holder) ids() [][]byte {
	all := make([][]byte, len(h.passkeys))
	for i, f := range h.passkeys {
		all[i] = f.CredentialID
	}
	return all
}

// by is the passkey of that credential; the zero Factor when the person has none such.
func (h holder) by(credentialID []byte) Factor {
	for _, f := range h.passkeys {
		if string(f.CredentialID) == string(credentialID) {
			return f
		}
	}
	return Factor{}
}

// holderOf is a person with their passkeys. Faults: NotFound.
func (s *Store) holderOf(ctx context.Context, userID db.ID) (holder, error) {
	u, err := s.o.Accounts.ByID(ctx, userID)
	if err != nil {
		return holder{}, err
	}
	h := holder{User: u}
	err = s.o.DB.Read(ctx).Raw("SELECT * FROM factors WHERE user_id = ? AND kind = ? AND confirmed_at IS NOT NULL ORDER BY created_at, id", userID, Passkey).Scan(&h.passkeys).Error
	return h, err
}
