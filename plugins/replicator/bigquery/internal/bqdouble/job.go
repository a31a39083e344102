package bqdouble

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// job runs by itself: what it does is done whether or not anybody asks for it. It ends
// DONE with HTTP 200, also when it failed: errorResult says so.
type job struct {
	id, location  string
	configuration map[string]any
	media         []byte
	held          bool // it begins when Release is called
	polls         int  // replies that do not say DONE yet
	done          bool
	failed        *failure
	details       []any // status.errors
	result        *result
	statistics    map[string]any
	created       time.Time
}

var jobID = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func (d *Double) jobsInsert(c *call) (any, *failure) {
	if f := only(c.body, "configuration", "jobReference", "kind"); f != nil {
		return nil, f
	}
	configuration := object(c.body["configuration"])
	ref := c.body["jobReference"]
	if p := text(ref, "projectId"); p != "" && p != c.params["projectId"] {
		return nil, invalid("the reference of the job does not match the path")
	}
	j := &job{id: text(ref, "jobId"), location: text(ref, "location"), configuration: configuration, media: c.media}
	dry, _ := configuration["dryRun"].(bool)
	if j.id == "" {
		d.generated++
		j.id = fmt.Sprintf("job_generated_%d", d.generated)
	}
	if !jobID.MatchString(j.id) || len(j.id) > maxName {
		return nil, invalid("Invalid job ID %q", j.id)
	}
	if f := d.checkJob(j, c); f != nil {
		return nil, f
	}
	if j.location == "" {
		j.location = d.locationOf(configuration)
	}
	key := c.params["projectId"] + ":" + j.location + "." + j.id
	if d.jobs[key] != nil && !dry {
		return nil, duplicate("Job", "%s", key)
	}
	j.created = d.now()
	j.held, j.polls = d.hold, d.polls
	if dry {
		j.polls, j.held = 0, false
		d.run(j, true)
		if j.failed != nil {
			return nil, j.failed
		}
		return j.resource(c.params["projectId"]), nil
	}
	d.jobs[key] = j
	if j.held {
		d.waiting = append(d.waiting, j)
	} else {
		d.run(j, false)
	}
	return j.resource(c.params["projectId"]), nil
}

// checkJob refuses configurations that the API refuses, or that this double would not
// follow. The document has these closed sets as plain texts:
// https://cloud.google.com/bigquery/docs/reference/rest/v2/Job.
func (d *Double) checkJob(j *job, c *call) *failure {
	if f := only(j.configuration, "load", "query", "dryRun", "labels", "jobType"); f != nil {
		return f
	}
	load, query := object(j.configuration["load"]), object(j.configuration["query"])
	switch {
	case (load == nil) == (query == nil):
		return &failure{Status: http.StatusBadRequest, Reason: "required", Message: "Required parameter is missing: exactly one kind of job"}
	case query != nil && c.upload:
		return invalid("only load jobs have an upload")
	case query != nil:
		return checkQuery(query)
	case !c.upload:
		return unknown("load jobs without an upload")
	}
	return checkLoad(load)
}

func checkQuery(query map[string]any) *failure {
	if f := only(query, "query", "useLegacySql", "priority", "useQueryCache", "maximumBytesBilled", "parameterMode", "queryParameters"); f != nil {
		return f
	}
	if _, f := readParameters(query); f != nil {
		return f
	}
	if legacy, ok := query["useLegacySql"].(bool); !ok || legacy {
		return unknown("legacy SQL, which is the default of queries")
	}
	return oneOf(query, "priority", "INTERACTIVE", "BATCH")
}

// readParameters reads the named parameters of a query, by name in lower case.
func readParameters(query map[string]any) (map[string]literal, *failure) {
	list, _ := query["queryParameters"].([]any)
	if (text(query, "parameterMode") == "NAMED") != (len(list) > 0) {
		return nil, invalid("named parameters need parameterMode NAMED, and the double knows no other")
	}
	parameters := map[string]literal{}
	for _, x := range list {
		kind, value := text(member(x, "parameterType"), "type"), member(member(x, "parameterValue"), "value")
		if f := only(object(x), "name", "parameterType", "parameterValue"); f != nil {
			return nil, f
		}
		s, isText := value.(string)
		if kind != typeString || !isText {
			return nil, unknown("a parameter of the type %q", kind)
		}
		parameters[strings.ToLower(text(x, "name"))] = literal{typeString, s}
	}
	return parameters, nil
}

