package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of https://www.standardwebhooks.com.
const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
	secretPrefix    = "whsec_"
	signaturePrefix = "v1,"
)

// shortestSecret is the least length of a secret that the standard recommends.
const shortestSecret = 24

// Errors of Verify.
var (
	ErrSignature = errors.New("webhook: the signature is not that of the secret")
	ErrTimestamp = errors.New("webhook: the request was signed too long ago, or in the future")
)

// tolerance is how far the clocks of sender and receiver may differ, and how old a
// request may be.
const tolerance = 5 * time.Minute

// readSecret returns the key of a secret.
func readSecret(secret string) ([]byte, error) {
	key := []byte(secret)
	if encoded, ok := strings.CutPrefix(secret, secretPrefix); ok {
		var err error
		if key, err = base64.StdEncoding.DecodeString(encoded); err != nil {
			return nil, configError("a secret that begins with %s goes on in base64", secretPrefix)
		}
	}
	if len(key) < shortestSecret {
		return nil, configError("a secret has %d bytes, at least %d are needed", len(key), shortestSecret)
	}
	return key, nil
}

// signature signs an id, a time in seconds and a body.
func signature(key []byte, id, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte(id + "." + timestamp + "."))
	_, _ = mac.Write(body)
	return signaturePrefix + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func sign(header http.Header, id string, at time.Time, body []byte, keys [][]byte) {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	list := make([]string, 0, len(keys))
	for _, k := range keys {
		list = append(list, signature(k, id, timestamp, body))
	}
	header.Set(headerID, id)
	header.Set(headerTimestamp, timestamp)
	header.Set(headerSignature, strings.Join(list, " "))
}

// Verify tells whether a request that arrived now was signed with one of the secrets,
// not more than five minutes ago. body is the whole body as it arrived; parse it only
// after Verify. Errors are ErrSignature, ErrTimestamp, or those of an unusable secret, which
// match s3db.ErrConfig.
func Verify(header http.Header, body []byte, now time.Time, secrets ...string) error {
	id, timestamp := header.Get(headerID), header.Get(headerTimestamp)
	found := false
	for _, s := range secrets {
		key, err := readSecret(s)
		if err != nil {
			return err
		}
		want := []byte(signature(key, id, timestamp, body))
		for given := range strings.FieldsSeq(header.Get(headerSignature)) {
			found = hmac.Equal([]byte(given), want) || found
		}
	}
	if !found || id == "" {
		return ErrSignature
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: no time", ErrTimestamp)
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return ErrTimestamp
	}
	return nil
}
