package awskms_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/s3dbgen/s3dbgen/internal/canary"
	"github.com/s3dbgen/s3dbgen/plugins/awskms"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/testdata/golden/secrets/secrets"
)

const (
	arn   = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	other = "arn:aws:kms:eu-west-1:111122223333:key/ffffffff-12ab-34cd-56ef-1234567890ab"
)

// The provider has the methods that the runtime asks for, and the SDK's client
// those that the provider asks for.
var (
	_ s3db.KeyProvider = (*awskms.Provider)(nil)
	_ awskms.Client    = (*kms.Client)(nil)
)

func provider(t *testing.T, d *double, arn string) *awskms.Provider {
	t.Helper()
	client := kms.New(kms.Options{
		Region:       region,
		BaseEndpoint: &d.URL,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secretKey}, nil
		}),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
	})
	p, err := awskms.New(client, arn)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func open(t *testing.T, store s3db.Store, options ...s3db.Option) (*secrets.DB, error) {
	t.Helper()
	cheap := s3db.WithPasswordParams(s3db.PasswordParams{Memory: 8, Time: 1, Threads: 1})
	return secrets.New(t.Context(), store, append(options, cheap)...)
}

func insert(t *testing.T, db *secrets.DB, id secrets.VaultID) {
	t.Helper()
	in := secrets.VaultInsert{
		ID: id, Plain: s3db.NewSecret(canary.Value("needle")), Password: "long enough", Phrase: "1", Recovery: "r", Number: s3db.NewSecret(int64(1)),
		Words: s3db.NewSecret([]string{"w"}), Settings: secrets.VaultSettings{Key: s3db.NewSecret("k")}, Seed: s3db.NewSecret("s"),
	}
	if _, err := db.Vaults.Insert(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

// TestSecretsUnderKMS: one GenerateDataKey for a new database, one Decrypt for
// each Open, both under the encryption context of the database, and no secret on
// the way to KMS.
func TestSecretsUnderKMS(t *testing.T) {
	d := newDouble(t, arn)
	store := memstore.New()
	db, err := open(t, store, s3db.WithKeyProvider(provider(t, d, arn)))
	if err != nil {
		t.Fatal(err)
	}
	insert(t, db, "a")
	for range 3 {
		db, err = open(t, store, s3db.WithKeyProvider(provider(t, d, arn)))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := db.Vaults.Get(t.Context(), "a"); err != nil || got.Plain.Reveal() != canary.Value("needle") {
			t.Fatalf("read back: %v", err)
		}
	}
	if n, m := d.count("GenerateDataKey"), d.count("Decrypt"); n != 1 || m != 3 {
		t.Errorf("%d GenerateDataKey, %d Decrypt", n, m)
	}
	for _, c := range d.contexts {
		if len(c) != 1 || c["s3dbgen:database"] != db.Vaults.Database().ID() {
			t.Errorf("encryption context %v", c)
		}
	}
	for _, body := range d.bodies {
		if strings.Contains(body, "needle") {
			t.Errorf("sent to KMS: %s", body)
		}
	}
}

// TestKMSRefuses: what KMS refuses ends Open with an error that says what to do,
// and a key that throttles is asked again.
func TestKMSRefuses(t *testing.T) {
	d := newDouble(t, arn, other)
	store := memstore.New()
	for code, says := range map[string]string{
		"AccessDeniedException": "kms:GenerateDataKey", "DisabledException": "enable-key", "KMSInvalidStateException": "not usable",
	} {
		d.refuse(arn, code)
		_, err := open(t, store, s3db.WithKeyProvider(provider(t, d, arn)))
		if !errors.Is(err, s3db.ErrKeyProvider) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), code) {
			t.Errorf("%s: %v", code, err)
		}
	}
	if n := store.Counts().Put; n != 0 {
		t.Errorf("%d writes without a key", n)
	}
	d.refuse(arn, "")
	missing := strings.Replace(arn, "1234abcd", "00000000", 1)
	if _, err := open(t, store, s3db.WithKeyProvider(provider(t, d, missing))); !errors.Is(err, s3db.ErrKeyProvider) || !strings.Contains(err.Error(), "no such key") {
		t.Errorf("a key that does not exist: %v", err)
	}
	d.throttle = 2
	db, err := open(t, store, s3db.WithKeyProvider(provider(t, d, arn)))
	if err != nil {
		t.Fatalf("throttled twice: %v", err)
	}
	insert(t, db, "a")
	for code, says := range map[string]string{"AccessDeniedException": "kms:Decrypt", "DisabledException": "enable-key"} {
		d.refuse(arn, code)
		if _, err := open(t, store, s3db.WithKeyProvider(provider(t, d, arn))); !errors.Is(err, s3db.ErrKeyProvider) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", code, err)
		}
	}
	d.refuse(arn, "")
	d.throttle = 100
	if _, err := open(t, store, s3db.WithKeyProvider(provider(t, d, arn))); !errors.Is(err, s3db.ErrKeyProvider) || !strings.Contains(err.Error(), "ThrottlingException") {
		t.Errorf("throttled for good: %v", err)
	}
}

