package bqdouble

import (
	"bytes"
	"compress/gzip"
	_ "embed" // Google's description of the API
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// compressed is bigquery/v2/bigquery-api.json of the Go module google.golang.org/api
// without its descriptions, as Strip makes it. A test of the module testdata/official
// compares the two.
//
//go:embed bigquery-v2.json.gz
var compressed []byte

// Strip returns Google's discovery document without the texts for people, in the form
// that this package keeps.
func Strip(document []byte) ([]byte, error) {
	var doc map[string]any
	if err := json.Unmarshal(document, &doc); err != nil {
		return nil, err
	}
	return json.Marshal(stripped(doc))
}

func stripped(v any) any {
	switch x := v.(type) {
	case map[string]any:
		for name, value := range x {
			_, isText := value.(string)
			_, isList := value.([]any)
			if name == "description" && isText || name == "enumDescriptions" && isList {
				delete(x, name)
				continue
			}
			x[name] = stripped(value)
		}
	case []any:
		for i := range x {
			x[i] = stripped(x[i])
		}
	}
	return v
}

// Document returns the discovery document that requests and replies are checked
// against.
func Document() ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// The parts of a discovery document that say what a request may be:
// https://developers.google.com/discovery/v1/reference/apis.
type (
	discovery struct {
		Parameters map[string]*property
		Schemas    map[string]*property
		Resources  map[string]struct{ Methods map[string]*method }
		methods    []*method
	}
	method struct {
		ID          string
		HTTPMethod  string
		Path        string
		Parameters  map[string]*property
		Request     *property
		Response    *property
		MediaUpload *struct {
			Protocols map[string]struct{ Path string }
		}
		pattern, upload *regexp.Regexp
		names           []string // of the parameters in the path
	}
	property struct {
		Type       string
		Ref        string `json:"$ref"`
		Format     string
		Location   string
		Required   bool
		Repeated   bool
		ReadOnly   bool
		Pattern    string
		Enum       []string
		Properties map[string]*property
		Items      *property
		Additional *property `json:"additionalProperties"`
	}
)

func readDiscovery() (*discovery, error) {
	text, err := Document()
	if err != nil {
		return nil, err
	}
	d := &discovery{}
	if err := json.Unmarshal(text, d); err != nil {
		return nil, err
	}
	for _, r := range d.Resources {
		for _, m := range r.Methods {
			if m.pattern, m.names, err = pathPattern("/bigquery/v2/" + m.Path); err != nil {
				return nil, err
			}
			if m.MediaUpload != nil {
				if m.upload, _, err = pathPattern(m.MediaUpload.Protocols["simple"].Path); err != nil {
					return nil, err
				}
			}
			d.methods = append(d.methods, m)
		}
	}
	return d, nil
}

// pathPattern makes a pattern of a path template such as "projects/{+projectId}/jobs".
func pathPattern(template string) (*regexp.Regexp, []string, error) {
	var names []string
	var b strings.Builder
	b.WriteString("^")
	for template != "" {
		before, rest, found := strings.Cut(template, "{")
		b.WriteString(regexp.QuoteMeta(before))
		if !found {
			break
		}
		name, after, _ := strings.Cut(rest, "}")
		names = append(names, strings.TrimPrefix(name, "+"))
		b.WriteString("([^/]+?)")
		template = after
	}
	b.WriteString("$")
	p, err := regexp.Compile(b.String())
	return p, names, err
}

// call is a request that the document allows.
type call struct {
	method *method
	params map[string]string // of path and query
	upload bool
	body   map[string]any
	header http.Header
	media  []byte
	base   string // of the URL that the client dials
}

// route finds the method of a request and checks its parameters.
func (d *discovery) route(r *http.Request) (*call, *failure) {
	path := r.URL.EscapedPath()
	for _, m := range d.methods {
		if m.HTTPMethod != r.Method {
			continue
		}
		c := &call{method: m, params: map[string]string{}, header: r.Header, base: "http://" + r.Host}
		groups := m.pattern.FindStringSubmatch(path)
		if groups == nil && m.upload != nil {
			groups = m.upload.FindStringSubmatch(path)
			c.upload = groups != nil
		}
		if groups == nil {
			continue
		}
		for i, name := range m.names {
			value, err := url.PathUnescape(groups[i+1])
			if err != nil {
				return nil, invalid("the path is not escaped well")
			}
			c.params[name] = value
		}
		return c, d.query(c, r.URL.RawQuery)
	}
	return nil, &failure{Status: http.StatusNotFound, Reason: "notFound", Message: "no method " + r.Method + " " + path}
}

func (d *discovery) query(c *call, raw string) *failure {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return invalid("the query of the URL cannot be read")
	}
	for name, list := range values {
		p := c.method.Parameters[name]
		if p == nil {
			p = d.Parameters[name]
		}
		if p == nil || p.Location != "query" {
			return invalid("Invalid JSON payload received. Unknown name %q: Cannot bind query parameter.", name)
		}
		if len(list) > 1 && !p.Repeated {
			return invalid("parameter %q stands twice", name)
		}
		if problem := p.text(list[0]); problem != "" {
			return invalid("Invalid value for parameter %q: %s", name, problem)
		}
		c.params[name] = list[0]
	}
	for name, p := range c.method.Parameters {
		if _, given := c.params[name]; p.Required && !given {
			return &failure{Status: http.StatusBadRequest, Reason: "required", Message: "Required parameter is missing: " + name}
		}
	}
	return nil
}

