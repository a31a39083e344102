package s3db

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// Driver opens the stores of one kind of URL. A program lists the drivers that it
// links; there is no registry.
type Driver struct {
	// Schemes are the URL schemes that the driver opens, such as "s3". The first
	// one names the driver in errors and in the schema's list of stores.
	Schemes []string
	// Open opens the store and returns, with it, the prefix under which all keys
	// of the database lie: no slash at either end, "" for the whole store.
	Open func(ctx context.Context, req DriverRequest) (store Store, prefix string, err error)
}

// DriverRequest says what a Driver opens. Fields that are not empty win over what
// the URL says.
type DriverRequest struct {
	URL       *URL
	Endpoint  string // address of an S3 compatible server, "" for AWS
	Region    string // "" for the URL's or the environment's
	PathStyle *bool  // nil: true with an endpoint, else false
	Existing  bool   // fail with ErrNotFound instead of creating a store
}

// URL is a parsed connection string. Printing it in any way hides the password.
type URL struct {
	Scheme string
	User   string     // access key, percent-decoded
	Host   string     // bucket; "" under file://, where everything is the path
	Path   string     // percent-decoded, without the slashes around it except under file://
	Query  url.Values // options after "?"
	// password is not exported so that reflection-based printers of structs that
	// hold a URL by value meet no secret.
	password *string
}

// Password returns the percent-decoded password: the secret key.
func (u URL) Password() string {
	if u.password == nil {
		return ""
	}
	return *u.password
}

// String returns the URL without its password and the values of its options,
// which may hold another.
func (u URL) String() string {
	var b strings.Builder
	b.WriteString(u.Scheme)
	b.WriteString("://")
	if u.User != "" || u.password != nil {
		b.WriteString(url.User(u.User).String())
		b.WriteString(":***@")
	}
	b.WriteString(u.Host)
	if u.Path != "" {
		if u.Scheme != "file" {
			b.WriteByte('/')
		}
		b.WriteString(u.Path)
	}
	return b.String()
}

// GoString implements fmt.GoStringer, so that %#v hides the password too.
func (u URL) GoString() string { return "s3db.URL(" + u.String() + ")" }

// MarshalText implements encoding.TextMarshaler with the text of String.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// ParseURL parses a connection string:
//
//	s3://KEY:SECRET@bucket/prefix?region=eu-west-1&endpoint=http://localhost:9000
//	s3://bucket/prefix       credentials of the environment
//	file://./shop.db         file:///var/lib/shop.db  file://C:\shop.db
//	mem://                   memory
//
// User, password and path are percent-decoded; a "+" stays a "+". A "/" in the
// password may also stand as it is. Errors match ErrConfig and never hold the
// password.
func ParseURL(text string) (*URL, error) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || !validScheme(scheme) {
		return nil, fmt.Errorf("%w: a database is named by a URL such as s3://bucket/prefix, file://./shop.db or mem://", ErrConfig)
	}
	u := &URL{Scheme: strings.ToLower(scheme)}
	rest, query, _ := strings.Cut(rest, "?")
	var err error
	if u.Query, err = url.ParseQuery(query); err != nil {
		return nil, fmt.Errorf("%w: the options of the %s:// URL are not well formed", ErrConfig, u.Scheme)
	}
	if u.Scheme == "file" {
		if u.Path, err = url.PathUnescape(rest); err != nil {
			return nil, badEscape(u.Scheme, "path")
		}
		return u, nil
	}
	user, rest, hasUser := cutUser(u.Scheme, rest)
	if hasUser {
		name, password, hasPassword := strings.Cut(user, ":")
		if u.User, err = url.PathUnescape(name); err != nil {
			return nil, badEscape(u.Scheme, "access key")
		}
		if hasPassword {
			if password, err = url.PathUnescape(password); err != nil {
				return nil, badEscape(u.Scheme, "secret key")
			}
			u.password = &password
		}
	}
	host, path, _ := strings.Cut(rest, "/")
	u.Host = host
	if u.Path, err = url.PathUnescape(path); err != nil {
		return nil, badEscape(u.Scheme, "path")
	}
	u.Path = strings.Trim(u.Path, "/")
	return u, nil
}