func checkLoad(load map[string]any) *failure {
	if f := only(load, "destinationTable", "schema", "sourceFormat", "writeDisposition", "createDisposition", "maxBadRecords", "ignoreUnknownValues", "encoding", "schemaUpdateOptions"); f != nil {
		return f
	}
	for name, allowed := range map[string][]string{
		"writeDisposition":  {"WRITE_TRUNCATE", "WRITE_TRUNCATE_DATA", "WRITE_APPEND", "WRITE_EMPTY"},
		"createDisposition": {"CREATE_IF_NEEDED", "CREATE_NEVER"},
		"sourceFormat":      {"CSV", "DATASTORE_BACKUP", "NEWLINE_DELIMITED_JSON", "AVRO", "PARQUET", "ORC"},
		"encoding":          {"UTF-8", "ISO-8859-1", "UTF-16BE", "UTF-16LE", "UTF-32BE", "UTF-32LE"},
	} {
		if f := oneOf(load, name, allowed...); f != nil {
			return f
		}
	}
	if text(load, "sourceFormat") != "NEWLINE_DELIMITED_JSON" {
		return unknown("load jobs of the format %q", text(load, "sourceFormat"))
	}
	if options, _ := load["schemaUpdateOptions"].([]any); len(options) > 0 {
		return unknown("schemaUpdateOptions")
	}
	if n := fmt.Sprint(load["maxBadRecords"]); load["maxBadRecords"] != nil && n != "0" {
		return unknown("maxBadRecords %s", n)
	}
	if ignore, _ := load["ignoreUnknownValues"].(bool); ignore {
		return unknown("ignoreUnknownValues")
	}
	return nil
}

func oneOf(m map[string]any, name string, allowed ...string) *failure {
	if v := text(m, name); v != "" && !slices.Contains(allowed, v) {
		return invalid("Invalid value for %s: %s is not a valid value", name, v)
	}
	return nil
}

// locationOf is where a job without a location runs: where its tables are.
func (d *Double) locationOf(configuration map[string]any) string {
	destination := member(configuration["load"], "destinationTable")
	if ds := d.datasets[text(destination, "projectId")+":"+text(destination, "datasetId")]; ds != nil {
		return ds.location
	}
	for _, s := range sourcesOf(object(configuration["query"])) {
		if ds := d.datasets[s.project+":"+s.dataset]; ds != nil {
			return ds.location
		}
	}
	return "US"
}

// sourcesOf returns the tables that a statement names.
func sourcesOf(query map[string]any) []*source {
	parameters, f := readParameters(query)
	if f != nil {
		return nil
	}
	q, m, f := parseStatement(text(query, "query"), parameters)
	if f != nil {
		return nil
	}
	var list []*source
	if m != nil {
		list = append(list, m.target)
		if m.using.query != nil {
			q = m.using.query
		} else {
			list = append(list, m.using)
		}
	}
	for q != nil && q.from != nil {
		if q.from.query == nil {
			list = append(list, q.from)
		}
		q = q.from.query
	}
	return list
}

// run does what a job is for.
func (d *Double) run(j *job, dry bool) {
	j.done = true
	j.statistics = map[string]any{"creationTime": millis(d.now()), "startTime": millis(d.now()), "endTime": millis(d.now())}
	if i := slices.IndexFunc(d.jobFaults, func(f *JobFault) bool { return f.matches(j) }); i >= 0 && !dry {
		f := d.jobFaults[i]
		if f.Times--; f.Times == 0 {
			d.jobFaults = slices.Delete(d.jobFaults, i, i+1)
		}
		j.failed = &failure{Reason: f.Reason, Message: f.Message}
		return
	}
	if load := object(j.configuration["load"]); load != nil {
		j.failed, j.details = d.load(j, load)
		return
	}
	j.failed = d.runQuery(j, object(j.configuration["query"]), dry)
}

