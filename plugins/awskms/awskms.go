// Package awskms keeps the master key of a database's secrets in AWS KMS: KMS
// makes and decrypts the data keys, and the master key never leaves it.
//
//	provider, err := awskms.New(kms.NewFromConfig(config), "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-…")
//	db, err := shop.Open(ctx, url, s3db.WithKeyProvider(provider))
//
// The principal of the program needs kms:GenerateDataKey and kms:Decrypt on the
// key. Every call carries the encryption context
//
//	s3dbgen:database = <id of the database>
//
// so that a key policy can bind a principal to one database, and a wrapped key
// that is copied to another database does not decrypt. The context appears in
// CloudTrail. KMS is called when a database is opened, once for each data key, and
// when a data key is made.
package awskms

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// Client is the part of *kms.Client that a Provider calls.
type Client interface {
	GenerateDataKey(context.Context, *kms.GenerateDataKeyInput, ...func(*kms.Options)) (*kms.GenerateDataKeyOutput, error)
	Decrypt(context.Context, *kms.DecryptInput, ...func(*kms.Options)) (*kms.DecryptOutput, error)
}

// Provider is a symmetric key in KMS as an s3db.KeyProvider. It is safe for
// concurrent use.
type Provider struct {
	client Client
	key    string
}

// New returns the provider of a key, which is named by its ARN. An alias or a bare
// id is refused: it may mean another key in another account, region or year, and
// data keys are found by the name of the key that wrapped them.
func New(client Client, keyARN string) (*Provider, error) {
	if client == nil {
		return nil, errors.New("awskms: no client")
	}
	// arn:aws:kms:region:account:key/id
	parts := strings.Split(keyARN, ":")
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "kms" || parts[3] == "" || parts[4] == "" || !strings.HasPrefix(parts[5], "key/") || parts[5] == "key/" {
		return nil, fmt.Errorf("awskms: %q is not the ARN of a key, such as arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab; for an alias, aws kms describe-key tells it", keyARN)
	}
	return &Provider{client: client, key: keyARN}, nil
}

// Name implements s3db.KeyProvider.
func (p *Provider) Name() string { return "aws-kms " + p.key }

const dataKeySize = 32

// NewKey implements s3db.KeyProvider with GenerateDataKey.
func (p *Provider) NewKey(ctx context.Context, binding map[string]string) (key, wrapped []byte, err error) {
	out, err := p.client.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
		KeyId: &p.key, KeySpec: types.DataKeySpecAes256, EncryptionContext: binding,
	})
	if err != nil {
		return nil, nil, explain("kms:GenerateDataKey", err)
	}
	if len(out.Plaintext) != dataKeySize || len(out.CiphertextBlob) == 0 {
		return nil, nil, fmt.Errorf("awskms: GenerateDataKey returned a key of %d bytes, wrapped in %d", len(out.Plaintext), len(out.CiphertextBlob))
	}
	return out.Plaintext, out.CiphertextBlob, nil
}

// Unwrap implements s3db.KeyProvider with Decrypt.
func (p *Provider) Unwrap(ctx context.Context, wrapped []byte, binding map[string]string) ([]byte, error) {
	out, err := p.client.Decrypt(ctx, &kms.DecryptInput{
		KeyId: &p.key, CiphertextBlob: wrapped, EncryptionContext: binding,
		EncryptionAlgorithm: types.EncryptionAlgorithmSpecSymmetricDefault,
	})
	if err != nil {
		return nil, explain("kms:Decrypt", err)
	}
	if len(out.Plaintext) != dataKeySize {
		return nil, fmt.Errorf("awskms: Decrypt returned %d bytes, a data key has %d", len(out.Plaintext), dataKeySize)
	}
	return out.Plaintext, nil
}

// explain says what to do about the errors that a wrong set-up causes.
func explain(action string, err error) error {
	hint := ""
	var code interface{ ErrorCode() string }
	switch {
	case !errors.As(err, &code):
	case code.ErrorCode() == "AccessDeniedException":
		hint = "the principal needs " + action + " on the key, for the encryption context of this database"
	case code.ErrorCode() == "DisabledException":
		hint = "the key is disabled: aws kms enable-key"
	case code.ErrorCode() == "KMSInvalidStateException":
		hint = "the key is not usable; if its deletion is pending, cancel that at once: without the key every secret is lost"
	case code.ErrorCode() == "NotFoundException":
		hint = "there is no such key in this account and region"
	case code.ErrorCode() == "InvalidCiphertextException", code.ErrorCode() == "IncorrectKeyException":
		hint = "the wrapped key was altered, or belongs to another database or another key"
	}
	if hint == "" {
		return fmt.Errorf("awskms: %w", err)
	}
	return fmt.Errorf("awskms: %s: %w", hint, err)
}
