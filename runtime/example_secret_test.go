package s3db_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"log"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// A secret is stored encrypted and does not print itself.
func ExampleSecret() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	in := ada()
	in.TaxNumber = new(s3db.NewSecret("12 345 678"))
	u, err := db.Users.Insert(ctx, in)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(u.TaxNumber, u.TaxNumber.Reveal())
	fmt.Println(u.TaxNumber.Equal(s3db.NewSecret("12 345 678")))
	fmt.Println(u.APIKey, len(u.APIKey.Reveal())) // made by the client, as its schema says
	// Output:
	// [redacted] 12 345 678
	// true
	// [redacted] 32
}

// A password is stored as a hash, which can be compared with and nothing else.
func ExamplePasswordHash() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	u, err := db.Users.Insert(ctx, ada())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(u.Password, u.Password.Verify("correct horse"), u.Password.Verify("battery staple"))

	code, ok := u.RecoveryCode.Generated() // told once, to whoever inserted
	fmt.Println(len(string(code)), ok)
	// Output:
	// [redacted] true false
	// 20 true
}

// A login hashes the password again when hashing has become more expensive since.
func ExamplePasswordHash_VerifyAndUpgrade() {
	ctx := context.Background()
	store := memstore.New()
	open := func(cost s3db.PasswordParams) *shop.DB {
		db, err := shop.New(ctx, store, s3db.WithKey("k1", make([]byte, 32)), s3db.WithIDs("products", s3db.ULID), s3db.WithPasswordParams(cost))
		if err != nil {
			log.Fatal(err)
		}
		return db
	}
	if _, err := open(s3db.PasswordParams{Memory: 8, Time: 1, Threads: 1}).Users.Insert(ctx, ada()); err != nil {
		log.Fatal(err)
	}

	db := open(s3db.PasswordParams{Memory: 16, Time: 2, Threads: 1}) // a year later
	u, err := db.Users.Get(ctx, "ada")
	if err != nil {
		log.Fatal(err)
	}
	cost := db.Database().PasswordParams()
	fmt.Println("too cheap:", u.Password.NeedsRehash(cost))
	ok, err := u.Password.VerifyAndUpgrade("correct horse", cost, func(c s3db.Change[s3db.Password]) (err error) {
		u, err = db.Users.UpdateFrom(ctx, u, shop.UserPatch{Password: c})
		return err
	})
	fmt.Println(ok, err)
	fmt.Println("too cheap:", u.Password.NeedsRehash(cost))
	// Output:
	// too cheap: true
	// true <nil>
	// too cheap: false
}

// Change a key: programs first know both, with the new one first, which encrypts; then
// what is left is encrypted anew, while they run; then the old one is dropped.
func ExampleDatabase_Rotate() {
	ctx := context.Background()
	store := memstore.New()
	older, newer := s3db.WithKey("2025", []byte("32 random bytes of last year....")), s3db.WithKey("2026", []byte("32 random bytes of this year...."))
	open := func(keys ...s3db.Option) (*shop.DB, error) {
		return shop.New(ctx, store, append(keys, s3db.WithIDs("products", s3db.ULID))...)
	}
	db, err := open(older)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := db.Users.Insert(ctx, ada()); err != nil {
		log.Fatal(err)
	}

	if db, err = open(newer, older); err != nil {
		log.Fatal(err)
	}
	report, err := db.Database().Rotate(ctx, s3db.RotateOptions{Drop: "2025"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Rotated, "rotated, dropped", report.Dropped)

	_, err = open(older)
	fmt.Println(errors.Is(err, s3db.ErrConfig))
	_, err = open(newer)
	fmt.Println(err)
	// Output:
	// 1 rotated, dropped 2025
	// true
	// <nil>
}

// strongbox is a KeyProvider: it keeps the master key, and wraps data keys with it. One of
// a key management service leaves both to the service; plugins/awskms does.
type strongbox struct{ aead cipher.AEAD }

func newStrongbox(master []byte) (strongbox, error) {
	block, err := aes.NewCipher(master)
	if err != nil {
		return strongbox{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return strongbox{aead}, err
}

func (strongbox) Name() string { return "strongbox" }

func (v strongbox) NewKey(_ context.Context, binding map[string]string) (key, wrapped []byte, err error) {
	key = make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, nil, err
	}
	return key, v.aead.Seal(nil, nil, key, []byte(binding["s3dbgen:database"])), nil
}

func (v strongbox) Unwrap(_ context.Context, wrapped []byte, binding map[string]string) ([]byte, error) {
	return v.aead.Open(nil, nil, wrapped, []byte(binding["s3dbgen:database"]))
}

// Keys from a service that never gives its master key away.
func ExampleWithKeyProvider() {
	ctx := context.Background()
	provider, err := newStrongbox(make([]byte, 32))
	if err != nil {
		log.Fatal(err)
	}
	db, err := shop.Open(ctx, "mem://", s3db.WithKeyProvider(provider), s3db.WithIDs("products", s3db.ULID))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	report, err := db.Database().Rotate(ctx, s3db.RotateOptions{NewKey: true}) // encrypts under a new data key
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(report.Keys), "data keys")
	// Output:
	// 2 data keys
}

// Passwords and keys made of random characters that people can read, and the hash in
// the form in which other systems store it.
func ExampleGeneratePassword() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	in := ada()
	in.Password = s3db.GeneratePassword(16)
	in.APIKey = new(s3db.GenerateSecret(40))
	u, err := db.Users.Insert(ctx, in)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(u.Password.Verify(in.Password), len(u.APIKey.Reveal()))
	fmt.Println(u.Password.PHC()[:10], u.Password.Equal(u.RecoveryCode))
	// Output:
	// true 40
	// $argon2id$ false
}
