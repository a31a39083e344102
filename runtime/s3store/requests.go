package s3store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/internal/s3rules"
)

// Get implements s3db.Store.
func (s *Store) Get(ctx context.Context, key string) (*s3db.Object, error) {
	call := call{ctx: ctx, store: s, op: "get", key: key}
	if err := s.beginKey(ctx, call.op, key); err != nil {
		return nil, err
	}
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: s.bucket, Key: &key})
	if err != nil {
		return nil, call.fail(err)
	}
	body, err := readBody(out.Body, out.ContentLength)
	if err != nil {
		return nil, call.fail(err)
	}
	if err := call.checkMetadata(out.MissingMeta); err != nil {
		return nil, err
	}
	return &s3db.Object{
		Body: body, Metadata: metadataOf(out.Metadata), ETag: aws.ToString(out.ETag), Size: int64(len(body)),
		LastModified: aws.ToTime(out.LastModified), ServerTime: serverTime(out.ResultMetadata),
	}, nil
}

// Head implements s3db.Store. A HEAD reply has no body, so a missing bucket looks
// like a missing object.
func (s *Store) Head(ctx context.Context, key string) (*s3db.Object, error) {
	call := call{ctx: ctx, store: s, op: "head", key: key}
	if err := s.beginKey(ctx, call.op, key); err != nil {
		return nil, err
	}
	out, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: s.bucket, Key: &key})
	if err != nil {
		return nil, call.fail(err)
	}
	if err := call.checkMetadata(out.MissingMeta); err != nil {
		return nil, err
	}
	return &s3db.Object{
		Metadata: metadataOf(out.Metadata), ETag: aws.ToString(out.ETag), Size: aws.ToInt64(out.ContentLength),
		LastModified: aws.ToTime(out.LastModified), ServerTime: serverTime(out.ResultMetadata),
	}, nil
}

// Put implements s3db.Store.
func (s *Store) Put(ctx context.Context, key string, body []byte, metadata map[string]string, cond s3db.Condition) (string, error) {
	call := call{ctx: ctx, store: s, op: "put", key: key, cond: cond, writes: true}
	if err := s.beginKey(ctx, call.op, key); err != nil {
		return "", err
	}
	if err := s3rules.CheckMetadata(call.op, key, metadata, s.caps.MetadataLimit); err != nil {
		return "", err
	}
	if err := s3rules.CheckCondition(call.op, key, cond); err != nil {
		return "", err
	}
	in := &s3.PutObjectInput{Bucket: s.bucket, Key: &key, Body: bytes.NewReader(body), Metadata: metadata}
	if cond.Absent() {
		in.IfNoneMatch = aws.String("*")
	} else if etag := cond.ETag(); etag != "" {
		in.IfMatch = &etag
	}
	out, err := s.client.PutObject(ctx, in)
	if err != nil {
		return "", call.fail(err)
	}
	if aws.ToString(out.ETag) == "" {
		return "", &s3db.StoreError{Op: call.op, Key: key, Status: http.StatusOK, MaybeApplied: true, Err: errors.New("the server's reply has no ETag; is this an S3 server?")}
	}
	return *out.ETag, nil
}

// Delete implements s3db.Store.
func (s *Store) Delete(ctx context.Context, key string, cond s3db.Condition) error {
	call := call{ctx: ctx, store: s, op: "delete", key: key, cond: cond, writes: true}
	if err := s.beginKey(ctx, call.op, key); err != nil {
		return err
	}
	if err := s3rules.CheckCondition(call.op, key, cond); err != nil {
		return err
	}
	in := &s3.DeleteObjectInput{Bucket: s.bucket, Key: &key}
	if cond != (s3db.Condition{}) {
		if cond.Absent() || !s.caps.ConditionalDelete {
			return s3rules.Refused(call.op, key, "NotImplemented", http.StatusNotImplemented, "this store has no such conditional deletion")
		}
		in.IfMatch = aws.String(cond.ETag())
	}
	_, err := s.client.DeleteObject(ctx, in)
	if err != nil {
		err = call.fail(err)
	}
	if errors.Is(err, s3db.ErrNotFound) { // some servers say so
		return nil
	}
	return err
}