// cutUser splits "user:password@" off. Under s3:// a host never has a port, so a
// colon before the first slash begins a password even when the password holds
// that slash.
func cutUser(scheme, rest string) (user, tail string, ok bool) {
	head, _, _ := strings.Cut(rest, "/")
	at := strings.LastIndexByte(head, '@')
	if at < 0 && scheme == "s3" && strings.Contains(head, ":") {
		at = strings.LastIndexByte(rest, '@')
	}
	if at < 0 {
		return "", rest, false
	}
	return rest[:at], rest[at+1:], true
}

func validScheme(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		if (c < 'a' || c > 'z') && (i == 0 || s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return s != ""
}

func badEscape(scheme, part string) error {
	return fmt.Errorf("%w: the %s of the %s:// URL has a %% that is no percent-escape (write %%25)", ErrConfig, part, scheme)
}

// CheckPrefix refuses prefixes that cannot stand before every key of a database.
// A prefix is "" or "/"-separated segments; the error matches ErrConfig.
func CheckPrefix(prefix string) error {
	const longest = 200
	if prefix == "" {
		return nil
	}
	if len(prefix) > longest {
		return fmt.Errorf("%w: the prefix has %d bytes, at most %d are allowed", ErrConfig, len(prefix), longest)
	}
	if !utf8.ValidString(prefix) || strings.ContainsFunc(prefix, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return fmt.Errorf("%w: the prefix %q has control characters or is not UTF-8", ErrConfig, prefix)
	}
	for segment := range strings.SplitSeq(prefix, "/") {
		if segment == "" || segment == "." || segment == ".." {
			return fmt.Errorf(`%w: the prefix %q has an empty segment, "." or ".."`, ErrConfig, prefix)
		}
	}
	return nil
}

// driverOptions are what options of Open say about the store.
type driverOptions struct {
	Existing  bool
	Endpoint  string
	Region    string
	PathStyle *bool
}

// openStore opens the store that a URL names with the driver for its scheme.
func openStore(ctx context.Context, text string, drivers []Driver, opts driverOptions) (Store, string, error) {
	u, err := ParseURL(text)
	if err != nil {
		return nil, "", err
	}
	var linked []string
	for _, d := range drivers {
		if !slices.Contains(d.Schemes, u.Scheme) {
			linked = append(linked, d.Schemes...)
			continue
		}
		store, prefix, err := d.Open(ctx, DriverRequest{URL: u, Endpoint: opts.Endpoint, Region: opts.Region, PathStyle: opts.PathStyle, Existing: opts.Existing})
		if err != nil {
			return nil, "", fmt.Errorf("%s: %w", u, err)
		}
		if err := CheckPrefix(prefix); err != nil {
			return nil, "", fmt.Errorf("%s: %w", u, joinClose(err, store))
		}
		return store, prefix, nil
	}
	return nil, "", unlinked(u.Scheme, linked)
}

// joinClose closes a store that will not be used; its error matters less than
// the one that is already there.
func joinClose(err error, store Store) error {
	if cerr := store.Close(); cerr != nil {
		return fmt.Errorf("%w (and closing: %w)", err, cerr)
	}
	return err
}

// unlinked is the error for a scheme that no driver of the program opens.
func unlinked(scheme string, linked []string) error {
	have := "none"
	if len(linked) > 0 {
		have = strings.Join(linked, ", ")
	}
	switch scheme {
	case "http", "https":
		scheme = "s3"
	}
	switch scheme {
	case "s3", "file", "mem":
		return fmt.Errorf("%w: scheme %q is not linked: add `%s` to `stores` in the schema and generate again (linked: %s)", ErrConfig, scheme, scheme, have)
	}
	return fmt.Errorf("%w: unknown scheme %q (linked: %s)", ErrConfig, scheme, have)
}
