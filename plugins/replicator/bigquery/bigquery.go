// Package bigquery replicates documents to tables of Google BigQuery.
//
// Rows come by load jobs, which cost nothing and are all or nothing. In the mode
// [Merge] a load goes to a table of its own, and a MERGE takes from there what is newer
// than the row of the same document, by the column _seq; so a change that comes twice or
// late has no effect. In the mode [Append] every change becomes a row, and a view shows
// the latest of each document. The id of a job is a hash of what it does, so that a job
// whose reply was lost is found again and not run twice.
//
// README.md tells which types become which columns, and what the tests cannot show.
package bigquery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/jwt"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Mode says what a table holds.
type Mode int

// The modes.
const (
	// Merge: one row for each document, the latest. Those of deleted ones remain, without
	// values, with the action "delete".
	Merge Mode = iota
	// Append: a row for each change. One load job a batch and no query.
	Append
)

// Columns says what the columns of tables are.
type Columns int

// The kinds of columns.
const (
	// Typed: a column for each attribute.
	Typed Columns = iota
	// JSON: one column, data, with the document.
	JSON
)

// Config says where to replicate to. ProjectID, DatasetID, and Credentials or
// TokenSource are required.
type Config struct {
	ProjectID string
	DatasetID string // it must exist
	// Location is that of the dataset, such as "EU" or "us-east1"; "" asks BigQuery.
	Location    string
	Credentials Credentials
	// TokenSource gives access tokens instead of Credentials, for other ways to sign in.
	TokenSource oauth2.TokenSource

	// TableID is the table of resources whose routes name none, with Columns JSON, since
	// it holds several; "" gives each resource a table of its name.
	TableID string
	// LogTable is a table that gets every change as a row; "" for none.
	LogTable string
	Mode     Mode
	Columns  Columns

	// AttemptTimeout ends one request; 0: a minute.
	AttemptTimeout time.Duration
	// JobTimeout ends the wait for one job; 0: ten minutes. The job goes on, and is found
	// when its changes are sent again.
	JobTimeout time.Duration
	// Attempts is how often a request or a job that failed for a passing reason is tried;
	// 0: 6 times.
	Attempts int

	// Endpoint is the URL of another server of the API; "" for Google's.
	Endpoint string
	// HTTPClient sends the requests; nil: a client of its own.
	HTTPClient *http.Client
}

// Credentials are those of a service account, by the names of its key file. It needs the
// roles BigQuery Data Editor on the dataset and BigQuery Job User on the project.
type Credentials struct {
	ClientEmail string
	PrivateKey  string // PKCS #8 in PEM
	TokenURI    string // "" for Google's
}

// Format implements fmt.Formatter: the key never prints.
func (c Credentials) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "{%s [redacted]}", c.ClientEmail)
}

const (
	googleEndpoint = "https://bigquery.googleapis.com"
	googleToken    = "https://oauth2.googleapis.com/token"
	scope          = "https://www.googleapis.com/auth/bigquery"
)

// Target is a [replicator.Target] and a [replicator.Lister]. It is safe for concurrent
// use.
type Target struct {
	config   Config
	base     string
	client   *http.Client
	tokens   *tokens
	pace     pace
	page     int // rows that one request reads
	prepared atomic.Pointer[prepared]
	location atomic.Pointer[string]
}

var (
	_ replicator.Target = (*Target)(nil)
	_ replicator.Lister = (*Target)(nil)
)

// Names that BigQuery allows for projects and datasets, and those that this package
// allows for tables: https://cloud.google.com/bigquery/docs/tables#table_naming.
var (
	projectName = regexp.MustCompile(`^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$`)
	tableName   = regexp.MustCompile(`^[A-Za-z0-9_]+$`)
)

