// Package s3db is the runtime of clients that s3dbgen generates: it keeps typed
// documents in the metadata of objects of an S3 bucket, of one local file, or of
// memory.
//
// A document is one object. Its attributes are user metadata of that object, one
// header an attribute; what does not fit the metadata limit goes to the body. The
// body always starts with the document's revision, so that the ETag of the object
// changes with every write and every write can be a compare-and-swap.
//
// Generated code holds names, types and straight-line encoders; everything that
// decides, retries or waits lives here, in generic types.
package s3db
