package s3db

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Password is a password in plain text, as a person types it. Like a Secret it
// does not show itself: fmt, JSON and slog print "[redacted]". Convert it to a
// string to see it. Do not keep one in an unexported field: fmt calls no methods
// there and would print it.
//
// Its JSON form can be read but not written, so that input may come as JSON.
type Password string

// Format implements fmt.Formatter: every verb prints "[redacted]".
func (p Password) Format(f fmt.State, _ rune) { printRedacted(f) }

// String returns "[redacted]".
func (p Password) String() string { return redacted }

// LogValue implements slog.LogValuer.
func (p Password) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]".
func (p Password) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText reads a password in plain text; "[redacted]" is refused.
func (p *Password) UnmarshalText(text []byte) error {
	if string(text) == redacted {
		return errRedacted
	}
	*p = Password(text)
	return nil
}

// maxPasswordSize bounds the work that one password can cause, in bytes.
const maxPasswordSize = 4096

// PasswordParams is the cost of hashing a password with Argon2id (RFC 9106). Its
// zero value means DefaultPasswordParams.
type PasswordParams struct {
	Memory  uint32 // KiB
	Time    uint32 // passes over the memory
	Threads uint8
}

// DefaultPasswordParams returns what OWASP recommends: 19 MiB, 2 passes, 1
// thread. One hash takes some 20 ms.
func DefaultPasswordParams() PasswordParams {
	return PasswordParams{Memory: 19 * 1024, Time: 2, Threads: 1}
}

// Bounds of the parameters of a stored hash: Verify spends them before it knows
// whether anything is right, so a hash that somebody altered must not ask for
// more than a server can give.
const (
	maxPasswordMemory  = 1024 * 1024 // KiB
	maxPasswordTime    = 64
	maxPasswordThreads = 64
	maxPasswordKey     = 128 // bytes of salt and of hash
)

func (p PasswordParams) orDefault() PasswordParams {
	if p == (PasswordParams{}) {
		return DefaultPasswordParams()
	}
	return p
}

// validate reports parameters that Argon2id does not accept or that nobody means.
func (p PasswordParams) validate() error {
	switch {
	case p.Time < 1 || p.Time > maxPasswordTime:
		return fmt.Errorf("password hash: time must lie between 1 and %d, not %d", maxPasswordTime, p.Time)
	case p.Threads < 1 || p.Threads > maxPasswordThreads:
		return fmt.Errorf("password hash: threads must lie between 1 and %d, not %d", maxPasswordThreads, p.Threads)
	case p.Memory < 8*uint32(p.Threads) || p.Memory > maxPasswordMemory:
		return fmt.Errorf("password hash: memory must lie between 8 KiB a thread and %d KiB, not %d KiB", maxPasswordMemory, p.Memory)
	}
	return nil
}

// PasswordHash is a password as a document holds it: hashed with Argon2id, with
// the salt and the parameters. It cannot be turned back into the password. It
// prints as "[redacted]", since a hash is what an attacker needs to guess.
type PasswordHash struct {
	phc       Secret[string]
	generated Secret[Password]
}

// ParsePasswordHash reads an Argon2id hash in PHC form, such as another system
// exports: $argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>.
func ParsePasswordHash(phc string) (PasswordHash, error) {
	if _, err := parsePHC(phc); err != nil {
		return PasswordHash{}, err
	}
	return PasswordHash{phc: NewSecret(phc)}, nil
}

// PHC returns the hash in PHC form, as it is stored, and "" for the zero hash.
func (h PasswordHash) PHC() string { return h.phc.Reveal() }

// IsZero reports whether h holds no hash. No password verifies against it.
func (h PasswordHash) IsZero() bool { return h.phc.IsZero() }

// Equal reports whether two hashes are the same text; two hashes of one password
// differ by their salts.
func (h PasswordHash) Equal(other PasswordHash) bool {
	return h.phc.Equal(other.phc)
}

// Verify reports whether p is the password. It takes as long as hashing does,
// whether p is right or not, except when h holds no hash.
func (h PasswordHash) Verify(p Password) bool {
	parsed, err := parsePHC(h.PHC())
	if err != nil {
		return false
	}
	got := parsed.params.key(p, parsed.salt, len(parsed.hash))
	return subtle.ConstantTimeCompare(got, parsed.hash) == 1
}

// NeedsRehash reports whether h is weaker than a hash with these parameters would
// be: it costs less work (memory times passes, the measure by which OWASP's
// recommendations are alike), or its salt or hash is shorter. One that is stronger
// stays, so that two programs with different parameters do not undo each other's
// work.
func (h PasswordHash) NeedsRehash(params PasswordParams) bool {
	parsed, err := parsePHC(h.PHC())
	return err != nil || parsed.params.work() < params.orDefault().work() ||
		len(parsed.salt) < saltSize || len(parsed.hash) < hashSize
}

