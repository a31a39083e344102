package awskms_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/s3dbgen/s3dbgen/internal/canary"
)

// double is KMS as far as two operations go, over its real protocol: AWS JSON 1.1
// with SigV4, which it verifies from the bytes of the request. It refuses members
// and targets that it does not know, so that the test notices what the provider
// sends. What it cannot show: IAM and key policies, grants, quotas, regions and
// replicas, the format of real ciphertexts, and the latency of KMS. Codes and
// members are those of
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html and
// https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html.
type double struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	keys     map[string]*masterKey // by ARN
	throttle int                   // requests to refuse from now on
	calls    []string              // operations, in order
	contexts []map[string]string   // encryption contexts, in order
	bodies   []string              // of requests, in order
}

type masterKey struct {
	material []byte
	state    string // "", or the code that every use is refused with
}

const (
	accessKey = "AKIDEXAMPLE"
	secretKey = canary.Mark + "/K7MDENG+bPxRfiCYEXAMPLEKEY"
	region    = "eu-west-1"
)

func newDouble(t *testing.T, arns ...string) *double {
	t.Helper()
	d := &double{t: t, keys: map[string]*masterKey{}}
	for i, arn := range arns {
		d.keys[arn] = &masterKey{material: bytes.Repeat([]byte{byte(i + 1)}, 32)}
	}
	d.Server = httptest.NewServer(d)
	t.Cleanup(d.Close)
	return d
}

// count returns how often an operation was called.
func (d *double) count(operation string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, c := range d.calls {
		if c == operation {
			n++
		}
	}
	return n
}

// refuse makes every use of a key fail with a code, or work again.
func (d *double) refuse(arn, code string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.keys[arn].state = code
}

type kmsError struct {
	status        int
	code, message string
}

func (d *double) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		d.t.Error(err)
	}
	reply, failure := d.answer(r, body)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if failure != nil {
		w.WriteHeader(failure.status)
		reply = map[string]string{"__type": failure.code, "message": failure.message}
	}
	if err := json.NewEncoder(w).Encode(reply); err != nil {
		d.t.Error(err)
	}
}

func (d *double) answer(r *http.Request, body []byte) (any, *kmsError) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r.Method != http.MethodPost || r.URL.Path != "/" || r.Header.Get("Content-Type") != "application/x-amz-json-1.1" {
		return nil, &kmsError{404, "UnknownOperationException", "not AWS JSON 1.1"}
	}
	if problem := verifySignature(r, body); problem != "" {
		return nil, &kmsError{403, "IncompleteSignatureException", problem}
	}
	operation, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "TrentService.")
	if !ok {
		return nil, &kmsError{400, "UnknownOperationException", "no such target"}
	}
	d.calls, d.bodies = append(d.calls, operation), append(d.bodies, string(body))
	if d.throttle > 0 {
		d.throttle--
		return nil, &kmsError{400, "ThrottlingException", "Rate exceeded"}
	}
	switch operation {
	case "GenerateDataKey":
		return d.generateDataKey(body)
	case "Decrypt":
		return d.decrypt(body)
	}
	return nil, &kmsError{400, "UnknownOperationException", operation}
}

// use returns a key that may be used.
func (d *double) use(arn string) (*masterKey, *kmsError) {
	key := d.keys[arn]
	switch {
	case key == nil:
		return nil, &kmsError{400, "NotFoundException", "Key '" + arn + "' does not exist"}
	case key.state != "":
		return nil, &kmsError{400, key.state, "refused"}
	}
	return key, nil
}

func (d *double) generateDataKey(body []byte) (any, *kmsError) {
	var in struct {
		KeyID             string `json:"KeyId"`
		KeySpec           string
		EncryptionContext map[string]string
	}
	if err := strict(body, &in); err != nil {
		return nil, err
	}
	if in.KeySpec != "AES_256" {
		return nil, &kmsError{400, "ValidationException", "KeySpec"}
	}
	key, refused := d.use(in.KeyID)
	if refused != nil {
		return nil, refused
	}
	d.contexts = append(d.contexts, in.EncryptionContext)
	plain := make([]byte, 32)
	_, _ = rand.Read(plain)
	copy(plain, canary.Mark)
	blob := append([]byte{byte(len(in.KeyID))}, in.KeyID...)
	blob = append(blob, d.gcm(key).Seal(nil, nil, plain, d.contextBytes(in.EncryptionContext))...)
	return map[string]any{"KeyId": in.KeyID, "Plaintext": plain, "CiphertextBlob": blob}, nil
}

