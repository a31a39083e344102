package bigquery

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

// tokens keeps an access token until shortly before it ends, or until BigQuery refuses
// it.
type tokens struct {
	source func(context.Context) oauth2.TokenSource

	mu   sync.Mutex
	kept *oauth2.Token
}

// early is how long before its end a token is no longer used.
const early = time.Minute

func (t *tokens) get(ctx context.Context) (*oauth2.Token, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kept != nil && (t.kept.Expiry.IsZero() || time.Until(t.kept.Expiry) > early) {
		return t.kept, nil
	}
	token, err := t.source(ctx).Token()
	if err != nil {
		return nil, err
	}
	t.kept = token
	return token, nil
}

// refused forgets a token that BigQuery did not take.
func (t *tokens) refused(token *oauth2.Token) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kept == token {
		t.kept = nil
	}
}

// checkKey finds a key that was damaged on its way through a configuration.
func checkKey(text string) error {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return configError(`private_key is not in PEM; in JSON and YAML its lines end in \n within double quotes`)
	}
	if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		if _, ok := key.(*rsa.PrivateKey); ok {
			return nil
		}
	} else if _, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return nil
	}
	return configError("private_key is no RSA key")
}
