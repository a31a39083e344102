package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/command"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/config"
)

// seed is the configuration of the README of s3db.js: all four drivers with their
// settings, and the one that has no library.
const seed = "../../config/testdata/seed.yaml"

// TestSeed makes the targets of the example by the real drivers, with every setting that
// it names.
func TestSeed(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(seed)
	if err != nil {
		t.Fatal(err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	vars := map[string]string{
		"DATABASE_URL": "s3://bucket/shop", "BACKUP_KEY": "AK", "BACKUP_SECRET": "SK", "PGPASSWORD": "pw",
		"BIGQUERY_KEY": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	}
	c, found := config.Read(seed, text, program().Drivers, func(name string) (string, bool) { v, ok := vars[name]; return v, ok })
	if len(found) > 0 {
		t.Fatal(found)
	}
	for _, x := range c.Options.Targets {
		if err := x.Target.Close(); err != nil {
			t.Error(err)
		}
	}
	if want := []string{"s3db", "sqs", "bigquery", "postgres"}; !slices.Equal(c.Drivers, want) {
		t.Errorf("drivers %v, want %v", c.Drivers, want)
	}
	if r := c.Options.Targets[2].Routes["products"]; len(r) != 1 || r[0].To != "products_table" || !slices.Equal(r[0].Actions, []replicator.Action{replicator.Insert}) {
		t.Errorf("the short form: %v", r)
	}
}

// TestPage reads the example of docs/replication.md.
func TestPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../../docs/replication.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```yaml replicate\n")
	text, _, ok := strings.Cut(rest, "```\n")
	if !ok {
		t.Fatal("the page has no block of yaml replicate")
	}
	c, found := config.Read("replicate.yaml", []byte(text), program().Drivers, func(string) (string, bool) { return "a-secret-of-24-characters", true })
	if len(found) > 0 {
		t.Fatal(found)
	}
	for _, x := range c.Options.Targets {
		if err := x.Target.Close(); err != nil {
			t.Error(err)
		}
	}
	if len(c.Options.Targets) != 4 {
		t.Errorf("%d targets", len(c.Options.Targets))
	}
}

// TestMistakes: what each driver refuses is told at its place.
func TestMistakes(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]string{
		"driver: sqs, config: {queueUrl: 'https://sqs.eu-west-1.amazonaws.com/1/q', defaultQueueUrl: x}": "say the same",
		"driver: sqs, config: {queueUrls: x}":                                                               `unknown key "queueUrls"`,
		"driver: postgres, config: {connectionString: 'postgres://h/db', host: x}":                          "S3D0704",
		"driver: postgres, config: {port: 70000}":                                                           "port must be a whole number from 1 to 65535",
		"driver: bigquery, config: {projectId: my-project, datasetId: a-b, credentials: {client_email: x}}": "datasetId",
		"driver: bigquery, config: {projectId: my-project, datasetId: ab, mode: update}":                    "mode must be one of merge, append",
		"driver: webhook, config: {url: 'http://example.com', secret: a secret of 24 characters}":           "in the clear",
		"driver: webhook, config: {}":                                                                       "config has no url",
	} {
		file := filepath.Join(t.TempDir(), "replicate.yaml")
		if err := os.WriteFile(file, []byte("database: file://./x.db\nreplicators:\n  - {resources: [a], "+config+"}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if code := command.Run(t.Context(), "s3dbgen-replicate", program(), []string{"test", "-c", file}, &out, &out); code != 2 || !strings.Contains(out.String(), want) || !strings.Contains(out.String(), file+":3:") {
			t.Errorf("%s: exit code %d\n%s", config, code, out.String())
		}
	}
}
