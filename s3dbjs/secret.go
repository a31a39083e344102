package s3dbjs

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"unicode/utf8"
)

// DefaultPassphrase is what s3db.js encrypts with when a program gives it no
// passphrase. Anybody can decrypt such secrets; nothing here tries it unasked.
const DefaultPassphrase = "secret"

const (
	secretSalt       = 16
	secretNonce      = 12
	secretTag        = 16
	secretIterations = 100_000
	secretKey        = 32
)

var (
	errNoPassphrase = errors.New("encrypted, and no passphrase was given")
	errDecrypt      = errors.New("cannot be decrypted: the passphrase is another one, or the text was changed")
	errNoCiphertext = errors.New("not encrypted: the text is no ciphertext of s3db.js")
)

// decryptSecret reads base64 of salt, nonce, ciphertext and tag: AES-256-GCM under
// a key derived by PBKDF2 with SHA-256. It costs the 100,000 rounds that s3db.js
// chose, some 20 ms.
func decryptSecret(text, passphrase string) (string, error) {
	sealed, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(sealed) < secretSalt+secretNonce+secretTag {
		return "", errNoCiphertext
	}
	if passphrase == "" {
		return "", errNoPassphrase
	}
	key, err := pbkdf2.Key(sha256.New, passphrase, sealed[:secretSalt], secretIterations, secretKey)
	if err != nil {
		return "", errDecrypt
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", errDecrypt
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return "", errDecrypt
	}
	plain, err := gcm.Open(nil, sealed[secretSalt:secretSalt+secretNonce], sealed[secretSalt+secretNonce:], nil)
	if err != nil || !utf8.Valid(plain) {
		return "", errDecrypt
	}
	return string(plain), nil
}
