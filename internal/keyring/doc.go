// Package keyring holds the keys that vouch for models, and the root of trust
// that names them: TUF root metadata. A person makes and signs a root away from
// the hub (gourdianctl keys), the hub reads it, boards pin it.
//
// A key is a file: an ed25519 key in PEM, which nobody but its owner may read,
// or one that a passphrase opens (argon2id, AES-256-GCM).
package keyring
