package postgres

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Config says which database the target writes to, and how its tables are called.
type Config struct {
	// ConnectionString is a URL, postgres://user:password@host:port/database?…, or a list
	// of keywords and values, with the parameters of libpq and those of pgxpool, such as
	// sslmode, sslrootcert and pool_max_conns. What it leaves open comes from the
	// environment, PGPASSWORD for one, and from ~/.pgpass, as for psql. It excludes the
	// next five fields.
	ConnectionString string

	Host     string // default: that of the environment, else the local socket
	Port     int    // default 5432
	Database string
	User     string
	Password string

	// SSL true means TLS with a certificate that is verified for the host (sslmode
	// verify-full), false none (disable). nil leaves it to the connection string, whose
	// default prefers TLS and verifies nothing.
	SSL *bool

	// Schema holds all tables; it is created when it is missing. Default: the first
	// schema of the search path, as a rule "public".
	Schema string
	// Table is the table of all routes that name none. Default: one for each resource,
	// with its name. A table of several resources has its documents in one column.
	Table string
	// Documents stores documents in one column "data" of type jsonb, instead of a column
	// for each attribute.
	Documents bool
	// LogTable gets a row for each change, whatever becomes of the document later. Default:
	// no log.
	LogTable string
}

// maxIdentifier is the length of a name in bytes; PostgreSQL cuts longer ones, after
// which two may be the same.
const maxIdentifier = 63

// validate returns every mistake at once. Errors match s3db.ErrConfig.
func (c *Config) validate() error {
	var wrong []string
	if c.ConnectionString != "" && (c.Host != "" || c.Port != 0 || c.Database != "" || c.User != "" || c.Password != "") {
		wrong = append(wrong, "connectionString excludes host, port, database, user and password: write them into it")
	}
	if c.Port < 0 || c.Port > 65535 {
		wrong = append(wrong, fmt.Sprintf("port %d is not between 1 and 65535", c.Port))
	}
	if c.SSL != nil && strings.Contains(c.ConnectionString, "sslmode") {
		wrong = append(wrong, "ssl and the sslmode of connectionString say the same: leave one out")
	}
	for _, name := range []struct{ option, value string }{{"schema", c.Schema}, {"tableName", c.Table}, {"logTable", c.LogTable}} {
		if problem := badName(name.value); problem != "" && name.value != "" {
			wrong = append(wrong, name.option+" "+problem)
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%w: postgres: %s", s3db.ErrConfig, strings.Join(wrong, "; "))
	}
	return nil
}

// badName says what is wrong with a name that the configuration gives to a table or
// schema, "" when nothing is.
func badName(name string) string {
	switch {
	case name == "":
		return "is empty"
	case len(name) > maxIdentifier:
		return fmt.Sprintf("%q is longer than the %d bytes that PostgreSQL keeps", name, maxIdentifier)
	case strings.ContainsRune(name, 0):
		return fmt.Sprintf("%q has a NUL character", name)
	default:
		return ""
	}
}

// pool returns the configuration of the pool of connections.
func (c *Config) pool() (*pgxpool.Config, error) {
	text := c.ConnectionString
	if text == "" {
		text = c.url()
	}
	mode := ""
	if c.SSL != nil && *c.SSL {
		mode = "verify-full"
	} else if c.SSL != nil {
		mode = "disable"
	}
	if mode != "" {
		text = withSSLMode(text, mode)
	}
	config, err := pgxpool.ParseConfig(text)
	if err != nil {
		return nil, fmt.Errorf("%w: postgres: %w", s3db.ErrConfig, err) // pgx leaves the password out
	}
	params := config.ConnConfig.RuntimeParams
	if params["application_name"] == "" {
		params["application_name"] = "s3db-replicator"
	}
	params["timezone"] = "UTC" // of texts that are cast to and from instants
	return config, nil
}

// url puts the single parameters into a connection string.
func (c *Config) url() string {
	u := url.URL{Scheme: "postgres", Path: "/" + c.Database}
	switch {
	case c.Password != "":
		u.User = url.UserPassword(c.User, c.Password)
	case c.User != "":
		u.User = url.User(c.User)
	}
	query := url.Values{}
	if strings.HasPrefix(c.Host, "/") { // the directory of a socket
		query.Set("host", c.Host)
	} else {
		u.Host = c.Host
	}
	if c.Port != 0 {
		if u.Host == "" {
			query.Set("port", strconv.Itoa(c.Port))
		} else {
			u.Host = net.JoinHostPort(c.Host, strconv.Itoa(c.Port))
		}
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// withSSLMode adds a parameter to a connection string of either form.
func withSSLMode(text, mode string) string {
	if !strings.HasPrefix(text, "postgres://") && !strings.HasPrefix(text, "postgresql://") {
		return text + " sslmode=" + mode
	}
	separator := "?"
	if strings.Contains(text, "?") {
		separator = "&"
	}
	return text + separator + "sslmode=" + mode
}
