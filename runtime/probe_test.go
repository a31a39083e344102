package s3db_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/boltstore"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// lying makes a server claim all capabilities, whatever it can do.
func lying(opts memstore.Options) memstore.Options {
	opts.Claim = &s3db.Capabilities{MetadataLimit: 1 << 20, ConditionalPut: true, ConditionalDelete: true, Unproven: true, Server: "liar:9000"}
	return opts
}

func TestProbe(t *testing.T) {
	const most = s3db.DefaultMetadataLimit
	for _, test := range []struct {
		name      string
		opts      memstore.Options
		limit     int
		put, del  bool
		wantError string // of an error that matches ErrConfig
	}{
		{name: "proper", limit: most, put: true, del: true},
		{name: "more metadata", opts: memstore.Options{MetadataLimit: 8000}, limit: most, put: true, del: true},
		{name: "one byte less", opts: memstore.Options{MetadataLimit: most - 1}, limit: most - 1, put: true, del: true},
		{name: "little metadata", opts: memstore.Options{MetadataLimit: 777}, limit: 777, put: true, del: true},
		{name: "directories are keys", opts: memstore.Options{Quirks: memstore.Quirks{DirectoryKeys: true}}, limit: most, put: true, del: true},
		{name: "ignores If-None-Match", opts: memstore.Options{Quirks: memstore.Quirks{IgnoreIfAbsent: true}}, limit: most},
		{name: "ignores If-Match", opts: memstore.Options{Quirks: memstore.Quirks{IgnoreIfMatch: true}}, limit: most},
		{name: "ignores both", opts: memstore.Options{Quirks: memstore.Quirks{IgnoreIfAbsent: true, IgnoreIfMatch: true}}, limit: most},
		{name: "compares first, writes later", opts: memstore.Options{Quirks: memstore.Quirks{RacyConditions: true}, Latency: func(memstore.Request) time.Duration { return time.Millisecond }}, limit: most},
		{name: "one ETag for all revisions", opts: memstore.Options{Quirks: memstore.Quirks{ConstantETag: true}}, limit: most},
		{name: "deletes whatever the condition says", opts: memstore.Options{Quirks: memstore.Quirks{IgnoreDeleteCondition: true}}, limit: most, put: true},
		{name: "refuses conditions of deletions", opts: memstore.Options{Quirks: memstore.Quirks{RefuseDeleteCondition: true}}, limit: most, put: true},
		{name: "deletes the missing under a condition", opts: memstore.Options{Quirks: memstore.Quirks{DeleteMissing: true}}, limit: most, put: true},
		{name: "deletes late", opts: memstore.Options{Quirks: memstore.Quirks{RacyDeletes: true}, Latency: func(memstore.Request) time.Duration { return time.Millisecond }}, limit: most, put: true},
		{name: "lists in no order", opts: memstore.Options{Quirks: memstore.Quirks{Unordered: true}}, wantError: "not in the order"},
		{name: "lists late", opts: memstore.Options{Quirks: memstore.Quirks{StaleList: true}}, wantError: "late"},
		{name: "keeps old metadata", opts: memstore.Options{Quirks: memstore.Quirks{KeepMetadata: true}}, wantError: "keeps something of the old one"},
		{name: "hardly any metadata", opts: memstore.Options{MetadataLimit: 60}, wantError: "hardly any metadata"},
	} {
		t.Run(test.name, func(t *testing.T) {
			// Time in the bubble passes only when all racers wait, so that a race that
			// can be lost is lost.
			synctest.Test(t, func(t *testing.T) {
				server := memstore.NewServer(lying(test.opts))
				caps, err := s3db.Probe(t.Context(), server.Client(), "app/one")
				if keys := server.Keys(); len(keys) != 0 {
					t.Errorf("left behind: %q", keys)
				}
				if test.wantError != "" {
					if !errors.Is(err, s3db.ErrConfig) || !strings.Contains(err.Error(), test.wantError) {
						t.Errorf("error %v, want one that says %q", err, test.wantError)
					}
					return
				}
				want := s3db.Capabilities{MetadataLimit: test.limit, ConditionalPut: test.put, ConditionalDelete: test.del, Server: "liar:9000"}
				if err != nil || caps != want {
					t.Errorf("Probe: %+v, %v; want %+v", caps, err, want)
				}
			})
		})
	}
}

// Probe works under the prefix alone and sends a bounded number of requests.
func TestProbeRequests(t *testing.T) {
	server := memstore.NewServer(memstore.Options{})
	store := server.Client()
	store.Observe(func(r memstore.Request) {
		for _, key := range append(r.Keys, r.Key) {
			if key != "" && !strings.HasPrefix(key, "app/probe=") {
				t.Errorf("%s: outside of the prefix", r)
			}
		}
	})
	if _, err := s3db.Probe(t.Context(), store, "app"); err != nil {
		t.Fatal(err)
	}
	if n := store.Counts().Total(); n > 230 {
		t.Errorf("%d requests (%+v)", n, store.Counts())
	}
}

// Passing failures do not change the answer.
func TestProbeWithFaults(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			server := memstore.NewServer(lying(memstore.Options{Quirks: memstore.Quirks{IgnoreDeleteCondition: true}}))
			store := server.Client()
			store.SetFault(memstore.Faults(seed, memstore.Rates{InternalError: 0.001, SlowDown: 0.001, Conflict: 0.05, Reset: 0.001, LostReply: 0.002, Refused: 0.05, Stall: 0.002}))
			caps, err := s3db.Probe(t.Context(), store, "")
			want := s3db.Capabilities{MetadataLimit: s3db.DefaultMetadataLimit, ConditionalPut: true, Server: "liar:9000"}
			if err != nil || caps != want {
				t.Errorf("seed %d: %+v, %v; want %+v", seed, caps, err, want)
			}
		})
	}
}

func TestProbeFails(t *testing.T) {
	for _, test := range []struct {
		fault memstore.FaultKind
		want  string
	}{{memstore.Denied, "AccessDenied"}, {memstore.Refused, "connection refused"}, {memstore.InternalError, "InternalError"}} {
		synctest.Test(t, func(t *testing.T) {
			store := memstore.New()
			store.SetFault(func(memstore.Request) memstore.Injection { return memstore.Injection{Fault: test.fault} })
			if _, err := s3db.Probe(t.Context(), store, ""); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one that says %q", err, test.want)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	store := memstore.New()
	n := 0
	store.Observe(func(r memstore.Request) {
		if n++; n == 3 {
			cancel()
		}
	})
	if _, err := s3db.Probe(ctx, store, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
	if keys := store.Server().Keys(); len(keys) != 0 {
		t.Errorf("left behind after cancellation: %q", keys)
	}
}

func TestProbeBolt(t *testing.T) {
	store, err := boltstore.Open(t.Context(), filepath.Join(t.TempDir(), "shop.db"), boltstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	caps, err := s3db.Probe(t.Context(), store, "app")
	if err != nil || caps != store.Capabilities() {
		t.Errorf("Probe: %+v, %v; the store says %+v", caps, err, store.Capabilities())
	}
}
