// Package bqdouble is BigQuery as far as replication needs it, as an HTTP server on
// loopback: datasets, tables, views, streamed rows, load jobs, and queries in a small
// part of GoogleSQL.
//
// It is strict. A request is routed and checked by Google's own discovery document:
// methods, parameters, members and types that it does not have are refused. Members
// that the document allows and the double would not follow are refused as well, so
// that nothing is silently ignored. The closed sets that the document has as plain
// texts, and what BigQuery does, are rules by hand, each with its source. Replies are
// checked by the same document.
//
// It cannot show what only BigQuery knows: IAM and its delays, quotas by their real
// numbers, costs, slots and latency, the parts of GoogleSQL that it does not parse, and
// whatever Google's documentation does not say.
package bqdouble

import (
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Double is the server. Its methods are safe for concurrent use.
type Double struct {
	*httptest.Server
	t         testing.TB
	discovery *discovery
	key       *rsa.PrivateKey

	mu        sync.Mutex
	datasets  map[string]*dataset
	jobs      map[string]*job
	waiting   []*job // held
	tokens    map[string]bool
	generated int
	faults    []*Fault
	jobFaults []*JobFault
	hold      bool
	polls     int
	calls     []string
	down      bool
	clock     time.Duration // added to the time of day
}

// Fault makes requests fail.
type Fault struct {
	Method          string // such as "bigquery.jobs.insert"; "" for every one
	Times           int    // requests that it strikes
	Status          int    // of HTTP; 0 cuts the connection
	Reason, Message string
	RetryAfter      string // header
	After           bool   // the request is served, and only its reply is lost
	Hang            bool   // no reply comes until the client gives up
	Skip            int    // requests that it spares first
}

// JobFault makes jobs end with an error, with HTTP 200, as quotas and failures within
// BigQuery do.
type JobFault struct {
	Kind            string // "load" or "query"
	Times           int
	Reason, Message string
}

func (f *JobFault) matches(j *job) bool { return j.configuration[f.Kind] != nil }

// New starts a double that ends with the test.
func New(tb testing.TB) *Double {
	tb.Helper()
	doc, err := readDiscovery()
	if err != nil {
		tb.Fatal(err)
	}
	k, err := key()
	if err != nil {
		tb.Fatal(err)
	}
	d := &Double{t: tb, discovery: doc, key: k, datasets: map[string]*dataset{}, jobs: map[string]*job{}, tokens: map[string]bool{}}
	d.Server = httptest.NewServer(d)
	tb.Cleanup(d.Close)
	return d
}

// AddDataset creates a dataset in a location.
func (d *Double) AddDataset(project, id, location string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.addDataset(project, id, location)
}

// Inject makes requests fail from now on.
func (d *Double) Inject(f Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = append(d.faults, &f)
}

// InjectJob makes jobs fail from now on.
func (d *Double) InjectJob(f JobFault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.jobFaults = append(d.jobFaults, &f)
}

// Poll sets how many replies tell of a job that it is running.
func (d *Double) Poll(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.polls = n
}

// Down cuts all connections until it is up again.
func (d *Double) Down(down bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.down = down
}

// Hold keeps jobs from beginning until Release.
func (d *Double) Hold() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hold = true
}

// Release runs the jobs that were held, in the order they came in.
func (d *Double) Release() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hold = false
	for _, j := range d.waiting {
		j.held = false
		d.run(j, false)
	}
	d.waiting = nil
}

// ReleaseFirst runs the job that has been held for longest.
func (d *Double) ReleaseFirst() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.waiting) > 0 {
		d.waiting[0].held = false
		d.run(d.waiting[0], false)
		d.waiting = d.waiting[1:]
	}
}

// Pass holds no further jobs; those that are held wait on.
func (d *Double) Pass() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hold = false
}

// Waiting returns how many jobs are held.
func (d *Double) Waiting() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.waiting)
}

// Flush empties the streaming buffers into their tables.
func (d *Double) Flush() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, ds := range d.datasets {
		for _, t := range ds.tables {
			for _, r := range t.rows {
				r.streaming = false
			}
		}
	}
}

// Stream puts a row into the streaming buffer of a table, as a program beside the
// replicator might.
func (d *Double) Stream(project, datasetID, id, text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, f := d.find(project, datasetID, id)
	if f != nil {
		d.t.Error(f)
		return
	}
	r, err := t.read([]byte(text))
	if err != nil {
		d.t.Error(err)
		return
	}
	r.streaming = true
	t.rows = append(t.rows, r)
}

// Truncate removes the rows of a table, as a person might.
func (d *Double) Truncate(project, datasetID, id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, f := d.find(project, datasetID, id)
	if f != nil {
		d.t.Error(f)
		return
	}
	t.rows = nil
}

// Advance lets time pass, for tables that expire.
func (d *Double) Advance(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.clock += by
}

func (d *Double) now() time.Time { return time.Now().Add(d.clock) }

// Calls returns the methods that were called, in order.
func (d *Double) Calls() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.calls)
}

// Count returns how often a method was called.
func (d *Double) Count(method string) int {
	n := 0
	for _, c := range d.Calls() {
		if c == method {
			n++
		}
	}
	return n
}

