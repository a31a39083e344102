package sim

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// content is what an account holds; "" is an absent value.
type content struct {
	name                                   string
	email, phone, country, city, plan, bio string
	blob                                   string // checksum of the binary content
}

// document is the state of one id in the reference model.
type document struct {
	live bool
	content
	erased bool // the binary content was deleted, which gives a new revision to the same name
}

// operation is what a command does.
type operation int

const (
	opInsert operation = iota
	opUpsert
	opReplace
	opUpdate
	opUpdateFrom
	opUpdateFunc
	opSetContent
	opDeleteContent
	opDelete
	opDeleteMany
	opDeleteAll
	opGet
	opContent
	opList   // of one country, or of all when the value is empty
	opLookup // by e-mail
	opWipe   // what deleteAll does to one document
)

func (o operation) String() string {
	return [...]string{"insert", "upsert", "replace", "update", "updateFrom", "updateFunc", "setContent", "deleteContent", "delete", "deleteMany", "deleteAll", "get", "content", "list", "lookup", "wipe"}[o]
}

func (o operation) writes() bool { return o <= opDeleteAll || o == opWipe }

// command is one operation of one client with its arguments. It is the same for
// the reference model and for the client.
type command struct {
	op      operation
	id      string
	ids     []string          // of deleteMany
	in      content           // of insert, upsert and replace
	patch   map[string]string // of updates: field to value, "" clears
	ifMatch string            // name that the document must have, as its revision; "" is any
	ifBlob  string            // checksum of the content that goes with ifMatch
	value   string            // country of a list, e-mail of a lookup, binary content to set

	held     *clienttest.Account // of updateFrom
	revision s3db.Revision       // of the document named by ifMatch
}

func (c command) String() string {
	switch {
	case c.op == opList || c.op == opLookup:
		return fmt.Sprintf("%s %s", c.op, c.value)
	case c.op == opDeleteMany || c.op == opDeleteAll:
		return fmt.Sprintf("%s %s", c.op, c.ids)
	case c.op == opSetContent:
		return fmt.Sprintf("%s %s %s if %q", c.op, c.id, checksum(c.value), c.ifMatch)
	case c.patch != nil:
		return fmt.Sprintf("%s %s %v if %q", c.op, c.id, c.patch, c.ifMatch)
	case c.op == opGet || c.op == opContent || c.op == opDelete || c.op == opDeleteContent:
		return fmt.Sprintf("%s %s if %q", c.op, c.id, c.ifMatch)
	}
	return fmt.Sprintf("%s %s %+v if %q", c.op, c.id, c.in, c.ifMatch)
}

// apply is the reference: what a write makes of a document, leaving aside unique
// values. An error leaves the document as it is.
func (c command) apply(d document) (document, error) {
	switch {
	case c.op == opWipe:
		return document{}, nil
	case !d.live && c.op != opInsert && c.op != opUpsert:
		return d, s3db.ErrNotFound
	case d.live && c.op == opInsert:
		return d, s3db.ErrAlreadyExists
	case c.ifMatch != "" && (!d.live || d.name != c.ifMatch || d.blob != c.ifBlob):
		return d, s3db.ErrConflict
	case c.op == opDeleteContent && d.blob == "":
		return d, s3db.ErrNotFound
	}
	next := document{live: true, content: d.content}
	switch c.op {
	case opInsert, opReplace:
		next.content = c.in
		next.blob = d.blob
	case opSetContent:
		next.blob, next.erased = checksum(c.value), d.erased
	case opDeleteContent:
		next.blob, next.erased = "", true
	case opUpsert:
		next.content = d.merge(c.in)
	case opUpdate, opUpdateFrom, opUpdateFunc:
		for field, v := range c.patch {
			*next.field(field) = v
		}
	case opDelete:
		next = document{}
	}
	return next, nil
}

func (d document) merge(in content) content {
	if !d.live {
		return in
	}
	out := d.content
	out.name = in.name // required, so an input always has it
	for _, f := range fields[1:] {
		if v := *in.field(f); v != "" {
			*out.field(f) = v
		}
	}
	return out
}

// checksum names a binary content.
func checksum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:4])
}

var fields = []string{"name", "email", "phone", "country", "city", "plan", "bio"}

func (c *content) field(name string) *string {
	return map[string]*string{
		"name": &c.name, "email": &c.email, "phone": &c.phone, "country": &c.country, "city": &c.city, "plan": &c.plan, "bio": &c.bio,
	}[name]
}

// sets reports whether a write changes a field of the document whatever it was,
// and to which value.
func (c command) sets(field string) (value string, ok bool) {
	switch c.op {
	case opInsert, opReplace:
		return *c.in.field(field), true
	case opUpsert:
		v := *c.in.field(field)
		return v, v != ""
	case opDelete, opWipe:
		return "", true
	default:
		value, ok = c.patch[field]
		return value, ok
	}
}