// work is the cost of a hash: KiB of memory times passes over it.
func (p PasswordParams) work() uint64 { return uint64(p.Memory) * uint64(p.Time) }

// VerifyAndUpgrade is Verify for a login. When the password is right and the hash
// is weaker than the database now makes them, it calls save with the change that
// hashes the password again:
//
//	ok, err := user.Password.VerifyAndUpgrade(typed, db.Users.Database().PasswordParams(), func(c s3db.Change[s3db.Password]) error {
//		_, err := db.Users.UpdateFrom(ctx, user, shop.UserPatch{Password: c})
//		return err
//	})
//
// ok is the answer to the login, whatever err is: an upgrade that failed is tried
// again at the next one.
func (h PasswordHash) VerifyAndUpgrade(p Password, params PasswordParams, save func(Change[Password]) error) (ok bool, err error) {
	if !h.Verify(p) {
		return false, nil
	}
	if h.NeedsRehash(params) {
		return true, save(Set(p))
	}
	return true, nil
}

// Generated returns the password that the rule "generate" made. It is known only
// to the document that the insert returned and is stored nowhere.
func (h PasswordHash) Generated() (Password, bool) {
	return h.generated.Reveal(), !h.generated.IsZero()
}

// Format implements fmt.Formatter: every verb prints "[redacted]".
func (h PasswordHash) Format(f fmt.State, _ rune) { printRedacted(f) }

// String returns "[redacted]".
func (h PasswordHash) String() string { return redacted }

// LogValue implements slog.LogValuer.
func (h PasswordHash) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]".
func (h PasswordHash) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns "[redacted]", and null for the zero hash.
func (h PasswordHash) MarshalJSON() ([]byte, error) {
	return h.phc.MarshalJSON()
}

// UnmarshalJSON reads a hash in PHC form, and null as the zero hash.
func (h *PasswordHash) UnmarshalJSON(data []byte) error {
	switch {
	case bytes.Equal(data, []byte("null")):
		*h = PasswordHash{}
		return nil
	case isRedacted(data):
		return errRedacted
	case len(data) < 2 || data[0] != '"':
		return errPHC
	}
	// A PHC string needs no escapes in JSON.
	parsed, err := ParsePasswordHash(string(data[1 : len(data)-1]))
	if err != nil {
		return err
	}
	*h = parsed
	return nil
}

const (
	saltSize = 16
	hashSize = 32
)

// hash makes a hash with a fresh salt. The parameters must be valid.
func (p PasswordParams) hash(plain Password) PasswordHash {
	salt := make([]byte, saltSize)
	// crypto/rand.Read never fails: it ends the program instead.
	_, _ = rand.Read(salt)
	key := p.key(plain, salt, hashSize)
	enc := base64.RawStdEncoding
	return PasswordHash{phc: NewSecret(fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, p.Memory, p.Time, p.Threads, enc.EncodeToString(salt), enc.EncodeToString(key)))}
}

func (p PasswordParams) key(plain Password, salt []byte, size int) []byte {
	return argon2.IDKey([]byte(plain), salt, p.Time, p.Memory, p.Threads, uint32(size)) //nolint:gosec // at most maxPasswordKey
}

// passwordText is a PHC string taken apart.
type passwordText struct {
	params     PasswordParams
	salt, hash []byte
}

var errPHC = errors.New("s3db: not an argon2id hash in PHC form")

// parsePHC reads a PHC string (https://github.com/P-H-C/phc-string-format). Its
// errors never quote the text.
func parsePHC(phc string) (passwordText, error) {
	parts := strings.Split(phc, "$")
	if strings.ContainsAny(phc, "\r\n") { // encoding/base64 skips them
		return passwordText{}, errPHC
	}
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return passwordText{}, errPHC
	}
	costs := strings.Split(parts[3], ",")
	if len(costs) != 3 {
		return passwordText{}, errPHC
	}
	memory, okMemory := cost(costs[0], "m=", 32)
	passes, okTime := cost(costs[1], "t=", 32)
	threads, okThreads := cost(costs[2], "p=", 8)
	if !okMemory || !okTime || !okThreads {
		return passwordText{}, errPHC
	}
	//nolint:gosec // cost bounds the numbers to the size of their types
	text := passwordText{params: PasswordParams{Memory: uint32(memory), Time: uint32(passes), Threads: uint8(threads)}}
	if text.params.validate() != nil {
		return passwordText{}, errPHC
	}
	var err error
	enc := base64.RawStdEncoding.Strict()
	if text.salt, err = enc.DecodeString(parts[4]); err != nil || len(text.salt) < 8 || len(text.salt) > maxPasswordKey {
		return passwordText{}, errPHC
	}
	if text.hash, err = enc.DecodeString(parts[5]); err != nil || len(text.hash) < 16 || len(text.hash) > maxPasswordKey {
		return passwordText{}, errPHC
	}
	return text, nil
}

