package s3store_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/s3store"
)

// BenchmarkMany compares InsertMany and List of 10,000 documents with loops over
// the AWS SDK that send the same requests for the same bytes on the same server, as
// many at a time. "x-bare" is the median of the pairs' ratios of throughput: 0.9 is
// nine tenths of the loop's.
func BenchmarkMany(b *testing.B) {
	const n, width = 10_000, 64
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
	c, err := clienttest.Open(ctx, store, 0, 0, s3db.WithConcurrency(width))
	if err != nil {
		b.Fatal(err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = width, width
	defer transport.CloseIdleConnections()
	bare := s3.New(s3.Options{
		BaseEndpoint: aws.String(srv.Endpoint), UsePathStyle: true, Region: "us-east-1", Retryer: aws.NopRetryer{}, HTTPClient: &http.Client{Transport: transport},
		Credentials:                credentials.NewStaticCredentialsProvider(srv.AccessKey, srv.SecretKey, ""),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	})
	object := sampleObject(b)
	round := 0
	insert := func() error {
		list := make([]clienttest.AccountInsert, n)
		for i := range list {
			list[i] = sampleAccount()
			list[i].ID = clienttest.AccountID(fmt.Sprintf("%d-%05d", round, i))
		}
		_, err := c.InsertMany(ctx, list)
		return err
	}
	insertBare := func() error {
		return inParallel(ctx, width, func(yield func(string) bool) error {
			for i := range n {
				if !yield(fmt.Sprintf("bare/data/id=%d-%05d", round, i)) {
					break
				}
			}
			return nil
		}, func(key string) error {
			_, err := bare.PutObject(ctx, &s3.PutObjectInput{
				Bucket: &bucket, Key: &key, Body: bytes.NewReader(object.Body), Metadata: object.Metadata, IfNoneMatch: aws.String("*"),
			})
			return err
		})
	}
	list := func() error {
		docs, err := c.Query().Where(clienttest.Where().ID.Prefix(clienttest.AccountID(fmt.Sprintf("%d-", round)))).List(ctx)
		if err == nil && len(docs) != n {
			err = fmt.Errorf("%d documents", len(docs))
		}
		return err
	}
	listBare := func() error {
		return inParallel(ctx, width, func(yield func(string) bool) error {
			pages := s3.NewListObjectsV2Paginator(bare, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: aws.String(fmt.Sprintf("bare/data/id=%d-", round))})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				for _, o := range page.Contents {
					if !yield(*o.Key) {
						return nil
					}
				}
			}
			return nil
		}, func(key string) error {
			out, err := bare.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
			if err != nil {
				return err
			}
			defer func() { _ = out.Body.Close() }()
			_, err = io.ReadAll(out.Body)
			return err
		})
	}
	ratios := map[string][]float64{}
	took := map[string]time.Duration{}
	b.ResetTimer()
	for range b.N {
		for range 3 {
			round++
			for _, pair := range []struct {
				name       string
				ours, bare func() error
			}{{"insert", insert, insertBare}, {"list", list, listBare}} {
				order := []func() error{pair.ours, pair.bare}
				var times [2]time.Duration
				for k := range order {
					i := (k + round) % 2 // who goes first changes
					start := time.Now()
					if err := order[i](); err != nil {
						b.Fatal(pair.name, err)
					}
					times[i] = time.Since(start)
				}
				took[pair.name] = times[0]
				ratios[pair.name] = append(ratios[pair.name], float64(times[1])/float64(times[0]))
			}
		}
	}
	for name, list := range ratios {
		slices.Sort(list)
		b.ReportMetric(list[len(list)/2], name+"-x-bare")
		b.ReportMetric(n/took[name].Seconds(), name+"s/s")
	}
}

// inParallel does something with each key, width at a time.
func inParallel(ctx context.Context, width int, keys func(yield func(string) bool) error, do func(string) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	queue := make(chan string)
	var wg sync.WaitGroup
	for range width {
		wg.Go(func() {
			for key := range queue {
				if err := do(key); err != nil {
					cancel(err)
				}
			}
		})
	}
	err := keys(func(key string) bool {
		select {
		case queue <- key:
			return true
		case <-ctx.Done():
			return false
		}
	})
	close(queue)
	wg.Wait()
	if err != nil {
		return err
	}
	return context.Cause(ctx)
}