// New returns a target. It sends no request. Errors match s3db.ErrConfig.
func New(config Config) (*Target, error) {
	for _, x := range []struct {
		what, value string
		pattern     *regexp.Regexp
		optional    bool
	}{
		{"projectId", config.ProjectID, projectName, false},
		{"datasetId", config.DatasetID, tableName, false},
		{"tableId", config.TableID, tableName, true},
		{"logTable", config.LogTable, tableName, true},
	} {
		if x.value == "" && x.optional {
			continue
		}
		if !x.pattern.MatchString(x.value) {
			return nil, configError("%s %q is not a name that BigQuery allows", x.what, x.value)
		}
	}
	if config.TableID != "" && config.TableID == config.LogTable {
		return nil, configError("tableId and logTable are the same table, %q", config.TableID)
	}
	endpoint, err := url.Parse(cmp.Or(config.Endpoint, googleEndpoint))
	if err != nil || endpoint.Host == "" {
		return nil, configError("the endpoint is no URL")
	}
	config.AttemptTimeout = cmp.Or(config.AttemptTimeout, time.Minute)
	config.JobTimeout = cmp.Or(config.JobTimeout, 10*time.Minute)
	config.Attempts = cmp.Or(config.Attempts, 6)
	t := &Target{config: config, base: endpoint.String(), client: config.HTTPClient, pace: defaultPace(), page: 10_000}
	if t.client == nil {
		t.client = &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()} //nolint:forcetypeassert // the standard library says so
	}
	if t.tokens, err = newTokens(config, t.client); err != nil {
		return nil, err
	}
	if config.Location != "" {
		t.location.Store(&config.Location)
	}
	return t, nil
}

func configError(format string, args ...any) error {
	return fmt.Errorf("%w: bigquery: "+format, append([]any{s3db.ErrConfig}, args...)...)
}

func newTokens(config Config, client *http.Client) (*tokens, error) {
	if config.TokenSource != nil {
		return &tokens{source: func(context.Context) oauth2.TokenSource { return config.TokenSource }}, nil
	}
	c := config.Credentials
	if c.ClientEmail == "" || c.PrivateKey == "" {
		return nil, configError("credentials need client_email and private_key")
	}
	if err := checkKey(c.PrivateKey); err != nil {
		return nil, err
	}
	sign := jwt.Config{Email: c.ClientEmail, PrivateKey: []byte(c.PrivateKey), Scopes: []string{scope}, TokenURL: cmp.Or(c.TokenURI, googleToken)}
	return &tokens{source: func(ctx context.Context) oauth2.TokenSource {
		return sign.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, client))
	}}, nil
}

// Test implements [replicator.Target]. It asks for the dataset and plans a query, which
// needs the right to run jobs. Whether rows may be written, only writing shows.
func (t *Target) Test(ctx context.Context) error {
	location, err := t.datasetLocation(ctx)
	if err != nil {
		return err
	}
	if want := t.config.Location; want != "" && want != location {
		return configError("dataset %s is in location %s, the configuration says %s", t.config.DatasetID, location, want)
	}
	body := map[string]any{
		"configuration": map[string]any{"dryRun": true, "query": map[string]any{"query": "SELECT 1", "useLegacySql": false}},
		"jobReference":  map[string]any{"projectId": t.config.ProjectID, "location": location},
	}
	return t.call(ctx, request{method: http.MethodPost, path: t.projectPath("jobs"), body: body}, nil)
}

// datasetLocation asks where the dataset is.
func (t *Target) datasetLocation(ctx context.Context) (string, error) {
	var reply struct{ Location string }
	err := t.call(ctx, request{method: http.MethodGet, path: t.datasetPath()}, &reply)
	if e, ok := errors.AsType[*apiError](err); ok && e.status == http.StatusNotFound {
		return "", fmt.Errorf("bigquery: dataset %s of project %s does not exist or is not shared with the service account: %w", t.config.DatasetID, t.config.ProjectID, err)
	}
	if err != nil {
		return "", err
	}
	return reply.Location, nil
}

// where returns the location of jobs.
func (t *Target) where(ctx context.Context) (string, error) {
	if l := t.location.Load(); l != nil {
		return *l, nil
	}
	l, err := t.datasetLocation(ctx)
	if err == nil {
		t.location.Store(&l)
	}
	return l, err
}

// Close implements [replicator.Target].
func (t *Target) Close() error {
	if t.config.HTTPClient == nil {
		t.client.CloseIdleConnections()
	}
	return nil
}
