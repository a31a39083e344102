// Package replicator copies every committed change of documents to targets outside
// of the database, such as a queue or SQL tables, in the order of each document, and
// loses none whatever crashes.
//
// A write puts an intent beside its entries before it commits. Whoever holds the
// lease of a shard finds out which intents were committed and writes them down in
// a log of numbered segments. Each target follows the log at its own pace.
package replicator
