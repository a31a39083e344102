package s3store

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Driver opens URLs of these forms:
//
//	s3://BUCKET/PREFIX                  credentials of the environment
//	s3://KEY:SECRET@BUCKET/PREFIX       credentials, percent-encoded
//	s3://                               all from the environment, see below
//	http://KEY:SECRET@HOST/BUCKET/PREFIX    an S3 compatible server (or https://)
//
// Options after "?" are endpoint (address of a compatible server), region,
// path-style (true or false), session-token, and connections (idle connections to
// keep).
//
// Where s3:// names no bucket, it is that of AWS_BUCKET, and the prefix is
// databases/NAME with the name in DATABASE_NAME; together with AWS_ACCESS_KEY_ID
// and AWS_SECRET_ACCESS_KEY, which the default credential chain reads, four
// variables then say everything.
func Driver() s3db.Driver {
	return s3db.Driver{Schemes: []string{"s3", "http", "https"}, Open: open}
}

func open(ctx context.Context, req s3db.DriverRequest) (s3db.Store, string, error) {
	opts, prefix, err := fromURL(req, os.Getenv)
	if err != nil {
		return nil, "", err
	}
	store, err := New(ctx, opts)
	if err != nil {
		return nil, "", err
	}
	return store, prefix, nil
}

// fromURL turns a URL into options and the prefix of the database.
func fromURL(req s3db.DriverRequest, getenv func(string) string) (Options, string, error) {
	u := req.URL
	opts := Options{AccessKey: u.User, SecretKey: u.Password(), Bucket: u.Host}
	prefix := u.Path
	switch {
	case u.Scheme != "s3":
		opts.Endpoint = u.Scheme + "://" + u.Host
		opts.Bucket, prefix, _ = strings.Cut(u.Path, "/")
		if u.Host == "" || opts.Bucket == "" {
			return Options{}, "", fmt.Errorf("%w: write %s://HOST/BUCKET/PREFIX", s3db.ErrConfig, u.Scheme)
		}
	case u.Host == "":
		if opts.Bucket = getenv("AWS_BUCKET"); opts.Bucket == "" {
			return Options{}, "", fmt.Errorf("%w: s3:// names no bucket, and AWS_BUCKET is not set", s3db.ErrConfig)
		}
		if prefix != "" {
			break
		}
		name := getenv("DATABASE_NAME")
		if name == "" {
			return Options{}, "", fmt.Errorf("%w: s3:// names no database, and DATABASE_NAME is not set", s3db.ErrConfig)
		}
		prefix = "databases/" + strings.Trim(name, "/")
	}
	if err := opts.query(u.Query); err != nil {
		return Options{}, "", err
	}
	if req.Endpoint != "" {
		opts.Endpoint = req.Endpoint
	}
	if req.Region != "" {
		opts.Region = req.Region
	}
	if req.PathStyle != nil {
		opts.PathStyle = req.PathStyle
	}
	return opts, prefix, nil
}

// query reads the options after "?". An option nobody knows is an error: a typing
// mistake in "region" must not send a program to another one.
func (o *Options) query(query url.Values) error {
	for name, values := range query {
		value := values[len(values)-1]
		switch name {
		case "endpoint":
			o.Endpoint = value
		case "region":
			o.Region = value
		case "session-token":
			o.SessionToken = value
		case "path-style":
			b, err := strconv.ParseBool(value)
			if err != nil {
				return fmt.Errorf("%w: path-style is true or false", s3db.ErrConfig)
			}
			o.PathStyle = &b
		case "connections":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 {
				return fmt.Errorf("%w: connections is a number above zero", s3db.ErrConfig)
			}
			o.Connections = n
		default:
			known := []string{"connections", "endpoint", "path-style", "region", "session-token"}
			if i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(squeeze(k), squeeze(name)) }); i >= 0 {
				return fmt.Errorf("%w: unknown option %q in the URL, did you mean %q?", s3db.ErrConfig, name, known[i])
			}
			return fmt.Errorf("%w: unknown option %q in the URL (known: %s)", s3db.ErrConfig, name, strings.Join(known, ", "))
		}
	}
	return nil
}

// squeeze takes away what spellings of one name differ in.
func squeeze(name string) string {
	return strings.NewReplacer("-", "", "_", "").Replace(name)
}
