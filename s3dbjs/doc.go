// Package s3dbjs reads databases that s3db.js, the Node library, has written. It
// never writes.
//
// Two generations of that library are known: the one around its releases 6 and 7
// ("seed"), which numbers headers in base 62 and stores texts as they are, and the
// one around release 21, which keeps a registry of numbers and encodes texts for
// HTTP. [ParseDefinition] reads the definition that either keeps in s3db.json,
// [Resource.Decode] one document, [Open] and [Database.Scan] a whole database, and
// [Schema] writes the schema file of this project that comes closest.
//
// Where s3db.js itself returns a wrong value although the stored bytes hold the
// right one, this package returns the right one; docs/s3dbjs.md lists these cases.
// What cannot be decoded is never dropped: it becomes a [Problem] that names
// document, field and reason, and holds no value.
package s3dbjs
