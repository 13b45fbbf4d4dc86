// Package githubleak checks that a report of leaked keys comes from GitHub: the
// receiving side of its secret scanning partner program.
//
// GitHub signs the raw body of each report with ECDSA over P-256 and SHA-256. The
// signature, as ASN.1 in base64, and the id of the key that made it come as
// headers; the public keys are fetched from an address that GitHub publishes.
// Whether a key is "current" is not looked at: a report may be signed by the key
// before, and GitHub takes away those that must not be believed any more.
//
// Keys are fetched when the first report comes, again when they are a day old,
// and when a report names an id that is not known, then at most once a minute. A
// fetch is conditional (ETag), takes at most five seconds, reads at most 64 kB
// and keeps at most 32 keys. While a fetch that is needed fails nothing is
// believed: the report is put off, and GitHub sends it again.
//
// Source: GitHub Docs, "Secret scanning partner program".
package githubleak
