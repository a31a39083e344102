package s3store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/internal/s3rules"
)

// ReadContent implements s3db.ContentStore.
func (s *Store) ReadContent(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	call := call{ctx: ctx, store: s, op: "read content", key: key}
	if err := s.beginKey(ctx, call.op, key); err != nil {
		return nil, err
	}
	in := &s3.GetObjectInput{Bucket: s.bucket, Key: &key}
	switch {
	case offset == 0 && length < 0:
	case offset < 0 || length == 0:
		return nil, s3rules.Refused(call.op, key, "InvalidRange", http.StatusRequestedRangeNotSatisfiable, "the range is empty")
	case length < 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", offset))
	default:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-%d", offset, offset+length-1))
	}
	out, err := s.client.GetObject(ctx, in)
	if err != nil {
		return nil, call.fail(err)
	}
	body := &content{call: call, body: out.Body, left: aws.ToInt64(out.ContentLength)}
	if in.Range != nil && (out.ContentRange == nil || length > 0 && body.left != length) {
		// Some servers ignore what they cannot give in full.
		_ = body.Close()
		return nil, s3rules.Refused(call.op, key, "InvalidRange", http.StatusRequestedRangeNotSatisfiable, "the server's reply is not the range that was asked for")
	}
	return body, nil
}

// content is the body of a reply.
type content struct {
	call
	body io.ReadCloser
	left int64 // bytes that the reply's length promises
}

// Read implements io.Reader. A body that ends before its time is no end.
func (c *content) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil { // what has arrived already would still be read
		return 0, c.fail(err)
	}
	n, err := c.body.Read(p)
	c.left -= int64(n)
	switch {
	case err == nil:
	case errors.Is(err, io.EOF):
		if c.left > 0 {
			err = c.fail(io.ErrUnexpectedEOF)
		}
	default:
		err = c.fail(err)
	}
	return n, err
}

// Close implements io.Closer. A body that was not read to its end takes its
// connection with it.
func (c *content) Close() error { return c.body.Close() }

// BeginUpload implements s3db.ContentStore.
func (s *Store) BeginUpload(ctx context.Context, key string) (string, error) {
	call := call{ctx: ctx, store: s, op: "begin upload", key: key, writes: true}
	if err := s.beginKey(ctx, call.op, key); err != nil {
		return "", err
	}
	out, err := s.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: s.bucket, Key: &key})
	if err != nil {
		return "", call.fail(err)
	}
	if aws.ToString(out.UploadId) == "" {
		return "", &s3db.StoreError{Op: call.op, Key: key, Status: http.StatusOK, MaybeApplied: true, Err: errors.New("the server's reply names no upload; is this an S3 server?")}
	}
	return *out.UploadId, nil
}

// PutPart implements s3db.ContentStore.
func (s *Store) PutPart(ctx context.Context, key, upload string, number int, body []byte) (string, error) {
	call := call{ctx: ctx, store: s, op: "put part", key: key, writes: true}
	if err := s.beginKey(ctx, call.op, key); err != nil {
		return "", err
	}
	if err := s3rules.CheckPart(call.op, key, number); err != nil {
		return "", err
	}
	out, err := s.client.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: s.bucket, Key: &key, UploadId: &upload, PartNumber: aws.Int32(int32(number)), Body: bytes.NewReader(body),
	})
	if err != nil {
		return "", call.fail(err)
	}
	if aws.ToString(out.ETag) == "" {
		return "", &s3db.StoreError{Op: call.op, Key: key, Status: http.StatusOK, MaybeApplied: true, Err: errors.New("the server's reply has no ETag; is this an S3 server?")}
	}
	return *out.ETag, nil
}

// CompleteUpload implements s3db.ContentStore.
func (s *Store) CompleteUpload(ctx context.Context, key, upload string, etags []string) error {
	call := call{ctx: ctx, store: s, op: "complete upload", key: key, writes: true}
	if err := s.beginKey(ctx, call.op, key); err != nil {
		return err
	}
	parts := make([]types.CompletedPart, len(etags))
	for i := range etags {
		parts[i] = types.CompletedPart{ETag: &etags[i], PartNumber: aws.Int32(int32(i + 1))}
	}
	_, err := s.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: s.bucket, Key: &key, UploadId: &upload, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	if err != nil {
		return call.fail(err)
	}
	return nil
}

// AbortUpload implements s3db.ContentStore.
func (s *Store) AbortUpload(ctx context.Context, key, upload string) error {
	call := call{ctx: ctx, store: s, op: "abort upload", key: key, writes: true}
	if err := s.beginKey(ctx, call.op, key); err != nil {
		return err
	}
	_, err := s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: s.bucket, Key: &key, UploadId: &upload})
	if err != nil {
		err = call.fail(err)
	}
	if errors.Is(err, s3db.ErrNotFound) {
		return nil
	}
	return err
}

// ListUploads implements s3db.ContentStore.
func (s *Store) ListUploads(ctx context.Context, prefix string) (*s3db.UploadPage, error) {
	call := call{ctx: ctx, store: s, op: "list uploads", key: prefix}
	if err := s.begin(ctx, call.op, prefix); err != nil {
		return nil, err
	}
	if err := s3rules.CheckList(s3db.ListRequest{Prefix: prefix}); err != nil {
		return nil, err
	}
	out, err := s.client.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: s.bucket, Prefix: &prefix})
	if err != nil {
		return nil, call.fail(err)
	}
	page := &s3db.UploadPage{More: aws.ToBool(out.IsTruncated), ServerTime: serverTime(out.ResultMetadata)}
	for i := range out.Uploads {
		u := &out.Uploads[i]
		page.Items = append(page.Items, s3db.UploadItem{Key: aws.ToString(u.Key), Upload: aws.ToString(u.UploadId), Started: aws.ToTime(u.Initiated)})
	}
	return page, nil
}

// SignGet implements s3db.ContentSigner. Credentials may have to be fetched.
func (s *Store) SignGet(ctx context.Context, key string, r s3db.SignedGet) (string, error) {
	call := call{ctx: ctx, store: s, op: "sign get", key: key}
	if err := s.beginKey(ctx, call.op, key); err != nil {
		return "", err
	}
	in := &s3.GetObjectInput{Bucket: s.bucket, Key: &key, ResponseContentType: &r.Type}
	if r.Disposition != "" {
		in.ResponseContentDisposition = &r.Disposition
	}
	out, err := s3.NewPresignClient(s.client).PresignGetObject(ctx, in, s3.WithPresignExpires(r.Expires))
	if err != nil {
		return "", call.fail(err)
	}
	return out.URL, nil
}
