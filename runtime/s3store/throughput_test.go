//go:build unix

package s3store_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/s3store"
)

// BenchmarkMany compares InsertMany, List and GetAll of 10,000 documents with loops
// over the AWS SDK that send the same requests for the same bytes on the same server,
// as many at a time. For each, "/s" and "-bare/s" are documents a second, the best of
// all runs, and "-x-bare" is the median of the pairs' ratios of throughput: 0.9 is
// nine tenths of the loop's. "-cpu-x-bare" is that of the CPU time of this process,
// which other programs on the machine change less.
func BenchmarkMany(b *testing.B) {
	const n, width, rounds = 10_000, 64, 5
	ctx := b.Context()
	srv := server.Get(b)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = width, width
	defer transport.CloseIdleConnections()
	bare := s3.New(s3.Options{
		BaseEndpoint: aws.String(srv.Endpoint), UsePathStyle: true, Region: "us-east-1", Retryer: aws.NopRetryer{}, HTTPClient: &http.Client{Transport: transport},
		Credentials:                credentials.NewStaticCredentialsProvider(srv.AccessKey, srv.SecretKey, ""),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	})
	loop := bareLoop{client: bare, object: sampleObject(b), width: width}
	comparisons := []*comparison{{name: "insertMany"}, {name: "list"}, {name: "getAll"}}
	for i := range rounds * b.N {
		loop.bucket = srv.Bucket(b)
		store, err := s3store.New(ctx, s3store.Options{
			Bucket: loop.bucket, Endpoint: srv.Endpoint, AccessKey: srv.AccessKey, SecretKey: srv.SecretKey,
			Capabilities: &s3db.Capabilities{MetadataLimit: s3db.DefaultMetadataLimit, ConditionalPut: true},
		})
		if err != nil {
			b.Fatal(err)
		}
		c, err := clienttest.Open(ctx, store, 0, 0, s3db.WithConcurrency(width))
		if err != nil {
			b.Fatal(err)
		}
		all := func(docs []*clienttest.Account, err error) error {
			if err == nil && len(docs) != n {
				err = fmt.Errorf("%d documents of %d", len(docs), n)
			}
			return err
		}
		ours := []func() error{
			func() error {
				list := make([]clienttest.AccountInsert, n)
				for i := range list {
					list[i] = sampleAccount()
					list[i].ID = clienttest.AccountID(fmt.Sprintf("%05d", i))
				}
				return all(c.InsertMany(ctx, list))
			},
			func() error { return all(c.Query().List(ctx)) },
			func() error { return all(c.GetAll(ctx)) },
		}
		theirs := []func() error{
			func() error { return loop.insert(ctx, n) },
			func() error { return loop.list(ctx) },
			func() error { return loop.list(ctx) },
		}
		for k, pair := range comparisons {
			if err := pair.run(ours[k], theirs[k], (i+k)%2 == 0); err != nil {
				b.Fatal(pair.name, err)
			}
		}
		if err := store.Close(); err != nil {
			b.Fatal(err)
		}
	}
	for _, pair := range comparisons {
		pair.report(b, n)
	}
}

// comparison collects what the client and the loop took to do the same.
type comparison struct {
	name       string
	ours, bare []spent
}

// spent is the time that something took, by the clock and of this process's CPU.
type spent struct{ clock, cpu time.Duration }

// run measures both, the client first or second.
func (c *comparison) run(ours, bare func() error, first bool) error {
	mine, err := spend(map[bool]func() error{true: ours, false: bare}[first])
	if err != nil {
		return err
	}
	other, err := spend(map[bool]func() error{true: bare, false: ours}[first])
	if err != nil {
		return err
	}
	if !first {
		mine, other = other, mine
	}
	c.ours, c.bare = append(c.ours, mine), append(c.bare, other)
	return nil
}

func spend(f func() error) (spent, error) {
	runtime.GC() // what was left by the other is not this one's
	cpu, start := cpuTime(), time.Now()
	err := f()
	return spent{time.Since(start), cpuTime() - cpu}, err
}

// cpuTime is the CPU time of this process so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (c *comparison) report(b *testing.B, n int) {
	clock := func(s spent) time.Duration { return s.clock }
	cpu := func(s spent) time.Duration { return s.cpu }
	fastest := func(list []spent) float64 {
		return float64(n) / slices.MinFunc(list, func(x, y spent) int { return int(x.clock - y.clock) }).clock.Seconds()
	}
	ratio := func(of func(spent) time.Duration) float64 {
		ratios := make([]float64, len(c.ours))
		for i := range ratios {
			ratios[i] = float64(of(c.bare[i])) / float64(of(c.ours[i]))
		}
		slices.Sort(ratios)
		return ratios[len(ratios)/2]
	}
	b.ReportMetric(fastest(c.ours), c.name+"/s")
	b.ReportMetric(fastest(c.bare), c.name+"-bare/s")
	b.ReportMetric(ratio(clock), c.name+"-x-bare")
	b.ReportMetric(ratio(cpu), c.name+"-cpu-x-bare")
}

// bareLoop does with the AWS SDK what a client does for many documents.
type bareLoop struct {
	client *s3.Client
	bucket string
	object *s3db.Object
	width  int
}

func (l *bareLoop) insert(ctx context.Context, n int) error {
	return inParallel(ctx, l.width, func(yield func(string) bool) error {
		for i := range n {
			if !yield(fmt.Sprintf("bare/data/id=%05d", i)) {
				break
			}
		}
		return nil
	}, func(key string) error {
		_, err := l.client.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &l.bucket, Key: &key, Body: bytes.NewReader(l.object.Body), Metadata: l.object.Metadata, IfNoneMatch: aws.String("*"),
		})
		return err
	})
}

func (l *bareLoop) list(ctx context.Context) error {
	return inParallel(ctx, l.width, func(yield func(string) bool) error {
		pages := s3.NewListObjectsV2Paginator(l.client, &s3.ListObjectsV2Input{Bucket: &l.bucket, Prefix: aws.String("bare/data/id=")})
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
		out, err := l.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &l.bucket, Key: &key})
		if err != nil {
			return err
		}
		defer func() { _ = out.Body.Close() }()
		_, err = io.ReadAll(out.Body)
		return err
	})
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