// DeleteMany implements s3db.Store.
func (s *Store) DeleteMany(ctx context.Context, keys []string) error {
	call := call{ctx: ctx, store: s, op: "delete many", writes: true}
	if err := s.begin(ctx, call.op, ""); err != nil {
		return err
	}
	if err := s3rules.CheckDeleteMany(keys); err != nil || len(keys) == 0 {
		return err
	}
	objects := make([]types.ObjectIdentifier, len(keys))
	for i := range keys {
		objects[i].Key = &keys[i]
	}
	out, err := s.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{
		Bucket: s.bucket, Delete: &types.Delete{Objects: objects, Quiet: aws.Bool(true)},
	}, s.deleteManyOptions...)
	if err != nil {
		return call.fail(err)
	}
	var errs []error
	for _, e := range out.Errors {
		if err := call.failKey(aws.ToString(e.Key), aws.ToString(e.Code), aws.ToString(e.Message)); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// List implements s3db.Store.
func (s *Store) List(ctx context.Context, req s3db.ListRequest) (*s3db.ListPage, error) {
	call := call{ctx: ctx, store: s, op: "list", key: req.Prefix}
	if err := s.begin(ctx, call.op, req.Prefix); err != nil {
		return nil, err
	}
	if err := s3rules.CheckList(req); err != nil {
		return nil, err
	}
	in := &s3.ListObjectsV2Input{
		Bucket: s.bucket, Prefix: &req.Prefix, MaxKeys: aws.Int32(int32(s3rules.PageSize(req))),
		// Keys that others wrote may hold characters that XML cannot.
		EncodingType: types.EncodingTypeUrl,
	}
	if req.StartAfter != "" {
		in.StartAfter = &req.StartAfter
	}
	out, err := s.client.ListObjectsV2(ctx, in)
	if err != nil {
		return nil, call.fail(err)
	}
	if out.Name == nil && out.MaxKeys == nil && out.KeyCount == nil {
		// The SDK takes any text for a listing of nothing.
		return nil, &s3db.StoreError{Op: call.op, Key: req.Prefix, Status: http.StatusOK, Err: errors.New("the reply is no listing; is this an S3 server?")}
	}
	page := &s3db.ListPage{More: aws.ToBool(out.IsTruncated), ServerTime: serverTime(out.ResultMetadata)}
	page.Items = make([]s3db.ListItem, len(out.Contents))
	for i := range out.Contents {
		o := &out.Contents[i]
		key := aws.ToString(o.Key)
		if out.EncodingType == types.EncodingTypeUrl {
			if key, err = url.QueryUnescape(key); err != nil {
				return nil, &s3db.StoreError{Op: call.op, Key: req.Prefix, Err: fmt.Errorf("the server listed a key that is not URL-encoded as announced: %w", err)}
			}
		}
		page.Items[i] = s3db.ListItem{Key: key, Size: aws.ToInt64(o.Size), ETag: aws.ToString(o.ETag), LastModified: aws.ToTime(o.LastModified)}
	}
	if page.More && len(page.Items) == 0 {
		return nil, &s3db.StoreError{Op: call.op, Key: req.Prefix, Err: errors.New("the server says that more keys follow an empty page")}
	}
	return page, nil
}

// beginKey is begin for requests on one key.
func (s *Store) beginKey(ctx context.Context, op, key string) error {
	if err := s.begin(ctx, op, key); err != nil {
		return err
	}
	return s3rules.CheckKey(op, key)
}

// checkMetadata refuses an object of which the server does not show all user
// metadata, because whoever writes it back would lose the rest.
func (c call) checkMetadata(missing *int32) error {
	if aws.ToInt32(missing) == 0 {
		return nil
	}
	return &s3db.StoreError{Op: c.op, Key: c.key, Err: fmt.Errorf("the server leaves %d metadata headers out of its reply", *missing)}
}

// readBody reads a whole body into one allocation when its length is known. It
// reads up to the end, where the SDK compares the checksum and the connection
// becomes free for the next request.
func readBody(body io.ReadCloser, length *int64) ([]byte, error) {
	defer body.Close()       //nolint:errcheck // a body that was read has nothing more to say
	const trusted = 64 << 20 // a length beyond is believed byte by byte
	if length == nil || *length < 0 || *length > trusted {
		return io.ReadAll(body)
	}
	buf := make([]byte, 0, *length+1)
	for len(buf) < cap(buf) {
		n, err := body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case errors.Is(err, io.EOF) && int64(len(buf)) == *length:
			return slices.Clip(buf), nil
		case errors.Is(err, io.EOF):
			return nil, io.ErrUnexpectedEOF
		case err != nil:
			return nil, err
		}
	}
	return nil, errors.New("the body is longer than its length says")
}

// metadataOf returns a map that is never nil.
func metadataOf(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// serverTime returns the Date of a reply.
func serverTime(m middleware.Metadata) time.Time {
	t, _ := awsmiddleware.GetServerTime(m)
	return t
}