func (d *double) decrypt(body []byte) (any, *kmsError) {
	var in struct {
		KeyID               string `json:"KeyId"`
		CiphertextBlob      []byte
		EncryptionAlgorithm string
		EncryptionContext   map[string]string
	}
	if err := strict(body, &in); err != nil {
		return nil, err
	}
	const longest = 6144
	if n := len(in.CiphertextBlob); n == 0 || n > longest || in.EncryptionAlgorithm != "SYMMETRIC_DEFAULT" {
		return nil, &kmsError{400, "ValidationException", "CiphertextBlob or EncryptionAlgorithm"}
	}
	d.contexts = append(d.contexts, in.EncryptionContext)
	size := int(in.CiphertextBlob[0])
	if len(in.CiphertextBlob) < 1+size {
		return nil, &kmsError{400, "InvalidCiphertextException", ""}
	}
	arn := string(in.CiphertextBlob[1 : 1+size])
	if _, err := d.use(in.KeyID); err != nil {
		return nil, err
	}
	if arn != in.KeyID {
		return nil, &kmsError{400, "IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation."}
	}
	plain, err := d.gcm(d.keys[arn]).Open(nil, nil, in.CiphertextBlob[1+size:], d.contextBytes(in.EncryptionContext))
	if err != nil {
		return nil, &kmsError{400, "InvalidCiphertextException", ""}
	}
	return map[string]any{"KeyId": arn, "Plaintext": plain, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}, nil
}

// strict refuses members that the double does not know.
func strict(body []byte, in any) *kmsError {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(in); err != nil {
		return &kmsError{400, "SerializationException", err.Error()}
	}
	return nil
}

func (d *double) gcm(key *masterKey) cipher.AEAD {
	block, err := aes.NewCipher(key.material)
	if err != nil {
		d.t.Error(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		d.t.Error(err)
	}
	return aead
}

// contextBytes is one text for one encryption context: JSON sorts the names.
func (d *double) contextBytes(context map[string]string) []byte {
	text, err := json.Marshal(context)
	if err != nil {
		d.t.Error(err)
	}
	return text
}

// verifySignature works out the signature of AWS Signature Version 4
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html)
// from the request, and says what is wrong with the one that it has.
func verifySignature(r *http.Request, body []byte) string {
	rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	if !ok {
		return "not signed"
	}
	parts := map[string]string{}
	for part := range strings.SplitSeq(rest, ", ") {
		name, value, _ := strings.Cut(part, "=")
		parts[name] = value
	}
	date := r.Header.Get("X-Amz-Date")
	if at, err := time.Parse("20060102T150405Z", date); err != nil || time.Since(at).Abs() > 15*time.Minute {
		return "the date is wrong"
	}
	scope := date[:8] + "/" + region + "/kms/aws4_request"
	if parts["Credential"] != accessKey+"/"+scope {
		return "the scope is " + parts["Credential"]
	}
	names := strings.Split(parts["SignedHeaders"], ";")
	for _, must := range []string{"host", "x-amz-date", "x-amz-target"} {
		if !slices.Contains(names, must) {
			return must + " is not signed"
		}
	}
	var headers strings.Builder
	for _, name := range names {
		value := strings.Join(r.Header.Values(name), ",")
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(r.ContentLength)
		}
		fmt.Fprintf(&headers, "%s:%s\n", name, strings.TrimSpace(value))
	}
	sum := sha256.Sum256(body)
	canonical := strings.Join([]string{r.Method, "/", "", headers.String(), parts["SignedHeaders"], hex.EncodeToString(sum[:])}, "\n")
	sum = sha256.Sum256([]byte(canonical))
	toSign := strings.Join([]string{"AWS4-HMAC-SHA256", date, scope, hex.EncodeToString(sum[:])}, "\n")
	key := []byte("AWS4" + secretKey)
	for _, part := range []string{date[:8], region, "kms", "aws4_request", toSign} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	if !hmac.Equal([]byte(hex.EncodeToString(key)), []byte(parts["Signature"])) {
		return "the signature does not match"
	}
	return ""
}
