package s3db

import (
	"context"
	"io"
	"time"
)

// ContentStore is a [Store] that also keeps contents: objects of any size, written
// in parts and read as a stream. The stores of this module all are; what only
// keeps documents need not be. Package storetest tests it with the rest.
//
// As those of Store, its methods make one attempt and never retry. An object that
// an upload completes is an object as any other: Get, Head, Delete and List know
// it, and its ETag is opaque.
type ContentStore interface {
	Store
	// ReadContent opens an object, length bytes of it from an offset on or, when
	// length is negative, all that follow. The stretch must be within the object
	// and not be empty, unless offset is 0 and length negative. ErrNotFound when
	// there is no object. The reader fails with a *StoreError, temporary when the
	// rest may be read by another call, and ends with the context. It must be
	// closed, whether it was read to its end or not.
	ReadContent(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)
	// BeginUpload begins an object that is written in parts, and names the upload.
	// Nothing is under the key until CompleteUpload.
	BeginUpload(ctx context.Context, key string) (upload string, err error)
	// PutPart writes one part, numbered from 1, and returns its ETag. Writing a
	// part again replaces it. All parts but the last have the same size, at least
	// MinPart; ErrNotFound when the upload is over.
	PutPart(ctx context.Context, key, upload string, number int, body []byte) (etag string, err error)
	// CompleteUpload makes an object of the parts 1 to len(etags), in place of any
	// other under the key. ErrNotFound when the upload is over.
	CompleteUpload(ctx context.Context, key, upload string, etags []string) error
	// AbortUpload ends an upload and frees what its parts take. That the upload is
	// over is no error.
	AbortUpload(ctx context.Context, key, upload string) error
	// ListUploads returns the uploads under way whose keys start with a prefix, up
	// to 1,000 of them, in no order. A server may leave some out: MinIO
	// lists those of a whole key only.
	ListUploads(ctx context.Context, prefix string) (*UploadPage, error)
}

// MinPart is the least size in bytes of a part of an upload that is not its last
// one (AWS, "Amazon S3 multipart upload limits").
const MinPart = 5 << 20

// UploadPage is a page of uploads under way.
type UploadPage struct {
	Items      []UploadItem
	More       bool      // there are others, which the next call returns when these are over
	ServerTime time.Time // the server's clock at the reply; zero when unknown
}

// UploadItem is one upload under way.
type UploadItem struct {
	Key     string
	Upload  string
	Started time.Time // by the server's clock
}

// ContentSigner is a [ContentStore] that makes URLs through which others read an
// object without credentials. Stores without a server have none.
type ContentSigner interface {
	ContentStore
	// SignGet returns a URL that reads an object with GET until it expires. It makes
	// no request for the object, which need not exist.
	SignGet(ctx context.Context, key string, r SignedGet) (url string, err error)
}

// SignedGet says what a URL gives.
type SignedGet struct {
	Expires     time.Duration
	Type        string // Content-Type of the reply
	Disposition string // Content-Disposition of the reply; "" for none
}
