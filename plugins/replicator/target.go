package replicator

import (
	"context"
	"iter"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Target is where changes go. It is safe for concurrent use; Apply is called
// concurrently for different shards, never for one shard.
//
// Every target passes the suite of package targettest.
type Target interface {
	// Test connects, asks for what Apply needs, and changes nothing. Its error is
	// for a person who looks for a mistake in the configuration.
	Test(ctx context.Context) error
	// Prepare creates what is missing for the resources of a source, and evolves
	// what is there to their present schemas. It is called before the first Apply,
	// again when a schema has changed, and by several processes at once.
	Prepare(ctx context.Context, source Source) error
	// Apply applies changes of one shard, in order. The larger Seq of a document
	// wins: a change that was applied before, or that is older than one that was, has
	// no effect. A target that cannot compare, such as a queue, passes Seq on.
	//
	// It returns what became of the changes that the target refuses for good, in the
	// order of their indexes; all others are applied. An error means that nothing is
	// known: the same changes are sent again, perhaps together with others.
	Apply(ctx context.Context, changes []Change) ([]Rejection, error)
	// Close releases what the target holds.
	Close() error
}

// Rejection is a change that a target has not applied and never will as it is.
type Rejection struct {
	Index  int    // in the changes of the call
	Reason string // for a person; never a secret, never a whole document
	// Held says that nothing is wrong with the change itself: it was held back because
	// it follows a rejected one of its document in the same call.
	Held bool
}

// Source says what is replicated to a target.
type Source struct {
	Database string // id of the database
	Name     string // of the target in its configuration
	Shards   int
	// Resources are those that have a route to the target, in the order of their names.
	Resources []Resource
}

// Checkpointer is a Target that keeps the positions it has reached itself, changed
// by Apply together with the data, by Source.Database, Source.Name and shard.
type Checkpointer interface {
	Target
	// Checkpoint returns the Seq up to which Apply has got all changes of a shard; the
	// zero Seq when there is none. It stays before a change that was rejected until
	// Apply gets later ones in another call, since the caller may crash before it has
	// written down what was rejected. Changes of a snapshot, and those that are applied
	// Again, do not move it.
	Checkpoint(ctx context.Context, shard int) (Seq, error)
}

// Lister is a Target that tells what it has, so that Reconcile can compare.
type Lister interface {
	Target
	// List yields the documents of a resource that the target has, those after an id
	// in the order of the bytes of their ids, without those that were deleted.
	List(ctx context.Context, resource, after string) iter.Seq2[Listed, error]
}

// Listed is a document that a target has.
type Listed struct {
	ID       string
	Revision s3db.Revision
	Seq      Seq
}
