package bigquery_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/leaktest"
	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/bigquery"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/bigquery/internal/bqdouble"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/targettest"
)

func TestMain(m *testing.M) { leaktest.Tests{M: m}.Main() }

const (
	project   = "my-project"
	datasetID = "analytics"
)

// place is a dataset of the double.
type place struct {
	double *bqdouble.Double
	config bigquery.Config
}

func newPlace(t *testing.T, change func(*bigquery.Config)) *place {
	t.Helper()
	d := bqdouble.New(t)
	d.AddDataset(project, datasetID, "EU")
	p := &place{double: d, config: bigquery.Config{
		ProjectID: project, DatasetID: datasetID, Location: "EU", Endpoint: d.URL,
		Credentials: bigquery.Credentials{ClientEmail: bqdouble.Email, PrivateKey: d.PrivateKey(), TokenURI: d.TokenURL()},
	}}
	if change != nil {
		change(&p.config)
	}
	return p
}

func (p *place) open(t *testing.T) *bigquery.Target {
	t.Helper()
	target, err := bigquery.New(p.config)
	if err != nil {
		t.Fatal(err)
	}
	target.Hurry()
	return target
}

// Open implements [targettest.Place].
func (p *place) Open(t *testing.T) replicator.Target { return p.open(t) }

// Poison implements [targettest.Place].
func (p *place) Poison(c *replicator.Change) bool {
	c.After = json.RawMessage(`{"id":"bad","name":5}`)
	if p.config.Columns == bigquery.JSON || p.config.TableID != "" {
		// Nothing in the driver knows this limit of BigQuery.
		c.After = json.RawMessage(`{"id":"bad","deep":` + strings.Repeat("[", 600) + strings.Repeat("]", 600) + `}`)
	}
	return true
}

// Documents implements [targettest.Place]: the rows of the view as documents.
func (p *place) Documents(t *testing.T, resource string) map[string]json.RawMessage {
	t.Helper()
	name := resource
	if p.config.TableID != "" {
		name = p.config.TableID
	}
	docs := map[string]json.RawMessage{}
	for _, row := range p.double.Rows(project, datasetID, name+"_current") {
		id := fmt.Sprint(row["id"])
		if data, ok := row["data"].(string); ok {
			docs[id] = json.RawMessage(data)
			continue
		}
		for column, v := range row {
			if list, ok := v.([]any); strings.HasPrefix(column, "_") || v == nil || ok && len(list) == 0 {
				delete(row, column)
			}
		}
		text, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		docs[id] = text
	}
	return docs
}

func TestTarget(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*bigquery.Config){
		"merge":     nil,
		"append":    func(c *bigquery.Config) { c.Mode = bigquery.Append },
		"json":      func(c *bigquery.Config) { c.Columns = bigquery.JSON },
		"one table": func(c *bigquery.Config) { c.TableID = "s3db_replicator" },
		"log":       func(c *bigquery.Config) { c.LogTable = "s3db_replicator_log" },
		"slow jobs": func(c *bigquery.Config) { c.AttemptTimeout = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			targettest.Run(t, func(t *testing.T) targettest.Place {
				p := newPlace(t, change)
				if name == "slow jobs" {
					p.double.Poll(2)
				}
				return p
			})
		})
	}
}