// Tables returns the names of the tables and views of a dataset that have not expired.
func (d *Double) Tables(project, datasetID string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	ds := d.datasets[project+":"+datasetID]
	if ds == nil {
		return nil
	}
	var names []string
	for _, id := range slices.Sorted(maps.Keys(ds.tables)) {
		if t := ds.tables[id]; t.expires.IsZero() || t.expires.After(d.now()) {
			names = append(names, id)
		}
	}
	return names
}

// Columns returns the columns of a table or view: "name TYPE MODE".
func (d *Double) Columns(project, datasetID, id string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, f := d.find(project, datasetID, id)
	if f != nil {
		d.t.Error(f)
		return nil
	}
	var list []string
	for _, c := range t.columns {
		list = append(list, c.name+" "+c.typ+" "+c.mode)
	}
	return list
}

// Rows returns the rows of a table or view. NULL is nil; times, decimals and JSON are
// texts.
func (d *Double) Rows(project, datasetID, id string) []map[string]any {
	d.mu.Lock()
	defer d.mu.Unlock()
	res, f := d.open(&source{project: project, dataset: datasetID, table: id})
	if f != nil {
		d.t.Error(f)
		return nil
	}
	var rows []map[string]any
	for _, cells := range res.rows {
		m := map[string]any{}
		for i, c := range res.columns {
			m[c.name] = nil
			if i < len(cells) {
				m[c.name] = plain(c.typ, cells[i])
			}
		}
		rows = append(rows, m)
	}
	return rows
}

// ServeHTTP implements http.Handler.
func (d *Double) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if d.isDown() {
		cut(w)
		return
	}
	if r.URL.Path == tokenPath {
		d.serveToken(w, r)
		return
	}
	c, f := d.discovery.route(r)
	if f == nil {
		f = d.authorize(r)
	}
	if f == nil {
		f = d.readRequest(c, r)
	}
	var reply any
	lost := false
	if f == nil {
		reply, f, lost = d.answer(c)
	}
	if hang, _ := reply.(hanging); bool(hang) {
		<-r.Context().Done()
		return
	}
	if lost {
		cut(w)
		return
	}
	if f == nil && reply != nil {
		d.checkReply(c, reply)
	}
	d.reply(w, reply, f)
}

func (d *Double) isDown() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.down
}

// cut ends a connection without a reply.
func cut(w http.ResponseWriter) {
	if h, ok := w.(http.Hijacker); ok {
		if c, _, err := h.Hijack(); err == nil {
			_ = c.Close()
		}
	}
}

func (d *Double) reply(w http.ResponseWriter, reply any, f *failure) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	switch {
	case f != nil:
		if f.RetryAfter != "" {
			w.Header().Set("Retry-After", f.RetryAfter)
		}
		w.WriteHeader(f.Status)
		reply = f.body()
		if f.Status == http.StatusNotImplemented {
			d.t.Error(f.Message)
		}
	case reply == nil:
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if err := json.NewEncoder(w).Encode(reply); err != nil {
		d.t.Log(err) // the client has gone
	}
}

// checkReply proves that the double answers in the words of the document.
func (d *Double) checkReply(c *call, reply any) {
	text, err := json.Marshal(reply)
	if err != nil {
		d.t.Error(err)
		return
	}
	var v any
	if err := decodeJSON(text, &v); err != nil {
		d.t.Error(err)
	} else if problem := d.discovery.check(c.method.Response, "", v); problem != "" {
		d.t.Errorf("the double answers %s wrongly: %s", c.method.ID, problem)
	}
}

// answer does what a request asks for. lost is a reply that does not arrive.
func (d *Double) answer(c *call) (reply any, f *failure, lost bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	id := c.method.ID
	d.calls = append(d.calls, id)
	fault := d.strike(id)
	if fault != nil && fault.Hang {
		return hanging(true), nil, false
	}
	if fault != nil && !fault.After {
		if fault.Status == 0 {
			return nil, nil, true
		}
		return nil, &failure{Status: fault.Status, Reason: fault.Reason, Message: fault.Message, RetryAfter: fault.RetryAfter}, false
	}
	handlers := map[string]func(*call) (any, *failure){
		"datasets.get": d.datasetsGet, "datasets.insert": d.datasetsInsert,
		"tables.get": d.tablesGet, "tables.insert": d.tablesInsert, "tables.patch": d.tablesPatch, "tables.delete": d.tablesDelete,
		"tabledata.insertAll": d.insertAll, "tabledata.list": d.tabledataList,
		"jobs.insert": d.jobsInsert, "jobs.get": d.jobsGet, "jobs.cancel": d.jobsCancel, "jobs.query": d.jobsQuery, "jobs.getQueryResults": d.getQueryResults,
	}
	h := handlers[strings.TrimPrefix(id, "bigquery.")]
	if h == nil {
		return nil, unknown("the method %s", id), false
	}
	reply, f = h(c)
	return reply, f, fault != nil && f == nil
}

// hanging is a reply that never comes.
type hanging bool

// strike returns the fault that strikes a request.
func (d *Double) strike(method string) *Fault {
	for i, f := range d.faults {
		if f.Method != "" && f.Method != method {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		if f.Times--; f.Times <= 0 {
			d.faults = slices.Delete(d.faults, i, i+1)
		}
		return f
	}
	return nil
}
