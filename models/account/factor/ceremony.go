package factor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// CeremonyAge is how long a challenge can be answered (A11).
const CeremonyAge = 5 * time.Minute

// What a challenge is for. An answer to one is none to another.
const (
	toAdd   = "add"   // a new passkey
	toShow  = "show"  // a passkey of who is known: the second factor, or again before what matters
	toEnter = "enter" // any passkey of the portal's: signing in by it alone
)

// Limits of challenges, so that nobody fills the table: of one session, and of strangers in one network, which may be a whole company, among whom each open
// sign-in page asks a few times an hour. A site of IPv6 has 65,536 networks, so it is counted too.
const (
	challengesPerSession = 30
	challengesPerNetwork = 3000
	challengesPerSite    = 12000
)

// ceremony is a challenge that waits for its answer. Any replica takes it, once.
type ceremony struct {
	Digest    []byte
	Kind      string
	Bound     string
	UserID    db.ID
	ExpiresAt time.Time
}

// session is what the answer has to fit: the verified user always, and of who is known, no passkey but theirs.
func (c ceremony) session(challenge string, party *webauthn.WebAuthn, h *holder) webauthn.SessionData {
	d := webauthn.SessionData{Challenge: challenge, RelyingPartyID: party.Config.RPID, UserVerification: protocol.VerificationRequired, CredParams: webauthn.CredentialParametersDefault()}
	if h != nil {
		d.UserID, d.AllowedCredentialIDs = h.WebAuthnID(), h.ids()
	}
	return d
}

func digestOf(challenge string) []byte {
	sum := sha256.Sum256([]byte(challenge))
	return sum[:]
}

// BoundTo is what binds a challenge to a browser that nobody is signed in with: the digest of the token in its cookie.
func BoundTo(token string) string {
	sum := sha256.Sum256([]byte("passkey\x00" + token))
	return hex.EncodeToString(sum[:])
}

// begin keeps a challenge. Faults: RateLimited.
func (s *Store) begin(ctx context.Context, bucket string, limit int, c ceremony, challenge string) error {
	ok, after, err := s.o.Accounts.Take(ctx, bucket, limit, triesWindow)
	if err != nil {
		return err
	}
	if !ok {
		return tooOften(after)
	}
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		var user any
		if !c.UserID.IsZero() {
			user = c.UserID
		}
		_, err := tx.Run("INSERT INTO ceremonies (kind, digest, bound, user_id, expires_at) VALUES (?, ?, ?, ?, ?)", c.Kind, digestOf(challenge), c.Bound, user, tx.Now.Add(CeremonyAge))
		return err
	})
}

// spend uses the challenge up that an answer names, whatever comes of the answer: a second one finds nothing, on whichever replica. Faults: Invalid when there is
// none such that waits: never asked, answered before, too old, or asked of another session or for another end.
func (s *Store) spend(ctx context.Context, kind, bound, challenge string) (ceremony, error) {
	var rows []ceremony
	err := s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		rows = nil
		return tx.Raw("DELETE FROM ceremonies WHERE digest = ? AND kind = ? AND bound = ? AND expires_at > ? RETURNING *", digestOf(challenge), kind, bound, tx.Now).Scan(&rows).Error
	})
	if err != nil {
		return ceremony{}, err
	}
	if len(rows) == 0 {
		return ceremony{}, fault.New(fault.Invalid, "That took too long, or was answered before. Try again.")
	}
	return rows[0], nil
}

func sessionBucket(a actor.Actor) string { return "passkey:session:" + a.SessionID.String() }

func notOffered() error {
	return fault.New(fault.Conflict, "Passkeys are not offered here: this portal is reached by an IP address, and browsers tie passkeys to a name.")
}

// notTaken is the answer to every passkey that does not fit: which of the checks it failed helps nobody who is honest.
func notTaken() error {
	return fault.New(fault.Invalid, "That passkey was not taken. Try again, or go on another way.")
}

// AskForNew makes the challenge for a new passkey of the actor: what navigator.credentials.create takes. Whoever calls has asked for a fresh proof (A14). Faults: Invalid
// about "name", Conflict when the actor has as many factors as one can have or passkeys are not offered, RateLimited.
func (s *Store) AskForNew(ctx context.Context, a actor.Actor, name string) (*protocol.CredentialCreation, error) {
	if err := s.MayAdd(ctx, a, name); err != nil {
		return nil, err
	}
	h, err := s.holderOf(ctx, a.UserID)
	if err != nil {
		return nil, err
	}
	o, d, err := s.party.BeginRegistration(h, webauthn.WithExclusions(webauthn.Credentials(h.WebAuthnCredentials()).CredentialDescriptors()), s.callIt(ctx))
	if err != nil {
		return nil, err
	}
	return o, s.begin(ctx, sessionBucket(a), challengesPerSession, ceremony{Kind: toAdd, Bound: a.SessionID.String(), UserID: a.UserID}, d.Challenge)
}

// callIt names the portal as its pages do.
func (s *Store) callIt(ctx context.Context) webauthn.RegistrationOption {
	return func(o *protocol.PublicKeyCredentialCreationOptions) error {
		o.RelyingParty.Name = s.o.PortalName(ctx)
		return nil
	}
}

// Ask makes the challenge for a passkey of the actor, who may be pending: what navigator.credentials.get takes. Faults: Conflict when they have none or passkeys are not
// offered, RateLimited.
func (s *Store) Ask(ctx context.Context, a actor.Actor) (*protocol.CredentialAssertion, error) {
	if s.party == nil {
		return nil, notOffered()
	}
	h, err := s.holderOf(ctx, a.UserID)
	if err != nil {
		return nil, err
	}
	if len(h.passkeys) == 0 {
		return nil, fault.New(fault.Conflict, "You have no passkey. Go on another way.")
	}
	o, d, err := s.party.BeginLogin(h)
	if err != nil {
		return nil, err
	}
	return o, s.begin(ctx, sessionBucket(a), challengesPerSession, ceremony{Kind: toShow, Bound: a.SessionID.String(), UserID: a.UserID}, d.Challenge)
}

// AskToEnter makes the challenge for signing in by a passkey alone, in the browser that bound stands for (BoundTo). It names no passkeys, since nobody is known yet: no
// address is asked for, so none can be found out. Faults: Conflict when passkeys are not offered, RateLimited.
func (s *Store) AskToEnter(ctx context.Context, a actor.Actor, bound string) (*protocol.CredentialAssertion, error) {
	if s.party == nil {
		return nil, notOffered()
	}
	o, d, err := s.party.BeginDiscoverableLogin()
	if err != nil {
		return nil, err
	}
	if a.Address.Unmap().Is6() {
		site := "passkey:site:" + a.Network()
		if ok, after, err := s.o.Accounts.Take(ctx, site, challengesPerSite, triesWindow); err != nil {
			return nil, err
		} else if !ok {
			return nil, tooOften(after)
		}
	}
	return o, s.begin(ctx, "passkey:network:"+account.NetworkOf(a), challengesPerNetwork, ceremony{Kind: toEnter, Bound: bound}, d.Challenge)
}

// Kinds are the kinds of factors that the actor, who may be pending, has and can show here.
func (s *Store) Kinds(ctx context.Context, a actor.Actor) (kinds map[string]bool, err error) {
	var all []string
	err = s.o.DB.Read(ctx).Raw("SELECT DISTINCT kind FROM factors WHERE user_id = ? AND confirmed_at IS NOT NULL", a.UserID).Scan(&all).Error
	kinds = map[string]bool{}
	for _, k := range all {
		kinds[k] = k != Passkey || s.party != nil
	}
	return kinds, err
}