func (d *Double) runQuery(j *job, query map[string]any, dry bool) *failure {
	parameters, f := readParameters(query)
	if f != nil {
		return f
	}
	q, m, f := parseStatement(text(query, "query"), parameters)
	if f != nil {
		return f
	}
	for _, s := range sourcesOf(query) {
		if ds := d.datasets[s.project+":"+s.dataset]; ds == nil || ds.location != j.location {
			return notFound("Dataset", "%s:%s was not found in location %s", s.project, s.dataset, j.location)
		}
	}
	kind := "SELECT"
	details := map[string]any{}
	if q != nil {
		if j.result, f = d.query(q); f != nil {
			return f
		}
	} else {
		inserted, updated, f := d.merge(m, dry)
		if f != nil {
			return f
		}
		kind = "MERGE"
		j.result = &result{}
		details["numDmlAffectedRows"] = strconv.Itoa(inserted + updated)
		details["dmlStats"] = map[string]any{"insertedRowCount": strconv.Itoa(inserted), "updatedRowCount": strconv.Itoa(updated), "deletedRowCount": "0"}
	}
	details["statementType"] = kind
	details["totalBytesProcessed"] = "0"
	j.statistics["query"] = details
	return nil
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

// state is what the next reply says of a job.
func (j *job) state() string {
	switch {
	case j.held:
		return "PENDING"
	case j.polls > 0:
		return "RUNNING"
	}
	return "DONE"
}

// resource is the Job of the API.
func (j *job) resource(project string) map[string]any {
	status := map[string]any{"state": j.state()}
	statistics := map[string]any{"creationTime": millis(j.created)}
	if j.state() == "DONE" {
		statistics = j.statistics
		if j.failed != nil {
			status["errorResult"] = j.failed.proto()
			status["errors"] = append([]any{j.failed.proto()}, j.details...)
		}
	}
	configuration := map[string]any{"jobType": "QUERY"}
	maps.Copy(configuration, j.configuration)
	if configuration["load"] != nil {
		configuration["jobType"] = "LOAD"
	}
	return map[string]any{
		"kind": "bigquery#job", "id": project + ":" + j.location + "." + j.id, "status": status, "statistics": statistics, "configuration": configuration,
		"jobReference": map[string]any{"projectId": project, "jobId": j.id, "location": j.location},
	}
}

// jobOf finds the job of a request. Without a location only US and EU are searched.
func (d *Double) jobOf(c *call) (*job, *failure) {
	locations := []string{c.params["location"]}
	if locations[0] == "" {
		locations = []string{"US", "EU"}
	}
	for _, l := range locations {
		if j := d.jobs[c.params["projectId"]+":"+l+"."+c.params["jobId"]]; j != nil {
			return j, nil
		}
	}
	return nil, notFound("Job", "%s:%s", c.params["projectId"], c.params["jobId"])
}

func (d *Double) jobsGet(c *call) (any, *failure) {
	j, f := d.jobOf(c)
	if f != nil {
		return nil, f
	}
	reply := j.resource(c.params["projectId"])
	j.polls = max(0, j.polls-1)
	return reply, nil
}

func (d *Double) jobsCancel(c *call) (any, *failure) {
	j, f := d.jobOf(c)
	if f != nil {
		return nil, f
	}
	if j.held {
		d.waiting = slices.DeleteFunc(d.waiting, func(w *job) bool { return w == j })
		j.held, j.done, j.statistics = false, true, map[string]any{"creationTime": millis(j.created)}
		j.failed = &failure{Reason: "stopped", Message: "Job execution was cancelled: User requested cancellation"}
	}
	return map[string]any{"kind": "bigquery#jobCancelResponse", "job": j.resource(c.params["projectId"])}, nil
}

// getQueryResults answers the rows of a query. A job that failed fails this request as
// well.
func (d *Double) getQueryResults(c *call) (any, *failure) {
	j, f := d.jobOf(c)
	if f != nil {
		return nil, f
	}
	if j.configuration["query"] == nil {
		return nil, invalid("Cannot get the results of a job of type LOAD")
	}
	reply := map[string]any{
		"kind": "bigquery#getQueryResultsResponse", "jobComplete": j.state() == "DONE",
		"jobReference": map[string]any{"projectId": c.params["projectId"], "jobId": j.id, "location": j.location},
	}
	if j.state() != "DONE" {
		j.polls = max(0, j.polls-1)
		return reply, nil
	}
	if j.failed != nil {
		failed := *j.failed
		failed.Status = http.StatusBadRequest
		return nil, &failed
	}
	maps.Copy(reply, j.result.page(c.params, c.params["formatOptions.useInt64Timestamp"] == "true"))
	reply["schema"] = (&table{columns: j.result.columns}).schema()
	return reply, nil
}

// jobsQuery runs a query and answers its rows at once.
func (d *Double) jobsQuery(c *call) (any, *failure) {
	if f := only(c.body, "query", "useLegacySql", "location", "parameterMode", "queryParameters", "requestId", "formatOptions", "maxResults", "timeoutMs", "kind", "useQueryCache", "jobCreationMode"); f != nil {
		return nil, f
	}
	configuration := map[string]any{"query": map[string]any{
		"query": c.body["query"], "useLegacySql": c.body["useLegacySql"], "parameterMode": c.body["parameterMode"], "queryParameters": c.body["queryParameters"],
	}}
	d.generated++
	j := &job{id: fmt.Sprintf("job_generated_%d", d.generated), location: text(c.body, "location"), configuration: configuration, created: d.now()}
	if f := checkQuery(object(configuration["query"])); f != nil {
		return nil, f
	}
	if j.location == "" {
		j.location = d.locationOf(configuration)
	}
	d.jobs[c.params["projectId"]+":"+j.location+"."+j.id] = j
	d.run(j, false)
	if j.failed != nil {
		failed := *j.failed
		failed.Status = http.StatusBadRequest
		return nil, &failed
	}
	micros, _ := member(c.body["formatOptions"], "useInt64Timestamp").(bool)
	params := map[string]string{}
	if n := c.body["maxResults"]; n != nil {
		params["maxResults"] = fmt.Sprint(n)
	}
	reply := j.result.page(params, micros)
	reply["kind"], reply["jobComplete"] = "bigquery#queryResponse", true
	reply["jobReference"] = map[string]any{"projectId": c.params["projectId"], "jobId": j.id, "location": j.location}
	reply["schema"] = (&table{columns: j.result.columns}).schema()
	return reply, nil
}
