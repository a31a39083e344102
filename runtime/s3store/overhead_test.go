package s3store_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/runtime/s3store"
)

// BenchmarkOverhead compares the client with a program that calls PutObject and
// GetObject of the AWS SDK itself, for the same bytes on the same server, in
// pairs. "x-bare" is the median of the pairs' ratios: 1.10 is 10 % slower.
func BenchmarkOverhead(b *testing.B) {
	ctx := b.Context()
	srv := server.Get(b)
	bucket := srv.Bucket(b)
	store, err := s3store.New(ctx, s3store.Options{
		Bucket: bucket, Endpoint: srv.Endpoint, AccessKey: srv.AccessKey, SecretKey: srv.SecretKey,
		Capabilities: &s3db.Capabilities{MetadataLimit: s3db.DefaultMetadataLimit, ConditionalPut: true},
	})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	c, err := clienttest.Open(ctx, store, 0, 0)
	if err != nil {
		b.Fatal(err)
	}
	bare := s3.New(s3.Options{
		BaseEndpoint: aws.String(srv.Endpoint), UsePathStyle: true, Region: "us-east-1", Retryer: aws.NopRetryer{},
		Credentials:                credentials.NewStaticCredentialsProvider(srv.AccessKey, srv.SecretKey, ""),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	})
	object := sampleObject(b)
	put := func(i int) error {
		_, err := bare.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &bucket, Key: aws.String(fmt.Sprintf("bare/data/id=%d", i)), Body: bytes.NewReader(object.Body),
			Metadata: object.Metadata, IfNoneMatch: aws.String("*"),
		})
		return err
	}
	get := func(i int) error {
		out, err := bare.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: aws.String(fmt.Sprintf("bare/data/id=%d", i))})
		if err != nil {
			return err
		}
		defer func() { _ = out.Body.Close() }()
		_, err = io.ReadAll(out.Body)
		return err
	}
	next := 0
	b.Run("insert", func(b *testing.B) {
		pairs(b, func(i int) error {
			in := sampleAccount()
			in.ID = clienttest.AccountID(fmt.Sprint(next + i))
			_, err := c.Insert(ctx, in)
			return err
		}, func(i int) error { return put(next + i) })
		next += b.N
	})
	b.Run("get", func(b *testing.B) {
		pairs(b, func(i int) error {
			_, err := c.Get(ctx, clienttest.AccountID(fmt.Sprint(i%next)))
			return err
		}, func(i int) error { return get(i % next) })
	})
}

// pairs runs both functions b.N times, in turn, and reports the median ratio of
// their times.
func pairs(b *testing.B, client, bare func(i int) error) {
	b.Helper()
	ratios := make([]float64, b.N)
	clock := func(f func(int) error, i int) time.Duration {
		start := time.Now()
		if err := f(i); err != nil {
			b.Fatal(err)
		}
		return time.Since(start)
	}
	for i := range b.N {
		var x, y time.Duration
		if i%2 == 0 {
			x, y = clock(client, i), clock(bare, i)
		} else {
			y, x = clock(bare, i), clock(client, i)
		}
		ratios[i] = float64(x) / float64(y)
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "x-bare")
}

func sampleAccount() clienttest.AccountInsert {
	return clienttest.AccountInsert{
		Name: "Ada Lovelace", Count: 36, Email: new("ada@example.com"), Phone: new("+44 20 7946 0958"),
		Country: new("GB"), City: new("London"), Plan: new("pro"), Bio: new("Wrote the first program for a machine that did not exist."),
	}
}

// sampleObject is the object that the client stores for the sample account.
func sampleObject(b *testing.B) *s3db.Object {
	b.Helper()
	store := memstore.New()
	c, err := clienttest.Open(context.Background(), store, 0, 0)
	if err != nil {
		b.Fatal(err)
	}
	in := sampleAccount()
	in.ID = "1"
	if _, err := c.Insert(b.Context(), in); err != nil {
		b.Fatal(err)
	}
	object, err := store.Get(b.Context(), "resource=accounts/data/id=1")
	if err != nil {
		b.Fatal(err)
	}
	return object
}
