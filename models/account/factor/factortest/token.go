// Package factortest is an authenticator for tests, with the browser around it: written from WebAuthn's text, so that nothing of the library vouches for itself.
package factortest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"
)

// Token has one passkey. What a browser or an authenticator could do wrong is a field.
type Token struct {
	t       testing.TB
	Private *ecdsa.PrivateKey
	ID      []byte
	Handle  []byte // the person whose passkey it is, as the portal told when it was made
	Count   uint32
	Step    uint32 // by which it counts; 0: it doesn't

	Origin, Party string
	Kind          string // of the client data, when it is wrong
	Flags         byte
	Spoiled       bool   // the signature
	RawID         []byte // when it differs from ID
	CrossOrigin   bool
}

// Flags of an answer.
const (
	Present  = 0x01
	Verified = 0x04
	attested = 0x40
)

// New is an authenticator whose browser is at the origin https://host.
func New(t testing.TB, host string) *Token {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 32)
	_, _ = rand.Read(id)
	return &Token{t: t, Private: private, ID: id, Step: 1, Origin: "https://" + host, Party: host, Flags: Present | Verified}
}

// Options is what the portal hands to a browser, as JSON.
type Options struct {
	PublicKey struct {
		Challenge string
		User      struct{ ID string }
	}
}

func (k *Token) read(options any) Options {
	k.t.Helper()
	raw, ok := options.(string)
	if !ok {
		b, err := json.Marshal(options)
		if err != nil {
			k.t.Fatal(err)
		}
		raw = string(b)
	}
	var o Options
	if err := json.Unmarshal([]byte(raw), &o); err != nil || o.PublicKey.Challenge == "" {
		k.t.Fatalf("%v in %s", err, raw)
	}
	return o
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (k *Token) client(kind, challenge string) []byte {
	if k.Kind != "" {
		kind = k.Kind
	}
	b, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": k.Origin, "crossOrigin": k.CrossOrigin})
	if err != nil {
		k.t.Fatal(err)
	}
	return b
}

// data is the authenticator data (section 6.1).
func (k *Token) data(flags byte) []byte {
	party := sha256.Sum256([]byte(k.Party))
	k.Count += k.Step
	return binary.BigEndian.AppendUint32(append(party[:], flags), k.Count)
}

// Make answers navigator.credentials.create, without attestation. Options are JSON, or what becomes that.
func (k *Token) Make(options any) string {
	k.t.Helper()
	o := k.read(options)
	handle, err := base64.RawURLEncoding.DecodeString(o.PublicKey.User.ID)
	if err != nil {
		k.t.Fatal(err)
	}
	k.Handle = handle
	public, err := k.Private.PublicKey.Bytes()
	if err != nil {
		k.t.Fatal(err)
	}
	cose := bytes.Join([][]byte{{0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20}, public[1:33], {0x22, 0x58, 0x20}, public[33:65]}, nil)
	data := k.data(k.Flags | attested)
	data = append(data, make([]byte, 16)...)
	data = append(binary.BigEndian.AppendUint16(data, uint16(len(k.ID))), k.ID...) //nolint:gosec // 32
	data = append(data, cose...)
	object := bytes.Join([][]byte{{0xa3, 0x63}, []byte("fmt"), {0x64}, []byte("none"), {0x67}, []byte("attStmt"), {0xa0, 0x68}, []byte("authData"), {0x58, byte(len(data))}, data}, nil)
	return k.answer(map[string]any{"clientDataJSON": b64(k.client("webauthn.create", o.PublicKey.Challenge)), "attestationObject": b64(object), "transports": []string{"internal", "hybrid", "carrier pigeon"}})
}

// Sign answers navigator.credentials.get. Options are JSON, or what becomes that.
func (k *Token) Sign(options any) string {
	k.t.Helper()
	o := k.read(options)
	client, data := k.client("webauthn.get", o.PublicKey.Challenge), k.data(k.Flags)
	hash := sha256.Sum256(client)
	sum := sha256.Sum256(append(bytes.Clone(data), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, k.Private, sum[:])
	if err != nil {
		k.t.Fatal(err)
	}
	if k.Spoiled {
		signature[len(signature)-1] ^= 1
	}
	return k.answer(map[string]any{"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature), "userHandle": b64(k.Handle)})
}

func (k *Token) answer(response map[string]any) string {
	raw := k.ID
	if k.RawID != nil {
		raw = k.RawID
	}
	b, err := json.Marshal(map[string]any{"id": b64(k.ID), "rawId": b64(raw), "type": "public-key", "response": response, "clientExtensionResults": map[string]any{}})
	if err != nil {
		k.t.Fatal(err)
	}
	return string(b)
}
