package postgres_test

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// at is a position.
func at(segment uint64) replicator.Seq { return replicator.Seq{Segment: segment} }

// put is a change after which a document is as given, an insert at segment 1 and an
// update else; remove is one after which it is gone.
func put(segment uint64, resource, id, document string) replicator.Change {
	c := replicator.Change{
		Seq: at(segment), Resource: resource, Action: replicator.Update, ID: id,
		Revision: s3db.Revision(fmt.Sprint("revision", segment)),
		Time:     time.Date(2026, 11, 30, 12, 0, 0, 123456789, time.UTC),
		Before:   json.RawMessage(`{}`), After: json.RawMessage(document),
	}
	if segment == 1 {
		c.Action, c.Before = replicator.Insert, nil
	}
	return c
}

func remove(segment uint64, resource, id string) replicator.Change {
	c := put(segment, resource, id, "")
	c.Action, c.Before, c.After = replicator.Delete, json.RawMessage(`{"was":1}`), nil
	return c
}

// resource is a resource with attributes that are optional, numbered in order.
func resource(name string, version int, attributes ...replicator.Attribute) replicator.Resource {
	for i := range attributes {
		attributes[i].Optional = true
		if attributes[i].Number == 0 {
			attributes[i].Number = i + 1
		}
	}
	return replicator.Resource{Name: name, Version: version, Attributes: attributes, Routes: []replicator.Route{{}}}
}

func attribute(name, kind string) replicator.Attribute {
	return replicator.Attribute{Name: name, Type: replicator.Type{Kind: kind}}
}
