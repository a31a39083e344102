package bigquery

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// List implements [replicator.Lister], with one query. Documents are listed from the
// table of the first route that takes all actions; without one the error matches
// s3db.ErrConfig.
func (t *Target) List(ctx context.Context, resource, after string) iter.Seq2[replicator.Listed, error] {
	return func(yield func(replicator.Listed, error) bool) {
		err := t.list(ctx, resource, after, func(x replicator.Listed) bool { return yield(x, nil) })
		if err != nil {
			yield(replicator.Listed{}, err)
		}
	}
}

func (t *Target) list(ctx context.Context, resource, after string, yield func(replicator.Listed) bool) error {
	w, err := t.whole(resource)
	if err != nil {
		return err
	}
	location, err := t.where(ctx)
	if err != nil {
		return err
	}
	parameters := []any{parameter("after", after)}
	condition := columnID + " > @after"
	if w.json {
		condition += " AND " + columnResource + " = @resource"
		parameters = append(parameters, parameter("resource", resource))
	}
	query := map[string]any{
		"query":        fmt.Sprintf("SELECT %s, %s, %s FROM %s WHERE %s ORDER BY %s", columnID, columnRevision, columnSeq, t.sqlName(w.name+viewSuffix), condition, columnID),
		"useLegacySql": false, "useQueryCache": false, "parameterMode": "NAMED", "queryParameters": parameters,
	}
	// Without an id of its own a request that is sent twice makes two jobs, which only
	// read.
	body := map[string]any{"configuration": map[string]any{"query": query}, "jobReference": map[string]any{"projectId": t.config.ProjectID, "location": location}}
	j := &job{}
	if err := t.call(ctx, request{method: http.MethodPost, path: t.projectPath("jobs"), body: body}, j); err != nil {
		return err
	}
	if j, err = t.wait(ctx, j, j.JobReference.JobID, location); err != nil {
		return err
	}
	if err := j.err(); err != nil {
		return err
	}
	return t.pages(ctx, j.JobReference.JobID, location, yield)
}

func parameter(name, value string) any {
	return map[string]any{"name": name, "parameterType": map[string]any{"type": "STRING"}, "parameterValue": map[string]any{"value": value}}
}

// whole returns the table that has all documents of a resource.
func (t *Target) whole(resource string) (*table, error) {
	p := t.prepared.Load()
	if p == nil || p.resources[resource] == nil {
		return nil, configError("nothing was prepared for resource %q", resource)
	}
	r := p.resources[resource]
	i := slices.IndexFunc(r.Routes, func(route replicator.Route) bool {
		return !slices.ContainsFunc(replicator.Actions(), func(a replicator.Action) bool { return !route.Takes(a) })
	})
	if i < 0 {
		return nil, configError("no table gets all changes of resource %s, so none can be compared with it", resource)
	}
	name, _ := t.tableOf(resource, r.Routes[i])
	return p.tables[name], nil
}

// pages reads the rows of a query.
func (t *Target) pages(ctx context.Context, id, location string, yield func(replicator.Listed) bool) error {
	query := url.Values{"location": {location}, "maxResults": {fmt.Sprint(t.page)}}
	for {
		var reply struct {
			PageToken string
			Rows      []struct{ F []struct{ V string } }
		}
		if err := t.call(ctx, request{method: http.MethodGet, path: t.projectPath("queries/" + id), query: query}, &reply); err != nil {
			return err
		}
		for _, row := range reply.Rows {
			if len(row.F) != 3 {
				return fmt.Errorf("bigquery: a row of three columns has %d", len(row.F))
			}
			seq, err := replicator.ParseSeq(row.F[2].V)
			if err != nil {
				return err
			}
			if !yield(replicator.Listed{ID: row.F[0].V, Revision: s3db.Revision(row.F[1].V), Seq: seq}) {
				return nil
			}
		}
		if reply.PageToken == "" {
			return nil
		}
		query.Set("pageToken", reply.PageToken)
	}
}