// TestWrappedKeyIsBound: a wrapped key opens with its master key and for its
// database, and as it was.
func TestWrappedKeyIsBound(t *testing.T) {
	ctx := t.Context()
	d := newDouble(t, arn, other)
	p := provider(t, d, arn)
	binding := map[string]string{"s3dbgen:database": "one"}
	key, wrapped, err := p.NewKey(ctx, binding)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := p.Unwrap(ctx, wrapped, binding); err != nil || string(again) != string(key) || len(key) != 32 {
		t.Errorf("unwrapped %d bytes, %v", len(again), err)
	}
	altered := append([]byte{}, wrapped...)
	altered[len(altered)-1]++
	for what, unwrap := range map[string]func() ([]byte, error){
		"another database":   func() ([]byte, error) { return p.Unwrap(ctx, wrapped, map[string]string{"s3dbgen:database": "two"}) },
		"no context":         func() ([]byte, error) { return p.Unwrap(ctx, wrapped, nil) },
		"altered":            func() ([]byte, error) { return p.Unwrap(ctx, altered, binding) },
		"another master key": func() ([]byte, error) { return provider(t, d, other).Unwrap(ctx, wrapped, binding) },
	} {
		if key, err := unwrap(); err == nil || key != nil || !strings.Contains(err.Error(), "another database or another key") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestRotateUnderKMS changes the data key, and then the master key.
func TestRotateUnderKMS(t *testing.T) {
	d := newDouble(t, arn, other)
	store := memstore.New()
	db, err := open(t, store, s3db.WithKeyProvider(provider(t, d, arn)))
	if err != nil {
		t.Fatal(err)
	}
	insert(t, db, "a")
	rotate := func(o s3db.RotateOptions, options ...s3db.Option) *s3db.RotateReport {
		t.Helper()
		tool, err := s3db.New(t.Context(), store, s3db.Config{Existing: true}, options...)
		if err != nil {
			t.Fatal(err)
		}
		report, err := tool.Rotate(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	first := rotate(s3db.RotateOptions{DryRun: true}, s3db.WithKeyProvider(provider(t, d, arn))).Keys[0].ID
	report := rotate(s3db.RotateOptions{NewKey: true, Drop: first}, s3db.WithKeyProvider(provider(t, d, arn)))
	if report.Rotated != 1 || report.Dropped != first {
		t.Errorf("new data key: %+v", report)
	}
	second := report.Keys[0].ID
	report = rotate(s3db.RotateOptions{Drop: second}, s3db.WithKeyProvider(provider(t, d, other)), s3db.WithKeyProvider(provider(t, d, arn)))
	if report.Rotated != 1 || report.Dropped != second {
		t.Errorf("new master key: %+v", report)
	}
	d.refuse(arn, "DisabledException") // nobody needs it any more
	if db, err = open(t, store, s3db.WithKeyProvider(provider(t, d, other))); err != nil {
		t.Fatal(err)
	}
	if got, err := db.Vaults.Get(t.Context(), "a"); err != nil || got.Plain.Reveal() != canary.Value("needle") {
		t.Errorf("read back: %v", err)
	}
}

// TestDoubleIsStrict: the double refuses what KMS would refuse, or the tests
// above prove little.
func TestDoubleIsStrict(t *testing.T) {
	d := newDouble(t, arn)
	wrong := kms.New(kms.Options{
		Region: region, BaseEndpoint: &d.URL,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: "wrong"}, nil
		}),
	})
	p, err := awskms.New(wrong, arn)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.NewKey(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "signature does not match") {
		t.Errorf("a wrong signature: %v", err)
	}
	if _, err := wrong.ListKeys(t.Context(), nil); err == nil {
		t.Error("an operation that the double does not have was answered")
	}
}

func TestNewRefuses(t *testing.T) {
	d := newDouble(t)
	for _, name := range []string{"", "alias/shop", "1234abcd-12ab-34cd-56ef-1234567890ab", "arn:aws:kms:eu-west-1:111122223333:alias/shop", "arn:aws:kms::111122223333:key/x", "arn:aws:kms:eu-west-1:111122223333:key/"} {
		if _, err := awskms.New(kms.New(kms.Options{BaseEndpoint: &d.URL}), name); err == nil || !strings.Contains(err.Error(), "not the ARN of a key") {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := awskms.New(nil, arn); err == nil {
		t.Error("no client is accepted")
	}
}
