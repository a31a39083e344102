package bqdouble_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/jwt"

	"github.com/s3dbgen/s3dbgen/plugins/replicator/bigquery/internal/bqdouble"
)

func client(t *testing.T, d *bqdouble.Double) *http.Client {
	t.Helper()
	config := jwt.Config{Email: bqdouble.Email, PrivateKey: []byte(d.PrivateKey()), Scopes: []string{"https://www.googleapis.com/auth/bigquery"}, TokenURL: d.TokenURL()}
	return oauth2.NewClient(t.Context(), config.TokenSource(t.Context()))
}

// send sends a request and returns the status and the first reason of the reply.
func send(t *testing.T, c *http.Client, method, target, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var reply struct {
		Error struct {
			Errors []struct{ Reason, Message string }
		}
	}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &reply); err != nil {
			t.Fatal(err)
		}
	}
	if len(reply.Error.Errors) == 0 {
		return resp.StatusCode, ""
	}
	return resp.StatusCode, reply.Error.Errors[0].Reason + ": " + reply.Error.Errors[0].Message
}

// TestRefuses: what Google's document does not have is refused, and so is what the
// closed sets, which it does not write down, do not have.
func TestRefuses(t *testing.T) {
	t.Parallel()
	d := bqdouble.New(t)
	d.AddDataset("my-project", "analytics", "EU")
	c := client(t, d)
	const tables = "/bigquery/v2/projects/my-project/datasets/analytics/tables"
	const jobs = "/bigquery/v2/projects/my-project/jobs"
	reference := `"tableReference":{"projectId":"my-project","datasetId":"analytics","tableId":"users"}`
	field := func(f string) string { return `{` + reference + `,"schema":{"fields":[` + f + `]}}` }
	query := func(statement string) string {
		text, _ := json.Marshal(statement)
		return `{"configuration":{"dryRun":true,"query":{"useLegacySql":false,"query":` + string(text) + `}}}`
	}
	for name, test := range map[string]struct{ method, path, body, want string }{
		"method":              {"POST", "/bigquery/v2/projects/my-project/nothing", "{}", "no method"},
		"parameter":           {"GET", tables + "/users?veiw=BASIC", "", "Unknown name"},
		"value of parameter":  {"GET", tables + "/users?view=ALL", "", "not one of"},
		"member":              {"POST", tables, `{"tableRef":{}}`, "Unknown name"},
		"type of member":      {"POST", tables, `{` + reference + `,"description":5}`, "no string"},
		"64-bit number":       {"POST", tables, `{` + reference + `,"expirationTime":"soon"}`, "not a number"},
		"no JSON":             {"POST", tables, `{`, "parseError"},
		"type of column":      {"POST", tables, field(`{"name":"a","type":"TEXT"}`), "TEXT is not a valid value"},
		"mode of column":      {"POST", tables, field(`{"name":"a","type":"STRING","mode":"OPTIONAL"}`), "OPTIONAL is not a valid value"},
		"name of column":      {"POST", tables, field(`{"name":"a-b","type":"STRING"}`), "Invalid field name"},
		"reserved name":       {"POST", tables, field(`{"name":"_partitiontime","type":"STRING"}`), "Invalid field name"},
		"column twice":        {"POST", tables, field(`{"name":"a","type":"STRING"},{"name":"A","type":"STRING"}`), "Duplicate field name"},
		"job of no kind":      {"POST", jobs, `{"configuration":{}}`, "exactly one kind"},
		"id of job":           {"POST", jobs, `{"jobReference":{"jobId":"a b"},` + query("SELECT 1")[1:], "Invalid job ID"},
		"statement":           {"POST", jobs, query("DROP TABLE `my-project.analytics.users`"), "Expected SELECT or MERGE"},
		"two statements":      {"POST", jobs, query("SELECT 1; SELECT 1"), "Unexpected"},
		"unknown table":       {"POST", jobs, query("SELECT * FROM `my-project.analytics.nothing`"), "Not found: Table"},
		"unknown column":      {"POST", jobs, query("SELECT nothing FROM `my-project.analytics.there`"), "Unrecognized name"},
		"types of comparison": {"POST", jobs, query("SELECT id FROM `my-project.analytics.there` WHERE id > 5"), "No matching signature"},
		"no condition":        {"POST", jobs, query("SELECT id FROM `my-project.analytics.there` WHERE id"), "should return type BOOL"},
		"names in quotes":     {"POST", jobs, query("SELECT id FROM analytics.there"), "project.dataset.table"},
		"assigned type": {"POST", jobs, query("MERGE `my-project.analytics.there` T USING `my-project.analytics.there` S ON T.id = S.id " +
			"WHEN MATCHED THEN UPDATE SET n = S.id WHEN NOT MATCHED THEN INSERT (id) VALUES (S.id)"), "cannot be assigned"},
	} {
		t.Run(name, func(t *testing.T) {
			send(t, c, "POST", d.URL+tables, `{"tableReference":{"projectId":"my-project","datasetId":"analytics","tableId":"there"},"schema":{"fields":[{"name":"id","type":"STRING"},{"name":"n","type":"INT64"}]}}`)
			status, reason := send(t, c, test.method, d.URL+test.path, test.body)
			if status < 400 || !strings.Contains(reason, test.want) {
				t.Errorf("%d %s, want %q", status, reason, test.want)
			}
		})
	}
	if status, _ := send(t, http.DefaultClient, "GET", d.URL+tables+"/there", ""); status != http.StatusUnauthorized {
		t.Errorf("without a token: %d", status)
	}
	resp, err := http.PostForm(d.TokenURL(), url.Values{"grant_type": {"password"}})
	if err != nil {
		t.Fatal(err)
	}
	if resp.Body.Close(); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("another grant: %d", resp.StatusCode)
	}
}