func cost(text, name string, bits int) (uint64, bool) {
	number, found := strings.CutPrefix(text, name)
	n, err := strconv.ParseUint(number, 10, bits)
	return n, found && err == nil && strconv.FormatUint(n, 10) == number
}

// HashPassword checks a required password against its rules and hashes it with
// the parameters of v. It returns the zero hash when a rule is broken. Generated
// code calls it.
func HashPassword(v *Validator, path string, p Password, rules StringRules) PasswordHash {
	if p == "" {
		v.Add(path, "required", "must be set")
		return PasswordHash{}
	}
	if !checkPassword(v, path, p, rules) {
		return PasswordHash{}
	}
	return v.passwords.orDefault().hash(p)
}

func checkPassword(v *Validator, path string, p Password, rules StringRules) bool {
	before := len(v.violations)
	if len(p) > maxPasswordSize {
		v.Add(path, "max", fmt.Sprintf("must have at most %d bytes", maxPasswordSize))
		return false
	}
	v.quiet++
	text := string(p)
	rules.Check(v, path, &text)
	v.quiet--
	return len(v.violations) == before
}

// HashOptional is HashPassword for an optional password; nil stays nil.
func HashOptional(v *Validator, path string, p *Password, rules StringRules) *PasswordHash {
	if p == nil {
		return nil
	}
	h := HashPassword(v, path, *p, rules)
	return &h
}

// HashOrGenerate is HashPassword for a password with the rule "generate": nil
// makes one of n characters, which Generated returns. Generated code calls it.
func HashOrGenerate(v *Validator, path string, p *Password, n int, rules StringRules) PasswordHash {
	if p != nil {
		return HashPassword(v, path, *p, rules)
	}
	plain, ok := generateFor(rules, n)
	if !ok {
		v.Add(path, "generate", "generated passwords do not satisfy the other rules")
		return PasswordHash{}
	}
	h := v.passwords.orDefault().hash(plain)
	h.generated = NewSecret(plain)
	return h
}

// generateFor draws again when a password happens to break a rule, such as a
// pattern that wants a digit.
func generateFor(rules StringRules, n int) (plain Password, ok bool) {
	const draws = 100
	for range draws {
		var v Validator
		plain = GeneratePassword(n)
		if checkPassword(&v, "", plain, rules) {
			return plain, true
		}
	}
	return "", false
}

// ApplyPassword applies the change of a required password. Generated code calls
// it.
func ApplyPassword(v *Validator, path string, c Change[Password], dst *PasswordHash, rules StringRules) {
	switch c.kind {
	case setValue:
		*dst = HashPassword(v, path, c.value, rules)
	case clearValue:
		v.Add(path, "required", "must not be cleared")
	}
}

// ApplyOptionalPassword applies the change of an optional password. Generated
// code calls it.
func ApplyOptionalPassword(v *Validator, path string, c Change[Password], dst **PasswordHash, rules StringRules) {
	switch c.kind {
	case setValue:
		*dst = HashOptional(v, path, &c.value, rules)
	case clearValue:
		*dst = nil
	}
}

// MergePassword hashes a password when the input of an upsert gives it.
func MergePassword(v *Validator, path string, in *Password, dst *PasswordHash, rules StringRules) {
	if in != nil {
		*dst = HashPassword(v, path, *in, rules)
	}
}

// MergeOptionalPassword is MergePassword for an optional password.
func MergeOptionalPassword(v *Validator, path string, in *Password, dst **PasswordHash, rules StringRules) {
	if in != nil {
		*dst = HashOptional(v, path, in, rules)
	}
}

// generateAlphabet leaves out what a reader confuses: 0 O o, 1 l I.
const generateAlphabet = "23456789abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"

// GeneratePassword returns a random password of n characters, 5.8 bits each,
// from letters and digits that are not mistaken for one another.
func GeneratePassword(n int) Password { return Password(generateText(n)) }

// GenerateSecret returns a secret of n such characters.
func GenerateSecret(n int) Secret[string] { return NewSecret(generateText(n)) }

// OrGenerate returns the secret that p points to, or a generated one of n
// characters when p is nil. Generated code calls it.
func OrGenerate(p *Secret[string], n int) Secret[string] {
	if p == nil {
		return GenerateSecret(n)
	}
	return *p
}

// generateText draws each character with the same probability: bytes beyond the
// last whole multiple of the alphabet are thrown away.
func generateText(n int) string {
	const size = len(generateAlphabet)
	const usable = 256 - 256%size
	text := make([]byte, 0, max(n, 0))
	var random [64]byte
	for len(text) < n {
		_, _ = rand.Read(random[:])
		for _, b := range random {
			if int(b) < usable && len(text) < n {
				text = append(text, generateAlphabet[int(b)%size])
			}
		}
	}
	return string(text)
}
