package sqs

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
)

// origin is the member "source" of every message.
const origin = "s3db-replicator"

// message is a change as SQS gets it.
type message struct {
	body       string
	attributes map[string]types.MessageAttributeValue
	size       int    // in bytes, as SQS counts it
	group      string // of the document
	once       string // the id by which a queue drops repetitions
}

// body returns the JSON of a change, or why there is none. The members and their order
// are those of s3db.js: resource, action, before of an update, data, timestamp, source. The
// data of a delete is the document that was deleted.
func body(c *replicator.Change) ([]byte, string) {
	var b bytes.Buffer
	b.WriteString(`{"resource":`)
	b.Write(quoted(c.Resource))
	fmt.Fprintf(&b, `,"action":%q,`, c.Action.String())
	if c.Action == replicator.Update && len(c.Before) > 0 {
		b.WriteString(`"before":`)
		if problem := document(&b, c.BaseVersion, c.Before); problem != "" {
			return nil, "the document before " + problem
		}
		b.WriteByte(',')
	}
	b.WriteString(`"data":`)
	image, version := c.After, c.Version
	if c.Action == replicator.Delete {
		if image, version = c.Before, c.BaseVersion; len(image) == 0 {
			image = append(append([]byte(`{"id":`), quoted(c.ID)...), '}') // nothing else is known
		}
	}
	if problem := document(&b, version, image); problem != "" {
		return nil, "the document " + problem
	}
	fmt.Fprintf(&b, `,"timestamp":%q,"source":%q}`, c.Time.UTC().Format("2006-01-02T15:04:05.000Z"), origin)
	return escaped(b.Bytes()), ""
}

// document writes a document with the version of its schema, "_v", as its first member.
func document(b *bytes.Buffer, version int, image json.RawMessage) string {
	if !utf8.Valid(image) {
		return "has bytes that are no UTF-8"
	}
	start := b.Len()
	if err := json.Compact(b, image); err != nil || b.Len() == start || b.Bytes()[start] != '{' {
		return "is no JSON object"
	}
	rest := bytes.Clone(b.Bytes()[start+1:])
	b.Truncate(start)
	b.WriteString(`{"_v":`)
	b.WriteString(strconv.Itoa(version))
	if len(rest) > 1 {
		b.WriteByte(',')
	}
	b.Write(rest)
	return ""
}

// quoted is a JSON string in the form of JSON.stringify.
func quoted(s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a text has a JSON form
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// escaped writes the two characters that SQS refuses, and that JSON may have as they
// are, in their other form.
func escaped(body []byte) []byte {
	body = bytes.ReplaceAll(body, []byte("\ufffe"), []byte(`\ufffe`))
	return bytes.ReplaceAll(body, []byte("\uffff"), []byte(`\uffff`))
}

// newMessage returns the message of a change, or why there is none.
func newMessage(group string, c *replicator.Change) (*message, string) {
	b, problem := body(c)
	if problem != "" {
		return nil, problem
	}
	m := &message{
		body:  string(b),
		group: group,
		once:  hash(group, string(c.Revision)),
		attributes: map[string]types.MessageAttributeValue{
			"seq":      stringAttribute(c.Seq.String()),
			"revision": stringAttribute(string(c.Revision)),
			"version":  {DataType: aws.String("Number"), StringValue: aws.String(strconv.Itoa(c.Version))},
		},
	}
	if c.Revision == "" {
		delete(m.attributes, "revision") // SQS refuses empty ones
		m.once = hash(group, c.Seq.String(), c.Time.Format(time.RFC3339Nano))
	}
	m.size = len(m.body)
	for name, a := range m.attributes {
		m.size += len(name) + len(*a.DataType) + len(*a.StringValue)
	}
	return m, ""
}

func stringAttribute(s string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(s)}
}

// hash is a text of 64 characters that names a list of texts.
func hash(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))
}