// result is what a client was told.
type result struct {
	err   error
	found []located // documents that were returned
}

// located is a document with its id.
type located struct {
	id string
	content
	doc *clienttest.Account
}

// run executes a command by a client.
func (c command) run(ctx context.Context, client *clienttest.Accounts) result {
	var opts []s3db.WriteOption
	if c.ifMatch != "" {
		opts = append(opts, s3db.IfMatch(c.revision))
	}
	id := clienttest.AccountID(c.id)
	one := func(d *clienttest.Account, err error) result {
		if err != nil {
			return result{err: err}
		}
		return result{found: []located{locate(d)}}
	}
	switch c.op {
	case opInsert:
		in := c.input()
		in.ID = id
		return one(client.Insert(ctx, in))
	case opUpsert:
		return one(client.Upsert(ctx, id, c.input(), opts...))
	case opReplace:
		return one(client.Replace(ctx, id, c.input(), opts...))
	case opUpdate:
		return one(client.Update(ctx, id, c.accountPatch(), opts...))
	case opUpdateFrom:
		return one(client.UpdateFrom(ctx, c.held, c.accountPatch()))
	case opUpdateFunc:
		return one(client.UpdateFunc(ctx, id, func(*clienttest.Account) (clienttest.AccountPatch, error) { return c.accountPatch(), nil }, opts...))
	case opSetContent:
		options := make([]s3db.ContentOption, len(opts))
		for i := range opts {
			options[i] = opts[i]
		}
		return one(client.SetContent(ctx, id, strings.NewReader(c.value), options...))
	case opDeleteContent:
		return one(client.DeleteContent(ctx, id, opts...))
	case opContent:
		text, err := clienttest.ReadContent(ctx, client, id)
		return result{err: err, found: []located{{id: c.id, content: content{blob: checksum(text)}}}}
	case opDelete:
		return result{err: client.Delete(ctx, id, opts...)}
	case opDeleteMany:
		ids := make([]clienttest.AccountID, len(c.ids))
		for i, id := range c.ids {
			ids[i] = clienttest.AccountID(id)
		}
		return result{err: client.DeleteMany(ctx, ids...)}
	case opDeleteAll:
		_, err := client.DeleteAll(ctx, s3db.Confirm("accounts"))
		return result{err: err}
	case opGet:
		return one(client.Get(ctx, id))
	case opLookup:
		return one(clienttest.ByEmail(ctx, client, c.value))
	default:
		q := clienttest.ByCountry(client)
		if c.value != "" {
			q = clienttest.ByCountry(client, c.value)
		}
		list, err := q.List(ctx)
		r := result{err: err}
		for _, d := range list {
			r.found = append(r.found, locate(d))
		}
		return r
	}
}

func (c command) input() clienttest.AccountInsert {
	return clienttest.AccountInsert{
		Name: c.in.name, Email: optional(c.in.email), Phone: optional(c.in.phone), Country: optional(c.in.country),
		City: optional(c.in.city), Plan: optional(c.in.plan), Bio: optional(c.in.bio),
	}
}

func (c command) accountPatch() clienttest.AccountPatch {
	var p clienttest.AccountPatch
	for field, v := range c.patch {
		change := s3db.Set(v)
		if v == "" && field != "name" {
			change = s3db.Clear[string]()
		}
		*map[string]*s3db.Change[string]{
			"name": &p.Name, "email": &p.Email, "phone": &p.Phone, "country": &p.Country, "city": &p.City, "plan": &p.Plan, "bio": &p.Bio,
		}[field] = change
	}
	return p
}

func locate(d *clienttest.Account) located {
	blob := ""
	if d.Meta.Content != nil {
		blob = hex.EncodeToString(d.Meta.Content.SHA256[:4])
	}
	return located{id: string(d.ID), doc: d, content: content{
		name: d.Name, email: text(d.Email), phone: text(d.Phone), country: text(d.Country), city: text(d.City), plan: text(d.Plan), bio: text(d.Bio), blob: blob,
	}}
}

func optional(v string) *string {
	if v == "" {
		return nil
	}
	return &v
}

func text(v *string) string {
	if v == nil {
		return ""
	}
	return *v
}

// sentinel is the kind of an error as callers tell errors apart; nil for none.
func sentinel(err error) error {
	if err == nil {
		return nil
	}
	// The unknown outcome comes first, because it comes with others.
	for _, s := range []error{
		s3db.ErrUnknownOutcome, s3db.ErrUnique, s3db.ErrAlreadyExists, s3db.ErrNotFound, s3db.ErrConflict, s3db.ErrValidation, s3db.ErrTooLarge,
	} {
		if errors.Is(err, s) {
			return s
		}
	}
	return err
}