// text checks the value of a parameter.
func (p *property) text(s string) string {
	var err error
	switch {
	case p.Type == "boolean" && s != "true" && s != "false":
		return "not a boolean"
	case p.Type == "integer" && p.Format == "uint32":
		_, err = strconv.ParseUint(s, 10, 32)
	case p.Type == "integer":
		_, err = strconv.ParseInt(s, 10, 32)
	case p.Format == "uint64":
		_, err = strconv.ParseUint(s, 10, 64)
	case p.Format == "int64":
		_, err = strconv.ParseInt(s, 10, 64)
	case len(p.Enum) > 0 && !slices.Contains(p.Enum, s):
		return "not one of " + strings.Join(p.Enum, ", ")
	}
	if err != nil {
		return "not a number of its kind"
	}
	return ""
}

// check says where a value is not what its property allows; "" when it is.
func (d *discovery) check(p *property, at string, v any) string {
	if p.Ref != "" {
		p = d.Schemas[p.Ref]
	}
	if v == nil {
		return "" // Google takes null as "not given"
	}
	switch p.Type {
	case "any":
		return ""
	case "object":
		return d.checkObject(p, at, v)
	case "array":
		list, ok := v.([]any)
		if !ok {
			return at + ": not a list"
		}
		for i, x := range list {
			if problem := d.check(p.Items, fmt.Sprintf("%s[%d]", at, i), x); problem != "" {
				return problem
			}
		}
		return ""
	}
	if problem := p.scalar(v); problem != "" {
		return at + ": " + problem
	}
	return ""
}

func (d *discovery) checkObject(p *property, at string, v any) string {
	object, ok := v.(map[string]any)
	if !ok {
		return at + ": not an object"
	}
	for name, value := range object {
		q := p.Properties[name]
		if q == nil {
			q = p.Additional
		}
		if q == nil {
			return fmt.Sprintf("Unknown name %q at %q: Cannot find field.", name, at)
		}
		if problem := d.check(q, strings.TrimPrefix(at+"."+name, "."), value); problem != "" {
			return problem
		}
	}
	return ""
}

// scalar checks a value of JSON. 64-bit integers travel as texts.
func (p *property) scalar(v any) string {
	var ok bool
	switch p.Type {
	case "boolean":
		_, ok = v.(bool)
	case "number":
		_, ok = v.(json.Number)
	case "integer":
		n, isNumber := v.(json.Number)
		ok = isNumber && p.text(n.String()) == ""
	case "string":
		s, isText := v.(string)
		if n, isNumber := v.(json.Number); isNumber && (p.Format == "int64" || p.Format == "uint64") {
			s, isText = n.String(), true
		}
		if !isText {
			break
		}
		if problem := p.text(s); problem != "" {
			return problem
		}
		return p.format(s)
	}
	if !ok {
		return fmt.Sprintf("%v is no %s", v, p.Type)
	}
	return ""
}

func (p *property) format(s string) string {
	var err error
	switch p.Format {
	case "byte":
		_, err = base64.StdEncoding.DecodeString(s)
	case "google-datetime", "date-time":
		_, err = time.Parse(time.RFC3339Nano, s)
	}
	if err != nil {
		return "is not of the format " + p.Format
	}
	return ""
}

// readBody parses the JSON of a request and checks it.
func (d *discovery) readBody(c *call, text []byte) *failure {
	if c.method.Request == nil {
		if len(text) > 0 {
			return invalid("%s takes no body", c.method.ID)
		}
		return nil
	}
	if problem := decodeJSON(text, &c.body); problem != nil {
		return &failure{Status: http.StatusBadRequest, Reason: "parseError", Message: "Parse Error: " + problem.Error()}
	}
	if problem := d.check(c.method.Request, "", c.body); problem != "" {
		return invalid("Invalid JSON payload received. %s", problem)
	}
	return nil
}

// decodeJSON reads one JSON text with its numbers as they are written.
func decodeJSON(text []byte, v any) error {
	r := json.NewDecoder(bytes.NewReader(text))
	r.UseNumber()
	if err := r.Decode(v); err != nil {
		return err
	}
	if _, err := r.Token(); err != io.EOF {
		return fmt.Errorf("text after the value")
	}
	return nil
}
