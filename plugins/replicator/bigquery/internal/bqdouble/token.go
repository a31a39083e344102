package bqdouble

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Email is the service account that the double knows.
const Email = "replicator@my-project.iam.gserviceaccount.com"

const tokenPath = "/token"

// key makes the key of the service account once, since that takes a while.
//
//nolint:gochecknoglobals // tests share it
var key = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// TokenURL is where a signed assertion is exchanged for an access token.
func (d *Double) TokenURL() string { return d.URL + tokenPath }

// PrivateKey returns the key of the service account, as Google hands it out: PKCS #8
// in PEM.
func (d *Double) PrivateKey() string {
	der, err := x509.MarshalPKCS8PrivateKey(d.key)
	if err != nil {
		d.t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// ExpireTokens makes every access token that was given out invalid.
func (d *Double) ExpireTokens() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.tokens)
}

// serveToken follows RFC 7523, section 2.1, as Google does:
// https://developers.google.com/identity/protocols/oauth2/service-account#authorizingrequests.
func (d *Double) serveToken(w http.ResponseWriter, r *http.Request) {
	refuse := func(reason string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_grant", "error_description": reason})
	}
	if r.Method != http.MethodPost || r.ParseForm() != nil || r.PostForm.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		refuse("not a request for a token by a signed assertion")
		return
	}
	if problem := d.verify(r.PostForm.Get("assertion"), d.TokenURL(), true); problem != "" {
		refuse(problem)
		return
	}
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		refuse(err.Error())
		return
	}
	token := "ya29." + hex.EncodeToString(b[:])
	d.mu.Lock()
	d.tokens[token] = true
	d.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 3600})
}

// verify checks an assertion: the signature of the service account over what it claims.
func (d *Double) verify(assertion, audience string, exchanged bool) string {
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return "the assertion is no JWT"
	}
	var decoded [3][]byte
	for i, p := range parts {
		b, err := base64.RawURLEncoding.DecodeString(p)
		if err != nil {
			return "the assertion is not in base64url"
		}
		decoded[i] = b
	}
	var header struct{ Alg, Typ string }
	var claims struct {
		Iss, Aud, Scope string
		Iat, Exp        int64
	}
	if json.Unmarshal(decoded[0], &header) != nil || header.Alg != "RS256" || json.Unmarshal(decoded[1], &claims) != nil {
		return "the assertion is not signed with RS256"
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(&d.key.PublicKey, crypto.SHA256, sum[:], decoded[2]) != nil {
		return "Invalid JWT Signature."
	}
	now := time.Now().Unix()
	switch {
	case claims.Iss != Email:
		return "Invalid grant: account not found"
	case claims.Aud != audience:
		return "Invalid JWT: the audience is " + claims.Aud
	case claims.Exp <= now || claims.Iat > now+60 || claims.Exp-claims.Iat > 3660:
		return "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
	case exchanged && !slices.ContainsFunc(strings.Fields(claims.Scope), func(s string) bool {
		return s == "https://www.googleapis.com/auth/bigquery" || s == "https://www.googleapis.com/auth/cloud-platform"
	}):
		return "invalid_scope"
	}
	return ""
}

// authorize wants an access token that was given out.
func (d *Double) authorize(r *http.Request) *failure {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	d.mu.Lock()
	defer d.mu.Unlock()
	if !ok || !d.tokens[token] {
		return &failure{Status: http.StatusUnauthorized, Reason: "authError", Message: "Request had invalid authentication credentials."}
	}
	return nil
}
